import type { Call } from '../call.ts';
import { ANONYMOUS, type Actor } from '../actor.ts';
import type { Check } from '../check.ts';
import { isReadable } from '../dangers.ts';
import { composedCall, poolOfA } from '../composed-call.ts';
import { type Exchange, isGranted } from '../exchange.ts';
import { bodyFieldsOf } from '../fields.ts';
import { type Run, send } from '../run.ts';
import { inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';
import { snake } from '../words.ts';

const DESTINATION =
  /^(next|redirect|redirect_(uri|url|to)|return|return_(to|url|uri)|return_path|continue|dest|destination|goto|go|target|to|url|uri|link|forward|callback|callback_url|success_url|back|ref|referrer|rurl)$/;

const FOREIGN = 'sallyport-audit.example';

/** Redirects to whatever the address of a link says: the link begins with a name one trusts. */
export const openRedirect: Check = {
  id: 'open-redirect',
  title: 'Redirects to wherever the link says',
  cwe: [601],
  owaspApi: ['API8:2023'],
  asvs: ['3.7.2'],
  phase: 'reads',
  needs: [],
  effect: 'reads',
  repair: {
    fastapi:
      'Redirect to a path of your own: parse it with `urlsplit`, refuse a scheme, a host, a backslash and a second slash at the start, or look the destination up in a list.',
    fastify:
      'Redirect to a path of your own: `new URL(next, origin)` must have your origin, or look the destination up in a list.',
    sallyport:
      'Destinations after a sign-in are resolved against the configured origin, and anything else becomes the start page.',
  },
  async run(run) {
    const places = placesOf(run);
    if (places.length === 0) return [notTested('redirects', 'no read takes a destination')];
    const verdicts: Verdict[] = [];
    for (const [call, name] of places) verdicts.push(await attack(run, call, name));
    return verdicts;
  },
};

/** Reads with a parameter that is named as destinations are. */
function placesOf(
  run: Run,
): readonly (readonly [call: (value: string) => Call | null, name: string])[] {
  const pool = poolOfA(run);
  return run.operations
    .filter((operation) => isReadable(operation) && bodyFieldsOf(operation).length === 0)
    .flatMap((operation) =>
      operation.parameters
        .filter(({ in: place, name }) => place === 'query' && DESTINATION.test(snake(name)))
        .map(({ name }) => {
          const call = (value: string) =>
            composedCall(run, operation, pool, (field) => (field === name ? value : undefined));
          return [call, `${operation.id}, ${name}`] as const;
        }),
    );
}

async function attack(
  run: Run,
  callWith: (value: string) => Call | null,
  subject: string,
): Promise<Verdict> {
  const actors: readonly Actor[] = [ANONYMOUS, ...(run.actors.a === null ? [] : [run.actors.a])];
  const own = callWith('/sallyport-audit');
  if (own === null) return notTested(subject, 'no value for its parameters was found');
  const control = await send(run, own, actors.at(-1) ?? ANONYMOUS);
  const isAnswered = isGranted(control) || isRedirect(control);
  if (!isAnswered) {
    return inconclusive(subject, 'a path of its own leads nowhere, too', step('Its own', control));
  }
  let last: Exchange | null = null;
  for (const actor of actors) {
    for (const value of destinations(run.origin)) {
      const call = callWith(value);
      if (call === null) continue;
      last = await send(run, call, actor);
      if (last.answer === null || last.answer.status >= 500) {
        return inconclusive(subject, 'it broke', step(value, last));
      }
      if (!leads(last, run.origin)) continue;
      return {
        verdict: 'finding',
        cause: `${subject}: any destination is taken`,
        severity: actor.role === 'anonymous' ? 'medium' : 'low',
        confidence: 'confirmed',
        title: 'A link to this server leads wherever its writer wants',
        detail: `With ${value} the answer is a redirect that a browser follows to another host.`,
        subjects: [subject.split(',')[0] ?? subject],
        evidence: [step(`It redirects to ${last.answer.headers['location']}`, last)],
        controls: [step('With a path of its own', control)],
      };
    }
  }
  return sound(subject, 'it leads to no other host');
}

/** Another host, in the spellings that browsers understand and comparisons overlook. WHATWG URL. */
function destinations(origin: string): readonly string[] {
  const { host } = new URL(origin);
  return [
    `https://${FOREIGN}/`,
    `//${FOREIGN}/`,
    `/\\${FOREIGN}/`,
    `https:${FOREIGN}/`,
    `${origin}@${FOREIGN}/`,
    `https://${FOREIGN}/${host}`,
    `https://${host}.${FOREIGN}/`,
  ];
}

/** Whether a browser that follows the answer leaves the target for the foreign host. */
function leads({ answer }: Exchange, origin: string): boolean {
  const location = answer?.headers['location'];
  if (location === undefined || !isRedirect({ answer })) return false;
  try {
    return new URL(location, origin).hostname.endsWith(FOREIGN);
  } catch {
    return false;
  }
}

function isRedirect({ answer }: Pick<Exchange, 'answer'>): boolean {
  return answer !== null && answer.status >= 300 && answer.status <= 399;
}
