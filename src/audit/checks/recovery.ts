import { type Account, type Actor, ANONYMOUS } from '../actor.ts';
import { plainCall } from '../access.ts';
import { buildBody, preferredBody } from '../bodies.ts';
import type { Call } from '../call.ts';
import type { Check } from '../check.ts';
import { bodyFieldsOf, type Field } from '../fields.ts';
import { describe, type Exchange, isBroken, isGranted } from '../exchange.ts';
import { leavesOf } from '../json.ts';
import type { Operation } from '../operation.ts';
import { type Run, send } from '../run.ts';
import { attemptSignIn, gaveSomething } from '../sign-in.ts';
import { inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';
import { isNameField, isPasswordField, snake } from '../words.ts';

type PasswordAccount = Extract<Account, { kind: 'password' }>;

const CODE = /(^|_)(token|code|otp|pin|key|secret)$/;

/** Wrong codes: what stops guessing stops before so many. */
const ATTEMPTS = 12;

/**
 * Recovery that hands out what it should mail, or lets its codes be guessed. Only for account B.
 */
export const recovery: Check = {
  id: 'recovery',
  title: 'Recovery gives accounts away',
  cwe: [640],
  owaspApi: ['API2:2023'],
  asvs: ['6.4.3', '6.5.5'],
  phase: 'guessing',
  needs: ['b', 'sign-in', 'writes'],
  effect: 'writes',
  repair: {
    fastapi:
      'Mail a token of `secrets.token_urlsafe(32)` whose digest is stored with an end and the account; answer `{"detail": "..."}` and nothing else; use it up with one `UPDATE ... RETURNING`; count wrong ones by account.',
    fastify:
      'Mail a token of `randomBytes(32)` whose digest is stored with an end and the account; answer a constant text and nothing else; use it up with one `UPDATE ... RETURNING`; count wrong ones by account.',
    sallyport:
      'Recovery mails a token of 256 bits from the outbox, stores its digest with purpose, account and end, and uses it up in one statement; the answer is the same for everybody.',
  },
  async run(run) {
    const { b } = run.actors;
    const start = run.knowledge.chosen['recovery-start']?.operation;
    if (b?.account?.kind !== 'password' || start === undefined) {
      return [notTested('recovery', 'no operation looks like the start of a recovery')];
    }
    const call = callTo(run, start, (field) =>
      isNameField(field.name) ? usernameOf(b) : undefined,
    );
    const begun = await send(run, call, ANONYMOUS);
    if (isBroken(begun) || !isGranted(begun)) {
      return [inconclusive(start.id, 'no recovery could be begun', step('For B', begun))];
    }
    const account = b.account;
    const finish = run.knowledge.chosen['recovery-finish']?.operation ?? null;
    const leak = await tryLeak(run, account, begun, finish);
    if (leak.verdict === 'finding' || finish === null) return [leak];
    return [leak, await tryGuessing(run, account, finish)];
  },
};

function usernameOf({ account }: Actor): string | undefined {
  return account?.username ?? undefined;
}

/** What the mail should have had, in the answer; and whether it sets a password. */
async function tryLeak(
  run: Run,
  account: PasswordAccount,
  begun: Exchange,
  finish: Operation | null,
): Promise<Verdict> {
  const subject = begun.request.path;
  const given = leavesOf(begun.answer?.json).filter(
    ({ key, value }) => CODE.test(snake(key)) && /^[\w.-]{4,}$/.test(String(value)),
  );
  const inLinks = begun.answer?.text.match(/(?<=[?&](?:token|code)=)[\w.-]{6,}/g) ?? [];
  const codes = [...given.map(({ value }) => String(value)), ...inLinks];
  if (codes.length === 0) return sound(subject, 'the answer holds no code and no token');
  const evidence = [step('The answer to whoever asks holds a code', begun)];
  for (const code of finish === null ? [] : codes) {
    // The password stays what it is: it is set to the one that B has.
    const exchange = await finishWith(run, finish as Operation, account, code);
    if (!isGranted(exchange)) continue;
    const { signIn } = run.access;
    const attempt =
      signIn === null
        ? null
        : await attemptSignIn(run.probe, signIn, account.username, account.password, { as: 'b' });
    if (attempt === null || !gaveSomething(attempt)) continue;
    return {
      ...finding(subject, 'critical', 'confirmed'),
      evidence: [...evidence, step('With it the recovery is finished', exchange)],
    };
  }
  return { ...finding(subject, 'high', 'probable'), evidence };
}

function finding(
  subject: string,
  severity: 'critical' | 'high',
  confidence: 'confirmed' | 'probable',
) {
  return {
    verdict: 'finding' as const,
    cause: 'the start of a recovery answers its code',
    severity,
    confidence,
    title: 'Whoever starts a recovery is given what only the owner should be mailed',
    detail:
      confidence === 'confirmed'
        ? 'Somebody without an account started a recovery of B, and finished it with what the answer held.'
        : 'Somebody without an account started a recovery of B, and the answer held a field that looks like its code.',
    subjects: [subject],
    controls: [],
  };
}

async function tryGuessing(
  run: Run,
  account: PasswordAccount,
  finish: Operation,
): Promise<Verdict> {
  const codes = bodyFieldsOf(finish).filter(({ name }) => CODE.test(snake(name)));
  const wrong: Exchange[] = [];
  const subject = finish.id;
  if (codes.length === 0) return notTested(subject, 'it takes no code');
  for (let count = 0; count < ATTEMPTS; count += 1) {
    const code = String(100_000 + ((count * 7919 + 12_345) % 900_000));
    const exchange = await finishWith(run, finish, account, code);
    if (exchange.answer?.status === 429) return sound(subject, `after ${count} wrong codes: 429`);
    if (isBroken(exchange))
      return inconclusive(subject, 'it broke', step('A wrong code', exchange));
    wrong.push(exchange);
    if (describe(exchange) !== describe(wrong[0] ?? exchange)) {
      return sound(subject, `after ${count} wrong codes: ${describe(exchange)}`);
    }
  }
  if (!codes.some(isShort)) {
    return sound(subject, 'nothing says that its codes are short enough to be guessed');
  }
  return {
    verdict: 'finding',
    cause: 'codes of a recovery can be guessed',
    severity: 'medium',
    confidence: 'probable',
    title: 'Codes of a recovery can be guessed without limit',
    detail: `${ATTEMPTS} wrong codes for B were answered alike, and by what the document calls them they are short.`,
    subjects: [subject],
    evidence: wrong.slice(-1).map((exchange) => step(`The last of ${ATTEMPTS}`, exchange)),
    controls: wrong.slice(0, 1).map((exchange) => step('The first wrong code', exchange)),
  };
}

/** Codes that a person types: few digits, by what the document says of them. */
function isShort({ name, schema }: Field): boolean {
  const longest = schema['maxLength'];
  const pattern = schema['pattern'];
  if (typeof longest === 'number') return longest <= 8;
  if (typeof pattern === 'string') return /\{[4-8]\}/.test(pattern);
  const isLong = typeof schema['minLength'] === 'number' && schema['minLength'] > 8;
  return schema['type'] === 'integer' || (/(^|_)(otp|pin|code)$/.test(snake(name)) && !isLong);
}

function finishWith(
  run: Run,
  finish: Operation,
  account: PasswordAccount,
  code: string,
): Promise<Exchange> {
  const call = callTo(run, finish, ({ name }) => {
    if (isPasswordField(name)) return account.password;
    if (CODE.test(snake(name))) return code;
    return isNameField(name) ? account.username : undefined;
  });
  return send(run, call, ANONYMOUS, {}, 'impatient');
}

/** A call with these values wherever the operation takes them. */
function callTo(
  run: Run,
  operation: Operation,
  given: (field: Pick<Field, 'name' | 'schema'>) => string | undefined,
): Call {
  const call = plainCall(operation);
  const values = (place: 'path' | 'query') =>
    Object.fromEntries(
      operation.parameters
        .filter((one) => one.in === place)
        .flatMap((one) => {
          const value = given(one);
          return value === undefined ? [] : [[one.name, value]];
        }),
    );
  const filled = { ...call, path: values('path'), query: values('query') };
  const body = preferredBody(operation);
  if (body === null) return filled;
  const built = buildBody(
    body,
    () => run.canary(),
    (name, _path, schema) => given({ name, schema }),
  );
  return { ...filled, body: built.body, contentType: body.contentType };
}
