import type { Account, Actor } from '../actor.ts';
import type { Check } from '../check.ts';
import { describe, type Exchange } from '../exchange.ts';
import type { Run } from '../run.ts';
import { attemptSignIn, gaveSomething } from '../sign-in.ts';
import { inconclusive, notTested, sound, step, type Step, type Verdict } from '../verdict.ts';

type PasswordAccount = Extract<Account, { kind: 'password' }>;

/**
 * Passwords can be guessed for as long as one likes, or a limit is there and something that the
 * guesser chooses gets around it. The proof is the right password behind the wrong ones: a target
 * that still looks at it has looked at them all.
 */
export const guessingLimit: Check = {
  id: 'guessing-limit',
  title: 'Passwords can be guessed without limit',
  cwe: [307],
  owaspApi: ['API2:2023', 'API4:2023'],
  asvs: ['6.3.1', '6.1.1'],
  phase: 'guessing',
  needs: ['a', 'sign-in'],
  effect: 'writes',
  repair: {
    fastapi:
      'Count failures in the database by account, and by the address that your own proxy saw, before the password is looked at; answer 429 with `Retry-After`. Take no address from `X-Forwarded-For` unless your proxy has set it (`--forwarded-allow-ips`).',
    fastify:
      'Count failures in the database by account and by `request.ip` before the password is looked at; answer 429 with `Retry-After`. Set `trustProxy` to your proxy alone.',
    sallyport:
      'Attempts are counted by account and by address in the database, before a password is hashed, on every process alike.',
  },
  async run(run) {
    const victim = victimOf(run);
    if (victim === null) return [notTested('sign-in', 'no account has a password')];
    return [await guess(run, victim)];
  },
};

/** Whose account may be locked: B's, which little depends on, before A's. */
function victimOf(run: Run): { actor: Actor; account: PasswordAccount } | null {
  const { a, b, stranger } = run.actors;
  for (const actor of [b, stranger, a]) {
    if (actor?.account?.kind === 'password') return { actor, account: actor.account };
  }
  return null;
}

async function guess(
  run: Run,
  { actor, account }: { actor: Actor; account: PasswordAccount },
): Promise<Verdict> {
  const { signIn } = run.access;
  if (signIn === null) return notTested('sign-in', 'no sign-in by name and password is known');
  const subject = signIn.call.operation.id;
  const attempt = (
    password: string,
    headers: Readonly<Record<string, string>> = {},
    name = account.username,
    manner: 'patient' | 'impatient' = 'impatient',
  ) =>
    attemptSignIn(run.probe, signIn, name, password, {
      as: `${actor.role}, guessing`,
      headers,
      manner,
    });

  // A limit on requests of all kinds is waited for, so that the next answers are about guesses.
  const before = await attempt(account.password, {}, account.username, 'patient');
  if (!gaveSomething(before)) {
    return inconclusive(
      subject,
      'signing in no longer works',
      step('The right password', before.exchange),
    );
  }
  const wrong: Exchange[] = [];
  for (let count = 0; count < run.settings.signInAttempts; count += 1) {
    const manner = count === 0 ? 'patient' : 'impatient';
    const guessed = `wrong-${run.canary()}`;
    const { exchange } = await attempt(guessed, {}, account.username, manner);
    wrong.push(exchange);
    if (count > 0 && isLimited(wrong[0], exchange)) break;
  }
  const [first] = wrong;
  const last = wrong.at(-1);
  if (first === undefined || last === undefined || first.answer === null) {
    return inconclusive(subject, 'no wrong password was answered');
  }
  if (isLimited(first, first) || (first.answer.status >= 500 && !isLimited(first, last))) {
    return inconclusive(
      subject,
      'the first wrong password was not answered as one',
      step('Wrong', first),
    );
  }
  const after = await attempt(account.password);
  if (gaveSomething(after) && !isLimited(first, last)) {
    return unlimited(
      subject,
      wrong,
      [step('The right password before', before.exchange)],
      after.exchange,
    );
  }
  if (gaveSomething(after)) {
    return sound(subject, `after ${wrong.length} wrong passwords it answered ${describe(last)}`);
  }
  const way = await findWayAround(run, account, attempt, first);
  if (way === null) {
    return sound(subject, `after ${wrong.length} wrong passwords the right one was refused`);
  }
  return {
    verdict: 'finding',
    cause: `the limit on guessing can be got around: ${way.says}`,
    severity: 'high',
    confidence: 'confirmed',
    title: `The limit on guessing passwords ends with ${way.says}`,
    detail: `After ${wrong.length} wrong passwords the right one was refused. With ${way.says} it was accepted at once: whoever guesses changes that with every guess.`,
    subjects: [subject],
    evidence: [step(`The right password, with ${way.says}`, way.exchange)],
    controls: [
      step('The last wrong password is refused', last),
      step('Now the right one is refused, too', after.exchange),
    ],
  };
}

/**
 * Headers that proxies write and servers believe, each with an address of documentation. RFC 5737.
 */
const FORWARDED = [
  'x-forwarded-for',
  'x-real-ip',
  'forwarded',
  'x-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'x-originating-ip',
];

type Attempt = (
  password: string,
  headers?: Readonly<Record<string, string>>,
  name?: string,
) => ReturnType<typeof attemptSignIn>;

/** What makes the locked-out right password work again. */
async function findWayAround(
  run: Run,
  account: PasswordAccount,
  attempt: Attempt,
  first: Exchange,
): Promise<{ readonly says: string; readonly exchange: Exchange } | null> {
  const address = (last: number) => `203.0.113.${last}`;
  const all = Object.fromEntries(
    FORWARDED.map((name, index) => [
      name,
      name === 'forwarded' ? `for=${address(10 + index)}` : address(10 + index),
    ]),
  );
  const forwarded = await attempt(account.password, all);
  if (gaveSomething(forwarded)) {
    // Which of them it is: each again with an address of its own, after a wrong password.
    for (const [index, name] of FORWARDED.entries()) {
      const value = name === 'forwarded' ? `for=${address(30 + index)}` : address(30 + index);
      const one = await attempt(account.password, { [name]: value });
      if (gaveSomething(one)) return { says: `another ${name} header`, exchange: one.exchange };
    }
    return { says: 'other forwarding headers', exchange: forwarded.exchange };
  }
  for (const name of spellingsOf(account.username)) {
    const other = await attempt(`wrong-${run.canary()}`, {}, name);
    if (isLimited(first, other.exchange)) continue;
    const right = await attempt(account.password, {}, name);
    if (gaveSomething(right)) {
      return { says: 'another spelling of the same name', exchange: right.exchange };
    }
  }
  return null;
}

function spellingsOf(name: string): readonly string[] {
  return [
    name.toUpperCase(),
    `${name[0]?.toUpperCase() ?? ''}${name.slice(1)}`,
    ` ${name}`,
    `${name} `,
  ].filter((spelling) => spelling !== name);
}

/**
 * Whether the target answers a guess otherwise than the first one: 429, another status, a header
 * that says to wait, a word about attempts, or a delay that grew.
 */
function isLimited(first: Exchange | undefined, exchange: Exchange): boolean {
  const { answer } = exchange;
  if (answer === null) return true;
  if (answer.status === 429 || answer.status === 423 || 'retry-after' in answer.headers)
    return true;
  const before = first?.answer;
  if (before == null || first === exchange) return false;
  if (answer.status !== before.status) return true;
  if (answer.milliseconds > before.milliseconds * 4 + 500) return true;
  const words = /too many|try again (later|in)|locked|captcha|attempts|rate.?limit|temporarily/i;
  return words.test(answer.text) && !words.test(before.text);
}

function unlimited(
  subject: string,
  wrong: readonly Exchange[],
  controls: readonly Step[],
  after: Exchange,
): Verdict {
  const [first] = wrong;
  const last = wrong.at(-1);
  return {
    verdict: 'finding',
    cause: 'no limit on guessing',
    severity: 'medium',
    confidence: 'confirmed',
    title: 'Passwords can be guessed without limit',
    detail: `${wrong.length} wrong passwords in a row were answered alike, with no delay that grew, and the right one behind them was accepted.`,
    subjects: [subject],
    evidence: [
      ...(first === undefined ? [] : [step('The first wrong password', first)]),
      ...(last === undefined ? [] : [step(`The last of ${wrong.length}`, last)]),
      step('The right password directly after them is accepted', after),
    ],
    controls,
  };
}
