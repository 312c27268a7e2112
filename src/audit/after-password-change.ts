import type { Actor, Credential } from './actor.ts';
import { describe } from './exchange.ts';
import { changingPassword, type ChangingPassword } from './password-change.ts';
import type { Run } from './run.ts';
import { openSession, whoIs } from './sessions.ts';
import { passwordOf } from './values.ts';
import { inconclusive, notTested, sound, step, type Verdict } from './verdict.ts';
import { describeWindow, measureWindow, severityOf } from './window.ts';

const SUBJECT = 'after a change of password';

/**
 * Changes a password in one session and tries another one of the same account; then changes it
 * back. The account is B where there is one: if putting it back fails, A is still whole.
 */
export async function afterPasswordChange(run: Run): Promise<Verdict> {
  const operation = run.knowledge.chosen['password-change']?.operation;
  if (operation === undefined)
    return notTested(SUBJECT, 'no operation looks like a change of password');
  if (!run.settings.allowWrites)
    return notTested(SUBJECT, 'writing is not allowed (--allow-writes)');
  const actor = await toldApart(run);
  if (actor?.account?.kind !== 'password') return notTested(SUBJECT, 'no account with a password');
  const first = await openSession(run, actor.account, `${actor.role}-first`);
  const second = await openSession(run, actor.account, `${actor.role}-second`);
  if (first === null || second === null)
    return inconclusive(SUBJECT, 'two sessions could not be opened');
  const before = await whoIs(run, second.credential, actor, `${actor.role}-second`);
  if (before.is !== 'signed-in' || before.exchange === null) {
    return inconclusive(SUBJECT, 'with two sessions the second is not signed in');
  }
  const changing = changingPassword(run, actor, operation);
  if (changing === null) return notTested(SUBJECT, 'no account with a password');
  const seen = await change(run, changing, first.credential, async () => {
    const { is, exchange } = await whoIs(run, second.credential, actor, `${actor.role}-second`);
    return is === 'unclear' || exchange === null ? null : { granted: is === 'signed-in', exchange };
  });
  const { exchange, session: renewed, window } = seen;
  const isFound = window !== null && typeof window === 'object';
  const lost = `Account ${actor.role} did not get its password back.`;
  if (!seen.isBack && !isFound) return inconclusive(operation.id, lost);
  if (renewed === null || window === null) {
    return inconclusive(
      operation.id,
      `the new password does not sign in: ${exchange === null ? 'the change was not sent' : describe(exchange)}`,
    );
  }
  if (window === 'closed') return sound(operation.id, 'the other session is refused at once');
  if (window === 'unclear')
    return inconclusive(operation.id, 'the other session cannot be judged afterwards');
  return {
    verdict: 'finding',
    cause: 'sessions outlive a change of password',
    severity: severityOf(window, second.credential, run),
    confidence: 'confirmed',
    title: `Another session goes on working after a change of password (${operation.id})`,
    detail: `The password was changed in one session; a session that was opened with the old one was still accepted ${describeWindow(window, second.credential, run)}. Whoever took the account over keeps it.${seen.isBack ? '' : ` ${lost}`}`,
    subjects: [operation.id],
    evidence: [
      ...(exchange === null ? [] : [step('the password is changed', exchange)]),
      step('the other session still works', window.exchange),
    ],
    controls: [
      step('it worked before', before.exchange),
      step('the new password signs in', renewed.attempt.exchange),
    ],
  };
}

/** B, or A where the control tells only A from nobody: a read of one of its own objects. */
async function toldApart(run: Run): Promise<Actor | null> {
  const withPassword = [run.actors.b, run.actors.a].filter(
    (one) => one?.account?.kind === 'password',
  );
  for (const actor of withPassword) {
    if (
      actor !== null &&
      (await whoIs(run, actor.credential, actor, actor.role)).is === 'signed-in'
    )
      return actor;
  }
  return withPassword[0] ?? null;
}

/** Changes the password, looks how long the other session lives, and changes it back. */
async function change(
  run: Run,
  changing: ChangingPassword,
  credential: Credential,
  look: Parameters<typeof measureWindow>[1],
) {
  try {
    const { exchange, session } = await changing.change(passwordOf(run.canary()), credential);
    const window = session === null ? null : await measureWindow(run, look);
    return { exchange, session, window, isBack: await changing.restore() };
  } catch (error) {
    await changing.restore();
    throw error;
  }
}
