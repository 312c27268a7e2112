import type { Actor, Credential } from '../actor.ts';
import { proveInBrowser } from '../browser.ts';
import type { Call } from '../call.ts';
import { shows } from '../canary.ts';
import type { Check } from '../check.ts';
import {
  type Provenance,
  provenances,
  severityOf,
  type Variant,
  variantsFor,
} from '../cross-site.ts';
import type { Exchange } from '../exchange.ts';
import { isObject, withValueAt } from '../json.ts';
import type { ProvenWrite } from '../knowledge.ts';
import { SEVERITIES } from '../report.ts';
import { putBack } from '../put-back.ts';
import { type Run, send } from '../run.ts';
import type { SetCookie } from '../set-cookie.ts';
import { forgedSignIn } from '../sign-in-forgery.ts';
import { sessionCookies } from '../session-cookies.ts';
import { type Finding, inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';

const CAUSE = 'requests of other sites are accepted with the cookie';

/** Writes tried: more say the same of the same defence. */
const WRITES_MAX = 16;

/**
 * Writes that a page of another site makes with the cookie that the browser adds. First the server:
 * does a request that needs no preflight have an effect, whatever its origin? Then the browser:
 * would
 * it add the cookie?
 */
export const crossSiteRequestForgery: Check = {
  id: 'cross-site-request-forgery',
  title: 'Writes on behalf of whoever visits another site',
  cwe: [352],
  owaspApi: ['API8:2023'],
  asvs: ['3.5.1', '3.5.2', '3.5.3'],
  phase: 'cross-site',
  needs: ['a', 'identity', 'ambient', 'writes'],
  effect: 'writes',
  repair: {
    fastapi:
      'For each cookie request with an unsafe method: refuse a `Sec-Fetch-Site` other than `same-origin` and an `Origin` other than your own, and ask for a token of the session in a header, compared with `hmac.compare_digest`. Leave `strict_content_type` on: a body without a type is no JSON.',
    fastify:
      'Check `Sec-Fetch-Site` and `Origin` in an `onRequest` hook for every unsafe method, and register `@fastify/csrf-protection` for all routes, not route by route.',
    sallyport:
      'Every unsafe cookie request passes three checks that each fail closed: origin, content type, and a token of the session that the database compares. No route can forget them.',
  },
  async run(run) {
    const { a } = run.actors;
    if (a?.ambient == null) return [notTested('writes', 'no cookie signs A in by itself')];
    const writes = run.knowledge.writes.filter(({ granted }) => isObject(granted.call.body));
    if (writes.length === 0) {
      return [notTested('writes', 'no write was found whose effect can be read back')];
    }
    const cookies = await sessionCookies(run, a);
    const verdicts: Verdict[] = [];
    const open: Open[] = [];
    for (const write of writes.slice(0, WRITES_MAX)) {
      const outcome = await attackWrite(run, { a, ambient: a.ambient, cookies, write });
      if ('verdict' in outcome) verdicts.push(outcome);
      else open.push(outcome);
      await putBack(run, a, write);
    }
    // The worst first: what is said of the one defence that they share is said of it.
    const worst = open.toSorted((one, other) => rank(one) - rank(other));
    const proof = worst[0] === undefined ? null : await prove(run, worst[0]);
    const signIn = await forgedSignIn(run, a);
    const isSame = signIn.verdict === 'finding' && worst.length > 0;
    return [
      ...worst.map((one) => findingOf(one, proof)),
      isSame ? { ...signIn, cause: CAUSE } : signIn,
      ...verdicts,
    ];
  },
};

interface Attack {
  readonly a: Actor;
  readonly ambient: Credential;
  /** What the target says of its session cookie, and nothing where it could not be seen. */
  readonly cookies: readonly SetCookie[];
  readonly write: ProvenWrite;
}

interface Forged {
  readonly variant: Variant;
  readonly provenance: Provenance;
  readonly canary: string;
  readonly sent: Exchange;
  readonly read: Exchange;
}

/** A write that other sites can make, in the ways that worked, the worst first. */
interface Open {
  readonly attack: Attack;
  readonly first: Forged;
  readonly forged: readonly Forged[];
  readonly controls: Finding['controls'];
}

async function attackWrite(run: Run, attack: Attack): Promise<Verdict | Open> {
  const { write, a } = attack;
  const subject = write.granted.call.operation.id;
  const right = await perform(run, attack, a.credential, null, null);
  if (!right.hasEffect) {
    return inconclusive(
      subject,
      'the write as A makes it has no effect that can be read back now',
      step('As A, from its own page', right.sent),
      step('Read back', right.read),
    );
  }
  // From its own page without a token: what has no effect even so is stopped by token or type.
  const simple: Variant[] = [];
  for (const variant of variantsFor(write.granted.call.operation.method)) {
    for (const credential of withoutToken(attack)) {
      const { hasEffect } = await perform(run, attack, credential, variant, null);
      if (hasEffect) simple.push(variant);
      if (hasEffect) break;
    }
  }
  if (simple.length === 0) {
    return sound(subject, 'no request that a page can send by itself has an effect');
  }
  const unsorted = await forge(run, attack, simple);
  const forged = unsorted.toSorted((one, other) => rankOf(attack, one) - rankOf(attack, other));
  const [first] = forged;
  if (first === undefined) return sound(subject, 'requests of other origins have no effect');
  const alone = await withoutCookie(run, attack, first);
  if (alone.hasEffect) {
    const sent = step('Without a cookie', alone.sent);
    return inconclusive(subject, 'the write needs no credential at all', sent);
  }
  const controls = [
    step('As A, from its own page, it has an effect', right.sent),
    step('The same request without the cookie has none', alone.sent),
  ];
  return { attack, first, forged, controls };
}

/** The cookies with no token, and, where forms carry it, with an empty and somebody else's. */
function withoutToken({ ambient, a }: Attack): readonly Credential[] {
  const bare = { ...ambient, synchronizer: null };
  const { synchronizer } = a.credential;
  if (synchronizer?.in !== 'field') return [bare];
  const others = ['', 'x'.repeat(synchronizer.value.length)];
  return [
    bare,
    ...others.map((value) => ({ ...ambient, synchronizer: { ...synchronizer, value } })),
  ];
}

/** The variants that work without a token, now from elsewhere: each needs to work twice. */
async function forge(
  run: Run,
  attack: Attack,
  variants: readonly Variant[],
): Promise<readonly Forged[]> {
  const forged: Forged[] = [];
  for (const variant of variants) {
    for (const provenance of provenances(run.origin)) {
      const found: Forged[] = [];
      for (const credential of withoutToken(attack)) {
        const { hasEffect, ...rest } = await perform(run, attack, credential, variant, provenance);
        if (hasEffect) found.push({ variant, provenance, ...rest });
        if (hasEffect) break;
      }
      forged.push(...found);
      // What any site may send, a site of a special name may as well.
      if (found.length > 0) break;
    }
  }
  return forged;
}

interface Performed {
  readonly canary: string;
  readonly sent: Exchange;
  readonly read: Exchange;
  readonly hasEffect: boolean;
}

/** Sends the write with a new canary, and reads as A whether it arrived. */
async function perform(
  run: Run,
  { a, write }: Pick<Attack, 'a' | 'write'>,
  credential: Credential,
  variant: Variant | null,
  provenance: Provenance | null,
): Promise<Performed> {
  const canary = run.canary();
  const call = planted(write, canary);
  const label = provenance === null ? 'a' : `a, from ${provenance.says}`;
  const changes = variant?.changes(call) ?? {};
  const sent = await send(
    run,
    variant?.call(call) ?? call,
    { label, credential },
    {
      ...changes,
      headers: { ...provenance?.headers, ...changes.headers },
    },
  );
  const read = await send(run, write.reader, a);
  return { canary, sent, read, hasEffect: shows(read.answer, canary) };
}

function planted({ granted, field }: ProvenWrite, canary: string): Call {
  return { ...granted.call, body: withValueAt(granted.call.body, field, canary) };
}

async function withoutCookie(run: Run, attack: Attack, { variant, provenance }: Forged) {
  const nobody = { ...attack.ambient, cookies: {}, synchronizer: null };
  return await perform(run, attack, nobody, variant, provenance);
}

/** What a browser makes of it, where one may be tried; null where not. */
async function prove(run: Run, { attack, first }: Open): Promise<boolean | null> {
  if (!run.settings.browser || first.provenance.reach !== 'any site') return null;
  const { a, write } = attack;
  return await proveInBrowser(
    run,
    a,
    first.variant,
    (canary) => planted(write, canary),
    write.reader,
  );
}

function findingOf({ attack, first, forged, controls }: Open, proof: boolean | null): Finding {
  const { cookies, write } = attack;
  const severity = severityOf(first.variant, first.provenance, cookies);
  const ways = forged.map(({ variant, provenance }) => `${variant.says} of ${provenance.says}`);
  return {
    verdict: 'finding',
    cause: CAUSE,
    severity: proof === false && severity === 'high' ? 'medium' : severity,
    confidence: proof === true ? 'confirmed' : 'probable',
    title: 'A page of another site changes what belongs to whoever visits it',
    detail:
      `With A's cookie alone, ${[...new Set(ways)].join(', ')} had an effect that A then saw; the same without the cookie had none. ${attributesOf(cookies)} ${proofText(proof)}`.trim(),
    subjects: [write.granted.call.operation.id],
    evidence: forged
      .slice(0, 3)
      .flatMap(({ variant, provenance, sent, read }) => [
        step(`Sent as by ${variant.says} of ${provenance.says}`, sent),
        step('A sees what it planted', read),
      ]),
    controls,
  };
}

function attributesOf(cookies: readonly SetCookie[]): string {
  if (cookies.length === 0) return 'What the cookie says of other sites could not be seen.';
  const said = cookies.map(
    ({ name, sameSite }) =>
      `${name} ${sameSite === null ? 'has no SameSite' : `is SameSite=${sameSite}`}`,
  );
  return `The cookie ${said.join(', ')}.`;
}

function proofText(proof: boolean | null): string {
  if (proof === null) return '';
  return proof
    ? 'Chromium, signed in as A and led to a page of another site, made the change.'
    : 'Chromium, signed in as A and led to a page of another site, did not make the change.';
}

function rank({ attack, first }: Open): number {
  return rankOf(attack, first);
}

function rankOf({ cookies }: Attack, { variant, provenance }: Forged): number {
  return SEVERITIES.indexOf(severityOf(variant, provenance, cookies));
}
