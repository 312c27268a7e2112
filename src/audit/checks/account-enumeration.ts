import type { Account } from '../actor.ts';
import { bodyFieldsOf } from '../fields.ts';
import type { Call } from '../call.ts';
import type { Check } from '../check.ts';
import { type Answer, type Exchange, isBroken } from '../exchange.ts';
import type { Operation } from '../operation.ts';
import { plainCall } from '../access.ts';
import { buildBody, preferredBody } from '../bodies.ts';
import { ANONYMOUS } from '../actor.ts';
import { type Run, send } from '../run.ts';
import { attemptSignIn, gaveSomething } from '../sign-in.ts';
import { inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';
import { isNameField } from '../words.ts';

type PasswordAccount = Extract<Account, { kind: 'password' }>;

/** Answers of each kind: three are enough for a stable difference; times need more. */
const SAMPLES = 6;

/** Wrong passwords for one account before its right one, so that nobody is locked out. */
const IN_A_ROW_MAX = 2;

/** A difference that a network does not make. */
const RATIO_MIN = 3;
const GAP_MILLISECONDS_MIN = 50;

/** Whether an account exists, told from how the target answers, or from how long it takes. */
export const accountEnumeration: Check = {
  id: 'account-enumeration',
  title: 'Whether somebody has an account can be found out',
  cwe: [204, 208],
  owaspApi: ['API2:2023'],
  asvs: ['6.3.8', '6.4.5'],
  phase: 'guessing',
  needs: ['a', 'sign-in'],
  effect: 'reads',
  repair: {
    fastapi:
      'One answer for an unknown name and a wrong password, and one for every address in recovery. Where nobody is found, verify the password against a fixed hash all the same, so that it takes as long; send mails behind the answer.',
    fastify:
      'One answer for an unknown name and a wrong password, and one for every address in recovery. Where nobody is found, verify the password against a fixed hash all the same, so that it takes as long; send mails behind the answer.',
    sallyport:
      'Sign-in, sign-up and recovery answer alike whoever is asked for, hash a password in each case, and mails leave from an outbox after the answer.',
  },
  async run(run) {
    const accounts = accountsOf(run);
    if (accounts.length === 0) return [notTested('sign-in', 'no account has a password')];
    const atSignIn = await askSignIn(run, accounts);
    if (atSignIn.verdict === 'inconclusive') return [atSignIn];
    return [atSignIn, ...(await askRecovery(run, accounts))];
  },
};

interface Pair {
  readonly known: Exchange;
  readonly unknown: Exchange;
  readonly names: readonly [known: string, unknown: string];
}

async function askSignIn(run: Run, accounts: readonly PasswordAccount[]): Promise<Verdict> {
  const { signIn } = run.access;
  if (signIn === null) return notTested('sign-in', 'no sign-in by name and password is known');
  const attempt = (name: string, password: string) =>
    attemptSignIn(run.probe, signIn, name, password, { as: 'anonymous, with a wrong password' });
  const [first] = accounts;
  const right = first === undefined ? null : await attempt(first.username, first.password);
  if (right === null || !gaveSomething(right)) {
    return inconclusive(signIn.call.operation.id, 'signing in no longer works');
  }
  const failures = new Map<string, number>();
  const pairs: Pair[] = [];
  for (let count = 0; count < SAMPLES; count += 1) {
    const account = accounts[count % accounts.length];
    if (account === undefined) break;
    const failed = failures.get(account.username) ?? 0;
    if (failed >= IN_A_ROW_MAX) {
      await attempt(account.username, account.password);
      failures.set(account.username, 0);
    }
    const password = `wrong-${run.canary()}`;
    const unknownName = unknownLike(account.username, run.canary());
    const known = await attempt(account.username, password);
    const unknown = await attempt(unknownName, password);
    failures.set(account.username, (failures.get(account.username) ?? 0) + 1);
    if (isBroken(known.exchange) || isBroken(unknown.exchange)) break;
    const names = [account.username, unknownName] as const;
    pairs.push({ known: known.exchange, unknown: unknown.exchange, names });
  }
  // The right password forgives the wrong ones that are left.
  for (const { username, password } of accounts) {
    if ((failures.get(username) ?? 0) > 0) await attempt(username, password);
  }
  return judge(signIn.call.operation.id, 'sign-in', pairs);
}

async function askRecovery(
  run: Run,
  accounts: readonly PasswordAccount[],
): Promise<readonly Verdict[]> {
  const operation = run.knowledge.chosen['recovery-start']?.operation;
  if (operation === undefined || !run.settings.allowWrites) return [];
  const pairs: Pair[] = [];
  for (let count = 0; count < 3; count += 1) {
    const account = accounts[count % accounts.length];
    if (account === undefined) break;
    const unknownName = unknownLike(account.username, run.canary());
    const known = recoveryCall(run, operation, account.username);
    const unknown = recoveryCall(run, operation, unknownName);
    if (known === null || unknown === null) {
      return [notTested(operation.id, 'what it takes is not known')];
    }
    const exchanges = {
      known: await send(run, known, ANONYMOUS),
      unknown: await send(run, unknown, ANONYMOUS),
    };
    if (isBroken(exchanges.known) || isBroken(exchanges.unknown)) break;
    pairs.push({ ...exchanges, names: [account.username, unknownName] });
  }
  return [judge(operation.id, 'recovery', pairs)];
}

/** The recovery of whoever has this name, wherever the operation takes it. */
function recoveryCall(run: Run, operation: Operation, name: string): Call | null {
  const call = plainCall(operation);
  const body = preferredBody(operation);
  const parameter = operation.parameters.find((one) => isNameField(one.name));
  if (parameter?.in === 'path') return { ...call, path: { [parameter.name]: name } };
  if (parameter?.in === 'query') return { ...call, query: { [parameter.name]: name } };
  if (body === null || !bodyFieldsOf(operation).some((field) => isNameField(field.name)))
    return null;
  const built = buildBody(
    body,
    () => run.canary(),
    (field) => (isNameField(field) ? name : undefined),
  );
  return { ...call, body: built.body, contentType: body.contentType };
}

function judge(subject: string, where: string, pairs: readonly Pair[]): Verdict {
  const [first] = pairs;
  if (first === undefined || pairs.length < 3) {
    return inconclusive(
      subject,
      'too few answers: the target limits attempts, or broke',
      ...(first === undefined ? [] : [step('A known name', first.known)]),
    );
  }
  const evidence = [
    step('A name that has an account', first.known),
    step('A name that has none', first.unknown),
  ];
  const base = { verdict: 'finding' as const, subjects: [subject], evidence, controls: [] };
  const known = pairs.map((pair) => plain(pair.known.answer, pair.names[0]));
  const unknown = new Set(pairs.map((pair) => plain(pair.unknown.answer, pair.names[1])));
  // Unknown names are all answered alike, and known ones never so. These need not be alike: what
  // is answered may depend on the role, or on what was asked before.
  if (unknown.size === 1 && known.every((text) => !unknown.has(text))) {
    return {
      ...base,
      cause: `${where} answers known and unknown names differently`,
      severity: 'low',
      confidence: 'confirmed',
      title: `At ${where} the answer says whether somebody has an account`,
      detail: `${pairs.length} names that have no account were answered alike, and ${pairs.length} that have one were all answered otherwise.`,
    };
  }
  const slow = timing(pairs);
  if (slow !== null) {
    return {
      ...base,
      cause: `${where} takes longer for known names`,
      severity: 'low',
      confidence: 'confirmed',
      title: `At ${where} the time says whether somebody has an account`,
      detail: `Names that have an account took ${slow.known} ms and others ${slow.unknown} ms (medians of ${pairs.length} each, asked in turn); the times of the two kinds do not overlap, but for one of each.`,
    };
  }
  return sound(subject, `${pairs.length} answers of each kind were alike, and took as long`);
}

/** Medians that differ threefold and by 50 ms, with no overlap at all. */
function timing(pairs: readonly Pair[]): { known: number; unknown: number } | null {
  if (pairs.length < SAMPLES) return null;
  const times = (of: (pair: Pair) => Exchange) =>
    pairs.map((pair) => of(pair).answer?.milliseconds ?? 0).toSorted((one, other) => one - other);
  const known = times((pair) => pair.known);
  const unknown = times((pair) => pair.unknown);
  const [slow, fast] = median(known) > median(unknown) ? [known, unknown] : [unknown, known];
  const gap = median(slow) - median(fast);
  if (median(slow) < RATIO_MIN * median(fast) || gap < GAP_MILLISECONDS_MIN) return null;
  // The first request of a kind may have warmed something up: one of each side is forgiven.
  if ((slow[1] ?? 0) <= (fast.at(-2) ?? 0)) return null;
  return { known: Math.round(median(known)), unknown: Math.round(median(unknown)) };
}

/** An answer without what differs in every answer: its echo of the name, numbers, ids, dates. */
function plain(answer: Answer | null, name: string): string {
  if (answer === null) return 'none';
  const cookies = answer.setCookies.map((line) => line.split('=')[0]).join(' ');
  const location = (answer.headers['location'] ?? '').split('?')[0];
  const text = answer.text
    .replaceAll(name, 'NAME')
    .replaceAll(encodeURIComponent(name), 'NAME')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|[A-Za-z0-9_-]{24,}|\d+/g, 'VALUE');
  return [answer.status, location, cookies, text].join('\n');
}

/** A name of the same form that nobody has. */
function unknownLike(name: string, canary: string): string {
  const at = name.indexOf('@');
  return at === -1
    ? canary.slice(0, Math.max(8, Math.min(name.length, 20)))
    : `${canary}${name.slice(at)}`;
}

function accountsOf({ actors }: Run): readonly PasswordAccount[] {
  return [actors.b, actors.stranger, actors.a, actors.superior].flatMap((actor) =>
    actor?.account?.kind === 'password' ? [actor.account] : [],
  );
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
