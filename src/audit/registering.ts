import { type Account, type Actor, ANONYMOUS } from './actor.ts';
import { compose, type Recipe } from './creation.ts';
import { bodyFieldsOf, requiring } from './fields.ts';
import { isGranted } from './exchange.ts';
import type { Json } from './json.ts';
import type { Operation } from './operation.ts';
import { choicesFor } from './purposes.ts';
import { type PoolEntry } from './pool.ts';
import { keep, newView } from './reads.ts';
import type { Run } from './run.ts';
import { waysOf } from './sign-in.ts';
import { passwordOf } from './values.ts';
import { fieldIn } from './window.ts';
import {
  isNameField,
  isPasswordField,
  PASSWORD_FIELD,
  PEOPLE,
  ROLE_FIELD,
  snake,
  wordsOf,
} from './words.ts';

/** A registration that the target took. */
export interface Registration {
  readonly recipe: Recipe;
  readonly account: PasswordAccount;
  /** The planted value that the name and the address are made of. */
  readonly name: string;
}

type PasswordAccount = Extract<Account, { kind: 'password' }>;

/**
 * An account that the target gives to whoever asks, for an audit that was given none. Null where it
 * gives none, or where nothing looks like a registration. `as` is a name that it shall have.
 */
export async function registered(
  run: Run,
  as: string | null = null,
): Promise<PasswordAccount | null> {
  return (await plainRegistration(run, as))?.account ?? null;
}

/** As `registered`, with the call that did it. */
export async function plainRegistration(
  run: Run,
  as: string | null = null,
): Promise<Registration | null> {
  const [registration] = choicesFor(run, 'registration');
  if (registration === undefined) return null;
  return await accountBy(run, ANONYMOUS, registration.operation, { as, role: null, pool: [] });
}

/**
 * An account that the superior makes, where not everybody may have one, with A's role where one is
 * asked for: no account of a higher role is left behind. Null where there is no such operation.
 */
export async function madeBySuperior(
  run: Run,
  as: string | null = null,
): Promise<PasswordAccount | null> {
  const { superior } = run.actors;
  if (superior === null) return null;
  const { control } = run.knowledge;
  const role = fieldIn(control?.exchange ?? null, ROLE_FIELD)?.value ?? null;
  const view = newView(superior, run.operations);
  for (const { call, exchange } of run.knowledge.views.superior ?? []) {
    if (isGranted(exchange)) keep(view, call, exchange);
  }
  for (const operation of run.operations.filter((one) => makesAccounts(run, one))) {
    const made = await accountBy(run, superior, operation, { as, role, pool: view.pool });
    if (made !== null) return made.account;
  }
  return null;
}

/** A POST to people that takes a name and a password, and is nobody's way in. */
function makesAccounts(run: Run, operation: Operation): boolean {
  const { method, path, name } = operation;
  if (method !== 'POST' || operation.id === run.knowledge.chosen['sign-in']?.operation.id) {
    return false;
  }
  const fields = bodyFieldsOf(operation).map((field) => field.name);
  const words = [path.replaceAll(/\{[^{}]*\}/g, ''), name].flatMap(wordsOf).join(' ');
  return (
    PEOPLE.test(words) &&
    !/\b(change|reset|recover|recovery|forgot|confirm|verify|log ?in|sign ?in)\b/.test(words) &&
    fields.some((field) => isNameField(field)) &&
    fields.some((field) => isPasswordField(field)) &&
    !fields.some((field) => /^(current|old|new)_/.test(snake(field)))
  );
}

async function accountBy(
  run: Run,
  actor: Actor,
  operation: Operation,
  given: {
    readonly as: string | null;
    readonly role: Json | null;
    readonly pool: readonly PoolEntry[];
  },
): Promise<Registration | null> {
  const { as, role, pool } = given;
  const [signIn] = choicesFor(run, 'sign-in');
  // Name and address belong together: who takes over the one takes over the other.
  const name = as?.split('@')[0] ?? run.canary();
  const address = as?.includes('@') === true ? as : `${name}@sallyport-audit.example`;
  const password = passwordOf(run.canary());
  const lookup = (field: string) => {
    if (isPasswordField(field)) return password;
    if (/mail/.test(snake(field))) return address;
    if (role !== null && ROLE_FIELD.test(snake(field))) return role;
    return isNameField(field) ? name : undefined;
  };
  const { sent } = await compose(run, actor, requiring(operation, PASSWORD_FIELD), pool, lookup);
  if (sent === null) return null;
  const way = signIn === undefined ? undefined : waysOf(signIn.operation)[0];
  // A sign-in that asks for a name may mean the address where the registration took no name.
  const isName = JSON.stringify(sent.recipe.call.body ?? '').includes(`"${name}"`);
  const asksForAddress = /mail/i.test(way?.nameAt.name ?? '');
  const username = asksForAddress || !isName ? address : name;
  return { recipe: sent.recipe, account: { kind: 'password', username, password }, name };
}
