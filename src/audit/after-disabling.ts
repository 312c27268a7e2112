import { setField } from './after-demotion.ts';
import type { Actor } from './actor.ts';
import type { Exchange } from './exchange.ts';
import { bodyFieldsOf } from './fields.ts';
import type { Operation } from './operation.ts';
import type { Run } from './run.ts';
import { openSession, whoIs } from './sessions.ts';
import { inconclusive, notTested, sound, step, type Verdict } from './verdict.ts';
import { describeWindow, measureWindow, severityOf } from './window.ts';
import { snake } from './words.ts';

const SUBJECT = 'after an account was switched off';

const OFF_FIELD = /^(is_)?(disabled|blocked|banned|suspended|locked|deactivated|inactive)$/;

const ON_FIELD = /^(is_)?(active|enabled)$/;

/**
 * Lets the superior switch B off, makes sure that it cannot sign in any more, tries the session
 * that it had, and switches it on again.
 */
export async function afterDisabling(run: Run): Promise<Verdict> {
  const { superior, b } = run.actors;
  if (superior === null || b === null)
    return notTested(SUBJECT, 'it takes B and a superior (--b, --superior)');
  if (!run.settings.allowWrites)
    return notTested(SUBJECT, 'writing is not allowed (--allow-writes)');
  const operations = run.operations.filter((one) => switchOf(one) !== null);
  for (const operation of operations) {
    const verdict = await attempt(run, superior, b, operation);
    if (verdict !== null) return verdict;
  }
  return notTested(
    SUBJECT,
    operations.length === 0
      ? 'no operation switches an account off'
      : 'no operation switched B off',
  );
}

interface Switch {
  readonly field: RegExp;
  readonly off: boolean;
}

function switchOf(operation: Operation): Switch | null {
  if (!['PUT', 'PATCH', 'POST'].includes(operation.method) || !operation.path.includes('{'))
    return null;
  const names = bodyFieldsOf(operation).map(({ name }) => snake(name));
  if (names.some((name) => OFF_FIELD.test(name))) return { field: OFF_FIELD, off: true };
  return names.some((name) => ON_FIELD.test(name)) ? { field: ON_FIELD, off: false } : null;
}

async function attempt(
  run: Run,
  superior: Actor,
  b: Actor,
  operation: Operation,
): Promise<Verdict | null> {
  const found = switchOf(operation);
  const session = await openSession(run, b.account, 'b-switched-off');
  if (found === null || session === null) return null;
  const before = await whoIs(run, session.credential, b, 'b-switched-off');
  if (before.is !== 'signed-in' || before.exchange === null) return null;
  const off =
    (await setField(run, superior, b, operation, found.field, found.off))?.exchange ?? null;
  if (off === null) return null;
  const back = () => setField(run, superior, b, operation, found.field, !found.off);
  const again = await openSession(run, b.account, 'b-again');
  if (again !== null) {
    await back();
    return null;
  }
  const window = await measureWindow(run, async () => {
    const { is, exchange } = await whoIs(run, session.credential, b, 'b-switched-off');
    return is === 'unclear' || exchange === null ? null : { granted: is === 'signed-in', exchange };
  });
  const on = await back();
  if (on === null) run.progress('Account b was switched off and could not be switched on again.');
  if (window === 'closed') return sound(operation.id, 'the session is refused at once');
  if (window === 'unclear')
    return inconclusive(operation.id, 'the session cannot be judged afterwards');
  return finding(run, {
    operation,
    before: before.exchange,
    off,
    window,
    credential: session.credential,
  });
}

function finding(
  run: Run,
  seen: {
    readonly operation: Operation;
    readonly before: Exchange;
    readonly off: Exchange;
    readonly window: Exclude<Awaited<ReturnType<typeof measureWindow>>, string>;
    readonly credential: Actor['credential'];
  },
): Verdict {
  const { operation, before, off, window, credential } = seen;
  return {
    verdict: 'finding',
    cause: 'sessions outlive their account',
    severity: severityOf(window, credential, run),
    confidence: 'confirmed',
    title: `A session goes on working after its account was switched off (${operation.id})`,
    detail: `B could no longer sign in, yet the session that it had was accepted ${describeWindow(window, credential, run)}.`,
    subjects: [operation.id],
    evidence: [step('B is switched off', off), step('its session still works', window.exchange)],
    controls: [step('it worked before', before)],
  };
}
