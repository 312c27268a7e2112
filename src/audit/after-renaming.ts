import { compose } from './creation.ts';
import { isRefused } from './exchange.ts';
import { bodyFieldsOf } from './fields.ts';
import { leavesOf } from './json.ts';
import type { Operation } from './operation.ts';
import { type Run, send } from './run.ts';
import { openSession } from './sessions.ts';
import { type Throwaway, throwaway } from './throwaway.ts';
import { inconclusive, notTested, sound, step, type Verdict } from './verdict.ts';
import { isPasswordField, snake } from './words.ts';

const SUBJECT = 'after an account was renamed';

/**
 * Registers an account, renames it, registers the old name anew, and looks whose data the session
 * from before the renaming is answered: one that is bound to a name is the next owner's.
 */
export async function afterRenaming(run: Run): Promise<Verdict> {
  const { signIn } = run.access;
  const field = snake(String(signIn?.nameAt.bodyPath.at(-1) ?? signIn?.nameAt.name ?? ''));
  const renamings = run.operations.filter((one) => renames(one, field));
  if (signIn === null || renamings.length === 0) {
    return notTested(SUBJECT, 'no operation gives an account another name to sign in with');
  }
  const first = await throwaway(run, 'renamed');
  if (first === null) return notTested(SUBJECT, 'it takes accounts that the audit may register');
  for (const operation of renamings) {
    if (!(await isRenamed(run, first, operation, field))) continue;
    const second = await throwaway(run, 'namesake', first.username);
    if (second === null) return sound(operation.id, 'a name that was given up is not given again');
    return await judge(run, first, second, operation);
  }
  return notTested(SUBJECT, 'no operation renamed an account that was registered for it');
}

function renames(operation: Operation, field: string): boolean {
  const { method, path } = operation;
  if (!['PUT', 'PATCH'].includes(method) || path.includes('{')) return false;
  return bodyFieldsOf(operation).some(({ name }) => snake(name) === field);
}

async function isRenamed(
  run: Run,
  { actor, username }: Throwaway,
  operation: Operation,
  field: string,
): Promise<boolean> {
  const { account } = actor;
  if (account.kind !== 'password') return false;
  const at = username.indexOf('@');
  const other = at < 0 ? run.canary() : `${run.canary()}${username.slice(at)}`;
  const lookup = (name: string) => {
    if (snake(name) === field) return other;
    return isPasswordField(name) ? account.password : undefined;
  };
  await compose(run, actor, operation, [], lookup);
  if ((await openSession(run, { ...account, username: other }, 'renamed')) === null) return false;
  return (await openSession(run, account, 'renamed')) === null;
}

async function judge(
  run: Run,
  first: Throwaway,
  second: Throwaway,
  operation: Operation,
): Promise<Verdict> {
  const { control } = run.knowledge;
  if (control === null) return notTested(SUBJECT, 'no read tells accounts apart');
  const theirs = second.actor.identity.filter(
    (value) => value !== first.username && !first.actor.identity.includes(value),
  );
  const { credential } = first.actor;
  const after = await send(run, control.call, { label: 'renamed, its old session', credential });
  const isSecond = leavesOf(after.answer?.json).some(({ value }) => theirs.includes(String(value)));
  if (!isSecond && isRefused(after))
    return sound(operation.id, 'the session from before is refused');
  if (theirs.length === 0) {
    return inconclusive(operation.id, 'nothing but their name tells two accounts apart');
  }
  if (!isSecond) return sound(operation.id, 'the session from before is still of its own account');
  return {
    verdict: 'finding',
    cause: 'sessions are bound to a name that others may take',
    severity: 'high',
    confidence: 'confirmed',
    title: `A session acts as whoever has taken its account's old name (${operation.id})`,
    detail:
      'An account was renamed and its old name registered by another; the session that the first one had is answered with the data of the second.',
    subjects: [operation.id],
    evidence: [step("the first one's session is answered as the second", after)],
    controls: [
      step('it was answered as the first before', first.seen),
      step('the second, by its own session', second.seen),
    ],
  };
}
