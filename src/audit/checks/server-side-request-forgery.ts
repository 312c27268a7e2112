import { setTimeout as sleep } from 'node:timers/promises';
import type { Actor } from '../actor.ts';
import { type Call } from '../call.ts';
import { shows } from '../canary.ts';
import type { Check } from '../check.ts';
import { composedCall, poolOfA } from '../composed-call.ts';
import { makesObjects } from '../creatable.ts';
import { isDangerous } from '../dangers.ts';
import { findConsole } from '../database-console.ts';
import type { Exchange } from '../exchange.ts';
import { bodyFieldsOf } from '../fields.ts';
import { type Listener, openListener, type Reply } from '../listener.ts';
import { isSafe, type Operation, type Schema } from '../operation.ts';
import { type Run, send } from '../run.ts';
import { lostSession } from '../still-signed-in.ts';
import { inconclusive, notTested, sound, step, type Step, type Verdict } from '../verdict.ts';
import { snake } from '../words.ts';

/** What holds an address that somebody fetches, by its name. */
const ADDRESS =
  /(^|_)(url|uri|link|href|webhook|callback|hook|endpoint|feed|source|src|avatar|image|picture|logo|host|dsn|site|website|target|dest|destination|remote|proxy|fetch|domain)(_?(url|uri|link))?$/;

/** Where a node of CockroachDB has its console, and where others have something like it. */
const CONSOLES = ['http://127.0.0.1:8080', 'http://localhost:8080'];

/** How long a target may take to fetch behind its answer. */
const PATIENCE_MILLISECONDS = 1_000;

/**
 * Addresses that the target fetches for whoever names them: told by a server of the audit's own.
 */
export const serverSideRequestForgery: Check = {
  id: 'server-side-request-forgery',
  title: 'The server fetches what the caller names',
  cwe: [918],
  owaspApi: ['API7:2023'],
  asvs: ['1.3.6', '13.2.4', '13.2.5'],
  phase: 'writes',
  needs: ['a', 'identity'],
  effect: 'writes',
  repair: {
    fastapi:
      'Resolve the host, refuse every address that is not public (`ipaddress.ip_address(...).is_global`), connect to the address that was checked, and follow no redirect. Better, fetch only from a list of hosts. Give the process no route to consoles and metadata services.',
    fastify:
      'Resolve the host, refuse every address that is not public, connect to the address that was checked (a `connect.lookup` of undici), and follow no redirect. Better, fetch only from a list of hosts.',
    sallyport:
      'Sallyport fetches only addresses that its operator has configured; `sallyport doctor` says when a console of the database can be reached without a password.',
  },
  async run(run) {
    const { a, superior } = run.actors;
    if (a === null) return [notTested('addresses', 'account A is not signed in')];
    const places = placesOf(run);
    if (places.length === 0) return [notTested('addresses', 'no operation takes an address')];
    const lost = await lostSession(run, a, 'addresses');
    if (lost !== null) return [lost];
    const replies = new Map<string, Reply>();
    const listener = await openListener(replies);
    try {
      const verdicts: Verdict[] = [];
      for (const place of places) {
        const verdict = await attack({ run, a, listener, replies }, place);
        // What is refused to A may be open to a higher role, and fetches all the same.
        const { operation } = place;
        const isForSuperior =
          verdict.verdict === 'not-tested' &&
          superior !== null &&
          (isSafe(operation.method) || makesObjects(operation, run.operations));
        verdicts.push(
          isForSuperior ? await attack({ run, a: superior, listener, replies }, place) : verdict,
        );
      }
      return verdicts;
    } finally {
      await listener.close();
    }
  },
};

interface Place {
  readonly operation: Operation;
  readonly field: string;
}

interface Attack {
  readonly run: Run;
  readonly a: Actor;
  readonly listener: Listener;
  readonly replies: Map<string, Reply>;
}

function placesOf({ operations, settings, knowledge }: Run): readonly Place[] {
  const proven = new Set(knowledge.writes.map(({ granted }) => granted.call.operation.id));
  // What is changed is of this run, or A's own account.
  const isOurs = ({ id, method, path }: Operation) =>
    method === 'POST' || !path.includes('{') || proven.has(id);
  return operations
    .filter((operation) => !isDangerous(operation))
    .filter(
      (one) =>
        isSafe(one.method) || (settings.allowWrites && one.method !== 'DELETE' && isOurs(one)),
    )
    .flatMap((operation) => {
      const parameters = operation.parameters.filter(({ in: place }) => place === 'query');
      return [...parameters, ...bodyFieldsOf(operation)]
        .filter(({ name, schema }) => takesAddress(name, schema))
        .map(({ name }) => ({ operation, field: name }));
    });
}

function takesAddress(name: string, schema: Schema): boolean {
  const format = schema['format'];
  if (format === 'uri' || format === 'url' || format === 'uri-reference') return true;
  if (typeof format === 'string' || schema['enum'] !== undefined) return false;
  return (schema['type'] ?? 'string') === 'string' && ADDRESS.test(snake(name));
}

async function attack({ run, a, listener, replies }: Attack, place: Place): Promise<Verdict> {
  const subject = `${place.operation.id}, ${place.field}`;
  const pool = poolOfA(run);
  const callWith = (url: string): Call | null =>
    composedCall(run, place.operation, pool, (name) => (name === place.field ? url : undefined));
  const fetchThrough = async (url: string): Promise<Exchange> => {
    const call = callWith(url);
    if (call === null) throw new Error('no value for its parameters was found');
    return await send(run, call, a);
  };
  if (callWith('') === null) {
    return notTested(subject, 'no value for its parameters was found');
  }
  const content = run.canary();
  const path = `/${run.canary()}`;
  replies.set(path, () => ({ status: 200, body: content }));
  let asked: Exchange | null = null;
  for (const url of addressesOf(listener, path)) {
    asked = await fetchThrough(url);
    if (await wasHit(listener, path)) {
      return await findingOf(
        { run, a, listener, replies },
        {
          subject,
          operation: place.operation,
          url,
          content,
          asked,
          fetchThrough,
        },
      );
    }
  }
  const { hostname } = new URL(run.origin);
  if (!/^(localhost|127\.|\[::1\])/.test(hostname)) {
    return notTested(
      subject,
      "the target is on another machine, where the audit's own server is not",
    );
  }
  if (asked?.answer == null || asked.answer.status >= 500) {
    return inconclusive(
      subject,
      'it broke',
      ...(asked === null ? [] : [step('With an address', asked)]),
    );
  }
  if (asked.answer.status === 401 || asked.answer.status === 403) {
    return notTested(subject, `${a.role} is answered ${asked.answer.status}: nothing was fetched`);
  }
  return sound(subject, 'no address of loopback was fetched, however it was spelt');
}

/** Spellings of one address, for comparisons that know only some of them. */
function addressesOf({ port }: Listener, path: string): readonly string[] {
  return [
    '127.0.0.1',
    'localhost',
    '127.1',
    '2130706433',
    '0x7f000001',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
  ].map((host) => `http://${host}:${port}${path}`);
}

async function wasHit(
  listener: Listener,
  path: string,
  patience = PATIENCE_MILLISECONDS / 4,
): Promise<boolean> {
  for (let waited = 0; listener.hits(path) === 0 && waited < patience; waited += 50)
    await sleep(50);
  return listener.hits(path) > 0;
}

interface Hit {
  readonly subject: string;
  readonly operation: Operation;
  readonly url: string;
  readonly content: string;
  readonly asked: Exchange;
  readonly fetchThrough: (url: string) => Promise<Exchange>;
}

async function findingOf({ run, listener, replies }: Attack, hit: Hit): Promise<Verdict> {
  const evidence: Step[] = [step(`The server fetched ${hit.url}`, hit.asked)];
  const isReadable = shows(hit.asked.answer, hit.content);
  const detour = `/${run.canary()}`;
  const end = `/${run.canary()}`;
  replies.set(detour, () => ({ status: 302, headers: { location: listener.url(end) } }));
  replies.set(end, () => ({ status: 200, body: hit.content }));
  const redirected = await hit.fetchThrough(hit.url.replace(/\/[^/]*$/, detour));
  const follows = await wasHit(listener, end);
  if (follows)
    evidence.push(step('It follows a redirect to an address that was not named', redirected));
  const seen = isReadable ? await findConsole(hit.fetchThrough, CONSOLES) : null;
  if (seen !== null)
    evidence.push(step(`It shows what only it can reach: ${seen.url}`, seen.exchange));
  return {
    verdict: 'finding',
    cause: `${hit.subject}: any address is fetched`,
    severity: seen === null ? (isReadable ? 'high' : 'medium') : 'critical',
    confidence: 'confirmed',
    title:
      seen === null
        ? 'The server fetches any address, its own machine included'
        : "The server reads its database's console for whoever asks",
    detail: `A server of the audit's own on loopback was fetched when its address was named.${isReadable ? ' What it answered came back to the caller.' : ' What it answered did not come back in the answer.'}${follows ? ' Redirects are followed.' : ''}`,
    subjects: [hit.operation.id],
    evidence,
    controls: [],
  };
}
