import type { Check } from '../check.ts';
import type { Run } from '../run.ts';
import { sessionCookies } from '../session-cookies.ts';
import type { SetCookie } from '../set-cookie.ts';
import {
  type Finding,
  inconclusive,
  notTested,
  type Severity,
  sound,
  type Verdict,
} from '../verdict.ts';

const DAY_SECONDS = 24 * 3600;

/** A month: a browser that was sold or stolen would be signed in for longer. ASVS 7.3.2. */
const LIFETIME_DAYS_MAX = 30;

/** What the session cookie allows that it need not. Only of the cookie that is proved to be it. */
export const cookieAttributes: Check = {
  id: 'cookie-attributes',
  title: 'A session cookie that browsers guard less than they could',
  cwe: [614, 1004, 1275],
  owaspApi: ['API8:2023'],
  asvs: ['3.3.1', '3.3.2', '3.3.3', '3.3.4'],
  phase: 'reads',
  needs: ['a', 'identity', 'sign-in', 'ambient'],
  effect: 'reads',
  repair: {
    fastapi:
      '`response.set_cookie("__Host-session", value, httponly=True, secure=True, samesite="lax", path="/")`, without `domain`.',
    fastify:
      '`reply.setCookie("__Host-session", value, { httpOnly: true, secure: true, sameSite: "lax", path: "/" })`, without `domain`.',
    sallyport:
      'The session cookie is `__Host-session`, HttpOnly, Secure, SameSite=Strict, with no Domain, and ends with the session.',
  },
  async run(run) {
    const { a } = run.actors;
    if (a === null) return [notTested('cookies', 'account A is not signed in')];
    const cookies = await sessionCookies(run, a);
    if (cookies.length === 0) {
      return [inconclusive('cookies', 'no sign-in was seen that sets the session cookie')];
    }
    return cookies.map((cookie) => judge(run, cookie));
  },
};

type Flaw = readonly [severity: Severity, says: string];

function judge(run: Run, cookie: SetCookie): Verdict {
  const subject = `cookie ${cookie.name}`;
  const flaws = flawsOf(run, cookie);
  const [worst] = flaws;
  if (worst === undefined)
    return sound(subject, 'HttpOnly, SameSite, and no wider than it has to be');
  return {
    verdict: 'finding',
    cause: `attributes of the ${subject}`,
    severity: worst[0],
    confidence: 'confirmed',
    title: `The session cookie ${cookie.name} ${worst[1]}`,
    detail: `Without this cookie A is nobody. As the sign-in sets it, it ${flaws.map(([, says]) => says).join('; it ')}.`,
    subjects: [subject],
    evidence: [],
    controls: [],
  } satisfies Finding;
}

/** The worst first. */
function flawsOf(run: Run, cookie: SetCookie): readonly Flaw[] {
  const { protocol, hostname } = new URL(run.origin);
  const flaws: Flaw[] = [];
  if (!cookie.httpOnly) flaws.push(['medium', 'can be read by scripts: it is not HttpOnly']);
  // Browsers refuse Secure over plain HTTP except on loopback, where nobody listens in between.
  if (!cookie.secure && protocol === 'https:') {
    flaws.push(['medium', 'is sent over plain HTTP, too: it is not Secure']);
  }
  if (cookie.sameSite === 'none') {
    flaws.push(['medium', 'goes with requests of other sites: it is SameSite=None']);
  }
  if (cookie.sameSite === null) {
    flaws.push(['low', 'leaves it to the browser whether other sites have it sent: no SameSite']);
  }
  if (cookie.domain !== null && cookie.domain !== hostname) {
    flaws.push(['low', `goes to every host of ${cookie.domain}`]);
  }
  const days = Math.round((cookie.lifetimeSeconds ?? 0) / DAY_SECONDS);
  if (days > LIFETIME_DAYS_MAX) flaws.push(['low', `stays in the browser for ${days} days`]);
  return flaws;
}
