import { compose } from './creation.ts';
import { describe } from './exchange.ts';
import { bodyFieldsOf } from './fields.ts';
import type { Operation } from './operation.ts';
import type { Run } from './run.ts';
import { openSession, whoIs } from './sessions.ts';
import { inconclusive, notTested, sound, step, type Verdict } from './verdict.ts';
import { describeWindow, measureWindow, severityOf } from './window.ts';

type Answered = Awaited<ReturnType<typeof compose>>;

const NO_ANSWER: Answered = { sent: null, refusal: null };

/** With nothing where nothing is asked for: an address to go on to that was made up is refused. */
function waysToAsk(operation: Operation): readonly Operation[] {
  const fields = bodyFieldsOf(operation);
  const isAsked = fields.some(({ name, required }) => required || /token|refresh/i.test(name));
  return fields.length === 0 || isAsked ? [operation] : [{ ...operation, bodies: [] }, operation];
}

/** Ends a session of its own by signing out, and tries it again. */
export async function afterSignOut(run: Run): Promise<Verdict> {
  const chosen = run.knowledge.chosen['sign-out'];
  const { a } = run.actors;
  if (chosen === undefined || a === null) {
    return notTested('after signing out', 'no operation looks like a sign-out');
  }
  const subject = chosen.operation.id;
  const session = await openSession(run, a.account, 'a-signed-out');
  if (session === null) return inconclusive(subject, 'another session of A could not be opened');
  const before = await whoIs(run, session.credential, a, 'a-signed-out');
  if (before.is !== 'signed-in' || before.exchange === null) {
    return inconclusive(subject, "the new session is not A's");
  }
  const tokens = session.attempt.given.tokens;
  const lookup = (name: string) =>
    /refresh/i.test(name) ? tokens.find((token) => /refresh/i.test(token.name))?.value : undefined;
  const actor = { ...a, role: 'a' as const, credential: session.credential };
  let { sent, refusal } = NO_ANSWER;
  for (const operation of waysToAsk(chosen.operation)) {
    ({ sent, refusal } = await compose(run, actor, operation, [], lookup));
    if (sent !== null || refusal?.answer?.headers['location'] !== undefined) break;
  }
  // Many answer a sign-out with a redirect to their front page.
  const moved =
    refusal?.answer !== null &&
    refusal !== null &&
    refusal.answer.status >= 301 &&
    refusal.answer.status <= 303;
  const ended = sent?.exchange ?? (moved ? refusal : null);
  if (ended === null) {
    return inconclusive(
      subject,
      `signing out was refused: ${refusal === null ? 'nothing was sent' : describe(refusal)}`,
    );
  }
  const window = await measureWindow(run, async () => {
    const { is, exchange } = await whoIs(run, session.credential, a, 'a-signed-out');
    return is === 'unclear' || exchange === null ? null : { granted: is === 'signed-in', exchange };
  });
  if (window === 'closed') return sound(subject, 'the session is refused at once');
  if (window === 'unclear')
    return inconclusive(subject, 'the control cannot be judged after signing out');
  return {
    verdict: 'finding',
    cause: 'sessions outlive their sign-out',
    severity: severityOf(window, session.credential, run),
    confidence: 'confirmed',
    title: `A session goes on working after its sign-out (${subject})`,
    detail: `After a sign-out that the target answered as done, the same credential was still A's ${describeWindow(window, session.credential, run)}. Whoever copied it keeps it.`,
    subjects: [subject],
    evidence: [step('A signs out', ended), step('the session still works', window.exchange)],
    controls: [
      step('the session worked before', before.exchange),
      ...(run.knowledge.control === null
        ? []
        : [step('A, on this operation', run.knowledge.control.exchange)]),
    ],
  };
}
