import type { Actor, Credential } from '../actor.ts';
import type { Check } from '../check.ts';
import { isBroken } from '../exchange.ts';
import type { Granted } from '../knowledge.ts';
import { type Run, send } from '../run.ts';
import { whoIs } from '../sessions.ts';
import { inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';

/**
 * Answers to A's cookie that pages of another origin may read. The probe has to carry the cookie:
 * some frameworks answer `*` without one, which is harmless, and the caller's own origin with one.
 */
export const cors: Check = {
  id: 'cors',
  title: 'Answers that other origins may read',
  cwe: [942],
  owaspApi: ['API8:2023'],
  asvs: ['3.4.2'],
  phase: 'reads',
  needs: ['a', 'identity', 'ambient'],
  effect: 'reads',
  repair: {
    fastapi:
      'Name the origins: `CORSMiddleware(allow_origins=["https://app.example.com"], allow_credentials=True)`. `["*"]` with credentials makes Starlette answer each origin with its own name. Without a second origin no CORS header is needed.',
    fastify:
      'Name the origins: `@fastify/cors` with `origin: ["https://app.example.com"]`. `origin: true` answers each origin with its own name; a regular expression needs `^`, `$` and `\\.`.',
    sallyport:
      'Sallyport sends no CORS header with credentials, and each write needs a token of its session whatever the origin.',
  },
  async run(run) {
    const { a } = run.actors;
    const { control } = run.knowledge;
    if (a?.ambient == null || control === null) {
      return [notTested('CORS', 'no cookie that signs A in, or no read that shows it')];
    }
    return [await attack(run, control, a, a.ambient)];
  },
};

async function attack(run: Run, control: Granted, a: Actor, ambient: Credential): Promise<Verdict> {
  const subject = control.call.operation.id;
  const as = { label: 'a, cookies only', credential: ambient };
  const { is, exchange: plain } = await whoIs(run, ambient, a, as.label);
  if (is !== 'signed-in' || plain === null) {
    return inconclusive(subject, 'the cookies alone do not show A');
  }
  const readable = [];
  for (const origin of originsAgainst(run.origin)) {
    const headers = { origin, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' };
    const exchange = await send(run, control.call, as, { headers });
    if (isBroken(exchange)) {
      return inconclusive(subject, 'the target broke', step(`Origin: ${origin}`, exchange));
    }
    const answered = exchange.answer?.headers ?? {};
    const isAllowed =
      answered['access-control-allow-origin'] === origin &&
      answered['access-control-allow-credentials'] === 'true';
    if (isAllowed && exchange.answer?.status === plain.answer?.status)
      readable.push({ origin, exchange });
  }
  if (readable.length === 0) return sound(subject, 'no other origin is allowed to read it');
  const origins = readable.map(({ origin }) => origin);
  return {
    verdict: 'finding',
    cause: 'other origins are allowed with credentials',
    severity: 'high',
    confidence: 'confirmed',
    title: 'A page of another origin reads what the signed-in person may read',
    detail: `An answer with A's data, to A's cookie, allowed these origins to read it with credentials: ${origins.join(', ')}. Whether a browser adds the cookie to another site's request depends on its SameSite attribute; to those of sibling hosts it adds it always.`,
    subjects: [subject],
    evidence: readable
      .slice(0, 3)
      .map(({ origin, exchange }) => step(`A page of ${origin} may read the answer`, exchange)),
    controls: [step("The same answer without an Origin has A's data", plain)],
  };
}

/**
 * Origins that are not the target's and must not be taken for it: somebody else's, the opaque one
 * of sandboxed frames, and those that a careless comparison lets through.
 */
function originsAgainst(target: string): readonly string[] {
  const { protocol, hostname, host } = new URL(target);
  const origins = [
    'https://sallyport-audit.example',
    'null',
    `${protocol}//${hostname}.sallyport-audit.example`,
    `${protocol}//sallyport-audit-${hostname}`,
    `${target}.sallyport-audit.example`,
  ];
  const isName = /[a-z]/i.test(hostname) && hostname.includes('.');
  // A dot in a regular expression stands for any character.
  if (isName) origins.push(`${protocol}//${host.replace('.', 'x')}`);
  if (isName && protocol === 'https:') origins.push(`http://${host}`);
  return origins;
}
