import type { Call } from './call.ts';
import { isDangerous } from './dangers.ts';
import { bodyFieldsOf } from './fields.ts';
import { leavesOf } from './json.ts';
import { type Operation, pathParametersOf } from './operation.ts';
import type { PoolEntry } from './pool.ts';
import type { View } from './reads.ts';
import { singular, snake, wordsOf } from './words.ts';

/** Words of operations that do something else than make or change an object. */
const NO_OBJECT =
  /\b(log ?in|sign ?in|log ?out|sign ?out|sign ?up|signup|register|registration|token|password|refresh|recover|recovery|forgot|otp|2fa|mfa|totp|verify|verification|confirm|resend|invite|invitation|invitations|webauthn|passkey|unsubscribe|deactivate|disable|enable|close|delete|remove|destroy|leave|erase|terminate|revoke|cancel|archive|keep|accept|decline|reject|revert|reversions?|re ?authenticat\w*|reauthentication|mails?|impersonate|transfer|suspend|ban|block|end|stop)\b/;

const DELETES = /\b(delete|remove|destroy|erase)\b/g;

const MAKES =
  /\b(create|creates|add|adds|new|post|insert|save|store|submit|upload|make|write|compose|publish|draft|book|place|open|request|report)\b/;

/**
 * Whether an operation makes an object, as far as it says: it posts to a collection, is named after
 * making something, or answers 201. Everything else does something nobody knows, and a name that
 * no list has may wipe a database.
 */
export function makesObjects(operation: Operation, operations: readonly Operation[]): boolean {
  return (
    (operation.method === 'POST' || isCreatingPut(operation)) &&
    changesObjects(operation) &&
    takesSomething(operation) &&
    isCreation(operation, operations)
  );
}

/** A PUT on a collection that answers 201 and nothing else: it adds to it, as a POST would. */
function isCreatingPut({ method, path, answers }: Operation): boolean {
  return method === 'PUT' && !/\}\/*$/.test(path) && '201' in answers && !('200' in answers);
}

function isCreation({ path, name, answers }: Operation, operations: readonly Operation[]) {
  const own = path.replace(/\/+$/, '');
  const last = own.split('/').at(-1) ?? '';
  const isCollection = operations.some(
    (one) =>
      (one.method === 'GET' && one.path.replace(/\/+$/, '') === own) ||
      (one.path.startsWith(`${own}/{`) && one.method !== 'POST'),
  );
  const noun = wordsOf(last).at(-1) ?? '';
  const isPlural = !last.includes('{') && singular(noun) !== noun;
  const words = [...(last.includes('{') ? [] : wordsOf(last)), ...wordsOf(name)];
  // `POST /account/change-email` makes nothing, whatever it answers.
  if (/\b(change|update)\b/.test(wordsOf(last).join(' '))) return false;
  return isCollection || isPlural || '201' in answers || MAKES.test(words.join(' '));
}

/** A POST without a body does something to an object; it makes none. */
function takesSomething(operation: Operation): boolean {
  const { bodies } = operation;
  const isSaid = bodies.some(({ schema }) => Object.keys(schema).length > 0);
  return bodies.length > 0 && (!isSaid || bodyFieldsOf(operation).length > 0);
}

const TENANT = /^(tenant|org|organi[sz]ation|company|workspace)$/;

/**
 * Whether making one of these changes what the rest of the audit is about: whoever has a tenant and
 * makes a second one may be in that from then on, and no longer where they were.
 */
export function makesAnotherTenant({ path }: Operation, { actor, granted }: View): boolean {
  const own = path.replace(/\/+$/, '');
  const isTenant = TENANT.test(singular(snake(own.split('/').at(-1) ?? '')));
  const hasOne = granted.some(
    ({ call, exchange }) =>
      call.operation.path.replace(/\/+$/, '') === own &&
      leavesOf(exchange.answer?.json).some((leaf) => leaf.path.some((step) => step === 0)),
  );
  return isTenant && (hasOne || actor.tenant !== null);
}

/**
 * Whether a call to make something stays within what is ours: in an object of somebody else's only
 * a collection is added to; what is not known to be one is sent to objects of this run alone.
 */
export function staysWithinOwn(
  { operation, path }: Call,
  operations: readonly Operation[],
  pool: readonly PoolEntry[],
): boolean {
  const parameters = pathParametersOf(operation.path);
  if (parameters.length === 0) return true;
  const own = operation.path.replace(/\/+$/, '');
  const isCollection = operations.some(
    (one) => one.path.startsWith(`${own}/{`) || (one.method === 'GET' && one.path === own),
  );
  const selected = parameters.map((name) => path[name]);
  return isCollection || pool.some(({ isCreated, value }) => isCreated && selected.includes(value));
}

export function changesObjects(operation: Operation): boolean {
  if (isDangerous(operation)) return false;
  const segments = operation.path.split('/').filter((part) => !part.includes('{'));
  const words = [...segments, operation.name].flatMap(wordsOf).join(' ');
  // Of a DELETE the name says no more than the method does.
  const isDeletion = operation.method === 'DELETE';
  return !NO_OBJECT.test(isDeletion ? words.replaceAll(DELETES, '') : words);
}
