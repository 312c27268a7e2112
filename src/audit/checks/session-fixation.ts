import type { Actor, Credential } from '../actor.ts';
import { NO_CREDENTIAL } from '../actor.ts';
import type { Check } from '../check.ts';
import { isGranted } from '../exchange.ts';
import type { Run } from '../run.ts';
import { whoIs } from '../sessions.ts';
import { attemptSignIn, gaveSomething } from '../sign-in.ts';
import { cookiesOf } from '../transport.ts';
import { inconclusive, notTested, sound, step, type Step, type Verdict } from '../verdict.ts';

/**
 * A session identifier that was there before the sign-in, and is A's after it: whoever planted it
 * is signed in as A. Tried with what the target gives to visitors, and with an invented one.
 */
export const sessionFixation: Check = {
  id: 'session-fixation',
  title: 'Sign-in keeps the session that the browser came with',
  cwe: [384],
  owaspApi: ['API2:2023'],
  asvs: ['7.2.4'],
  phase: 'credentials',
  needs: ['a', 'identity', 'sign-in', 'ambient'],
  effect: 'reads',
  repair: {
    fastapi:
      'Make a new identifier with `secrets.token_urlsafe(32)` at each sign-in, delete the row of the one that came with the request, and never take an identifier from the client that you have not issued.',
    fastify:
      'Call `request.session.regenerate()` at each sign-in before anything is put into the session.',
    sallyport:
      'Each sign-in, and each fresh proof of who somebody is, gives the session a new secret of 256 bits; the earlier one ends in the same transaction.',
  },
  async run(run) {
    const { a } = run.actors;
    if (a?.ambient == null) return [notTested('sign-in', 'no cookie signs A in by itself')];
    const verdicts: Verdict[] = [];
    for (const planted of await candidates(run, a.ambient)) {
      verdicts.push(await plant(run, a, planted));
    }
    return verdicts;
  },
};

interface Planted {
  readonly cookies: Readonly<Record<string, string>>;
  readonly says: string;
}

/** What a visitor is given, and an invented value of the same form under each cookie's name. */
async function candidates(run: Run, ambient: Credential): Promise<readonly Planted[]> {
  const names = Object.keys(ambient.cookies);
  const invented = Object.fromEntries(
    names.map((name) => [name, inventedLike(ambient.cookies[name] ?? '', run.canary())]),
  );
  const given = await visitorCookies(run);
  const known = Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)));
  const planted: Planted[] = [{ cookies: invented, says: 'an invented session cookie' }];
  if (Object.keys(known).length > 0) {
    planted.push({ cookies: known, says: "a visitor's session cookie" });
  }
  return planted;
}

async function plant(run: Run, a: Actor, { cookies, says }: Planted): Promise<Verdict> {
  const { signIn } = run.access;
  const { account } = a;
  const subject = says;
  if (signIn === null || account?.kind !== 'password') {
    return notTested(subject, 'no sign-in by name and password is known');
  }
  const credential = { ...NO_CREDENTIAL, cookies };
  const before = await whoIs(run, credential, a, 'somebody with the planted cookie');
  if (before.is !== 'refused' || before.exchange === null) {
    return inconclusive(subject, 'the planted cookie is not refused before the sign-in');
  }
  const evidence: Step[] = [];
  for (let count = 0; count < 2; count += 1) {
    const attempt = await attemptSignIn(run.probe, signIn, account.username, account.password, {
      as: 'a, with the planted cookie',
      cookies,
    });
    const { exchange } = attempt;
    // A target that keeps the session may have no reason to set its cookie again.
    if (!isGranted(exchange) && !gaveSomething(attempt)) {
      const tried = step('With the planted cookie', exchange);
      return inconclusive(subject, 'no sign-in with the planted cookie', tried);
    }
    const after = await whoIs(run, credential, a, 'somebody with the planted cookie');
    if (after.is === 'unclear') return inconclusive(subject, 'the read broke after the sign-in');
    if (after.is === 'refused' || after.exchange === null) {
      return sound(subject, 'it signs nobody in, before and after the sign-in');
    }
    evidence.push(
      step('A signs in with the planted cookie in the browser', exchange),
      step('Who has planted it is answered as A', after.exchange),
    );
  }
  return {
    verdict: 'finding',
    cause: 'sign-in keeps the session',
    severity: 'high',
    confidence: 'confirmed',
    title: 'Whoever plants a session cookie in a browser is signed in with its owner',
    detail: `With ${says} in the browser A signed in, and afterwards that same value alone was answered as A; before the sign-in it was refused.`,
    subjects: [signIn.call.operation.id],
    evidence,
    controls: [step('Before the sign-in the planted cookie is refused', before.exchange)],
  };
}

/** What the target sets for somebody without an account. */
async function visitorCookies(run: Run): Promise<Readonly<Record<string, string>>> {
  const { control } = run.knowledge;
  const paths = [run.access.signIn?.page ?? '/', control?.call.operation.path ?? '/'];
  let cookies: Readonly<Record<string, string>> = {};
  for (const path of new Set(paths)) {
    const request = { method: 'GET', path, headers: { accept: 'text/html, */*' }, body: null };
    const { answer } = await run.probe.send(request, 'anonymous');
    cookies = cookiesOf(answer?.setCookies ?? [], cookies);
  }
  return cookies;
}

/** Another value of the same length and alphabet. */
function inventedLike(value: string, canary: string): string {
  const source = Buffer.from(canary)
    .toString('hex')
    .repeat(Math.ceil(value.length / 40) + 1);
  let at = 0;
  return value.replaceAll(/[a-z0-9]/gi, (character) => {
    const digit = source[at] ?? '0';
    at += 1;
    if (/[0-9]/.test(character)) return String(Number.parseInt(digit, 16) % 10);
    return /[a-f0-9]/i.test(character) ? digit.replace(/[0-9]/, 'a') : character;
  });
}
