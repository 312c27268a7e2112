import type { Call } from './call.ts';
import { compose } from './creation.ts';
import { type Exchange, isGranted, isRefused } from './exchange.ts';
import { bodyFieldsOf } from './fields.ts';
import { leavesOf } from './json.ts';
import type { Operation } from './operation.ts';
import type { View } from './reads.ts';
import { type Run, send } from './run.ts';
import { openSession, whoIs } from './sessions.ts';
import { isOnly, type Throwaway, throwaway, viewOf } from './throwaway.ts';
import { inconclusive, notTested, sound, step, type Verdict } from './verdict.ts';
import { isPasswordField, PEOPLE, snake, wordsOf } from './words.ts';

const SUBJECT = 'after an account was renamed';

/**
 * Has an account of the audit's own, renames it (by itself, or by the superior), gives the old name
 * to another one, and looks whose data the session from before the renaming is answered: one that
 * is bound to a name is the next owner's.
 */
export async function afterRenaming(run: Run): Promise<Verdict> {
  const { signIn } = run.access;
  const field = snake(String(signIn?.nameAt.bodyPath.at(-1) ?? signIn?.nameAt.name ?? ''));
  const renamings = run.operations.filter((one) => renames(one, field));
  if (signIn === null || renamings.length === 0) {
    return notTested(SUBJECT, 'no operation gives an account another name to sign in with');
  }
  const first = await throwaway(run, 'renamed');
  if (first === null) {
    return notTested(
      SUBJECT,
      'it takes accounts that the audit may register, or the superior make',
    );
  }
  const view = await viewOf(run, first);
  for (const operation of renamings) {
    if (!(await isRenamed(run, { first, view, operation, field }))) continue;
    const between = await whoIs(run, first.actor.credential, first.actor, 'renamed');
    const second = await throwaway(run, 'namesake', first.username);
    if (second === null) return sound(operation.id, 'a name that was given up is not given again');
    return await judge(run, { first, second, operation, between: between.exchange });
  }
  return notTested(SUBJECT, 'no operation renamed an account that was made for it');
}

function renames(operation: Operation, field: string): boolean {
  const { method, path } = operation;
  if (!['PUT', 'PATCH'].includes(method) || path.split('{').length > 2) return false;
  if (path.includes('{') && !PEOPLE.test(wordsOf(path.split('{')[0] ?? '').join(' '))) return false;
  return bodyFieldsOf(operation).some(({ name }) => snake(name) === field);
}

interface Renaming {
  readonly first: Throwaway;
  readonly view: View;
  readonly operation: Operation;
  readonly field: string;
}

/** Whether the account signs in by another name from now on, and no more by the one it had. */
async function isRenamed(run: Run, renaming: Renaming): Promise<boolean> {
  const { first, view, operation, field } = renaming;
  const { actor, username } = first;
  const { account } = actor;
  if (account.kind !== 'password') return false;
  const at = username.indexOf('@');
  const other = at < 0 ? run.canary() : `${run.canary()}${username.slice(at)}`;
  const lookup = (name: string) => {
    if (snake(name) === field) return other;
    return isPasswordField(name) ? account.password : undefined;
  };
  const isTheirs = (call: Call) => isOnly(first, view, call);
  const { superior } = run.actors;
  for (const by of operation.path.includes('{') ? [actor, superior] : [actor]) {
    if (by === null) continue;
    const { sent } = await compose(run, by, operation, view.pool, lookup, isTheirs);
    if (sent === null) continue;
    const renamed = await openSession(run, { ...account, username: other }, 'renamed');
    if (renamed !== null) return (await openSession(run, account, 'renamed')) === null;
  }
  return false;
}

interface Renamed {
  readonly first: Throwaway;
  readonly second: Throwaway;
  readonly operation: Operation;
  /** What the session of the first was answered while nobody had its old name. */
  readonly between: Exchange | null;
}

async function judge(run: Run, { first, second, operation, between }: Renamed): Promise<Verdict> {
  const { control } = run.knowledge;
  if (control === null) return notTested(SUBJECT, 'no read tells accounts apart');
  const theirs = second.actor.identity.filter(
    (value) => value !== first.username && !first.actor.identity.includes(value),
  );
  const { credential } = first.actor;
  const after = await send(run, control.call, { label: 'renamed, its old session', credential });
  const names = (values: readonly string[]) =>
    leavesOf(after.answer?.json).some(({ value }) => values.includes(String(value)));
  // A session that works again as soon as somebody has the name is that somebody's.
  const wasRefused = between !== null && isRefused(between);
  const isSecond = names(theirs) || (wasRefused && isGranted(after) && names([first.username]));
  const before = leavesOf(first.seen.answer?.json).map(({ value }) => value);
  const given = leavesOf(between?.answer?.json).flatMap(({ value }) =>
    typeof value === 'string' && value.length >= 4 && !before.includes(value) ? [value] : [],
  );
  if (!isSecond && names(given))
    return sound(operation.id, 'the session from before is still of its own account');
  if (!isSecond && isRefused(after))
    return sound(operation.id, 'the session from before is refused');
  if (!isSecond && theirs.length === 0) {
    return inconclusive(operation.id, 'nothing but their name tells two accounts apart');
  }
  // A list shows both; what is bound to the name knows nothing of the first.
  const own = first.actor.identity.filter(
    (value) => value !== first.username && !second.actor.identity.includes(value),
  );
  const isFirst = leavesOf(after.answer?.json).some(({ value }) => own.includes(String(value)));
  if (!isSecond || isFirst)
    return sound(operation.id, 'the session from before is still of its own account');
  return {
    verdict: 'finding',
    cause: 'sessions are bound to a name that others may take',
    severity: 'high',
    confidence: 'confirmed',
    title: `A session acts as whoever has taken its account's old name (${operation.id})`,
    detail:
      'An account was renamed and its old name given to another; the session that the first one had is answered with the data of the second.',
    subjects: [operation.id],
    evidence: [step("the first one's session is answered as the second", after)],
    controls: [
      step('it was answered as the first before', first.seen),
      step('the second, by its own session', second.seen),
    ],
  };
}
