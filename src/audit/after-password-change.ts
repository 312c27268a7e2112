import type { Actor, Credential } from './actor.ts';
import { compose } from './creation.ts';
import { describe, type Exchange } from './exchange.ts';
import type { Operation } from './operation.ts';
import type { Run } from './run.ts';
import { openSession, whoIs } from './sessions.ts';
import { passwordOf } from './values.ts';
import { inconclusive, notTested, sound, step, type Verdict } from './verdict.ts';
import { describeWindow, measureWindow, severityOf } from './window.ts';
import { isPasswordField, snake } from './words.ts';

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
  const actor = [run.actors.b, run.actors.a].find((one) => one?.account?.kind === 'password');
  if (actor?.account?.kind !== 'password') return notTested(SUBJECT, 'no account with a password');
  const { username, password } = actor.account;
  const first = await openSession(run, actor.account, `${actor.role}-first`);
  const second = await openSession(run, actor.account, `${actor.role}-second`);
  if (first === null || second === null)
    return inconclusive(SUBJECT, 'two sessions could not be opened');
  const before = await whoIs(run, second.credential, actor, `${actor.role}-second`);
  if (before.is !== 'signed-in' || before.exchange === null) {
    return inconclusive(SUBJECT, 'with two sessions the second is not signed in');
  }
  const other = passwordOf(run.canary());
  run.secrets.add(`${actor.role.toUpperCase()}_NEW_PASSWORD`, other);
  const change = await changePassword(run, {
    actor,
    credential: first.credential,
    operation,
    from: password,
    to: other,
  });
  const renewed = await openSession(
    run,
    { kind: 'password', username, password: other },
    `${actor.role}-new`,
  );
  if (renewed === null) {
    return inconclusive(
      operation.id,
      `the new password does not sign in: ${change === null ? 'the change was refused' : describe(change)}`,
    );
  }
  const window = await measureWindow(run, async () => {
    const { is, exchange } = await whoIs(run, second.credential, actor, `${actor.role}-second`);
    return is === 'unclear' || exchange === null ? null : { granted: is === 'signed-in', exchange };
  });
  await changePassword(run, {
    actor,
    credential: renewed.credential,
    operation,
    from: other,
    to: password,
  });
  const restored = await openSession(run, actor.account, `${actor.role}-restored`);
  if (restored === null) {
    run.progress(
      `The password of account ${actor.role} could not be put back: it is in the log of this run as the body of the change.`,
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
    detail: `The password was changed in one session; a session that was opened with the old one was still accepted ${describeWindow(window, second.credential, run)}. Whoever took the account over keeps it.`,
    subjects: [operation.id],
    evidence: [
      ...(change === null ? [] : [step('the password is changed', change)]),
      step('the other session still works', window.exchange),
    ],
    controls: [
      step('it worked before', before.exchange),
      step('the new password signs in', renewed.attempt.exchange),
    ],
  };
}

interface Change {
  readonly actor: Actor;
  readonly credential: Credential;
  readonly operation: Operation;
  readonly from: string;
  readonly to: string;
}

async function changePassword(run: Run, change: Change): Promise<Exchange | null> {
  const { actor, credential, operation, from, to } = change;
  const lookup = (name: string) => {
    if (!isPasswordField(name)) return actor.identity.includes(name) ? name : undefined;
    return /(old|current|existing|previous)/.test(snake(name)) ? from : to;
  };
  const ownIds = actor.identity.flatMap((value) =>
    operation.parameters.map(({ name }) => ({
      key: snake(name),
      above: '',
      value,
      from: { operation, path: {}, query: {}, headers: {}, body: undefined, contentType: null },
      isCreated: false,
      object: '',
      selects: null,
    })),
  );
  const { sent, refusal } = await compose(run, { ...actor, credential }, operation, ownIds, lookup);
  return sent?.exchange ?? refusal;
}
