import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { insertKey } from '../test/support/api-keys.ts';
import { AUDIENCE, startIssuer, type TestIssuer } from '../test/support/issuers.ts';
import { ownHeaders, type Person, seeEverybody, SIZE } from './invoices.ts';
import {
  type Candidate,
  type InvoicesDatabase,
  onDatabase,
  setInvoicesStage,
} from './load-route-stage.ts';
import { median, quantile } from './load.ts';
import { startServerProcess } from './processes.ts';
import { compareInRounds, type Contender } from './rounds.ts';
import type { Figure } from './run.ts';

const ROUNDS = 7;
/** Tokens that are shown for the first time, and then once more. */
const FRESH_TOKENS = 300;
/** Longer than the bench runs. */
const TOKEN_SECONDS = 3_000;

/**
 * The `load` route of load-route with an API key, and with a token of another issuer, against the
 * same with a session; and such a token when it is first seen, which is when it is verified.
 */
export async function bearerBench(seconds: number): Promise<readonly Figure[]> {
  const stage = await setInvoicesStage();
  const issuer = await startIssuer();
  const file = issuersFile(issuer);
  try {
    const database = await stage.addDatabase('invoices', SIZE);
    const keys = await makeKeys(database);
    const tokens = await makeTokens(issuer, database.people);
    const session = await stage.enter(reading('a session', file.path, cookieOf), database);
    const bearer = async (name: string, texts: ReadonlyMap<Person, string>) =>
      await stage.enter(
        reading(name, file.path, (_origin, person) => ({
          authorization: `Bearer ${texts.get(person) ?? ''}`,
        })),
        database,
      );
    const key = await bearer('an API key', keys);
    const token = await bearer('a token of another issuer', tokens);
    await showEach(token);
    const against = async (bench: string, ours: Contender) => {
      await onDatabase(database.url, async (client) => {
        await seeEverybody(client, database.people);
        await client.query('UPDATE sallyport.bearer_activity SET last_used_at = now()');
      });
      const how = { rounds: ROUNDS, seconds, postmaster: stage.postmaster };
      return await compareInRounds(bench, ours, [session], how);
    };
    return [
      ...(await against('bearer-key', key)),
      ...(await against('bearer-token', token)),
      await firstUse(issuer, token, database.people),
    ];
  } finally {
    await stage.strike();
    issuer.close();
    file.remove();
  }
}

/** What is measured is their repeated use, so each has been seen before. */
async function showEach({ targets }: Contender): Promise<void> {
  for (const { url, headers = {} } of targets) {
    const answer = await fetch(url, { headers });
    await answer.arrayBuffer();
  }
}

function reading(
  name: string,
  issuers: string,
  headersOf: (origin: string, person: Person) => Readonly<Record<string, string>>,
): Candidate {
  return {
    name,
    start: (url) =>
      startServerProcess(['bench/invoices-server.ts'], {
        DATABASE_URL: url,
        SALLYPORT_ISSUERS_FILE: issuers,
      }),
    target: (origin, person, invoiceId) => ({
      url: `${origin}/invoices/${invoiceId}`,
      headers: headersOf(origin, person),
    }),
  };
}

function cookieOf(origin: string, person: Person) {
  return { cookie: ownHeaders(origin, person)['cookie'] ?? '' };
}

async function makeKeys({ url, people }: InvoicesDatabase): Promise<ReadonlyMap<Person, string>> {
  return await onDatabase(url, async (client: pg.Client) => {
    const keys = new Map<Person, string>();
    for (const person of people) {
      keys.set(person, (await insertKey(client, person, ['invoices:read'])).text);
    }
    await client.query(
      'INSERT INTO sallyport.bearer_activity (credential_id) SELECT id FROM sallyport.bearer_credentials',
    );
    return keys;
  });
}

async function makeTokens(
  issuer: TestIssuer,
  people: readonly Person[],
): Promise<ReadonlyMap<Person, string>> {
  const tokens = new Map<Person, string>();
  for (const person of people) tokens.set(person, await tokenOf(issuer, person));
  return tokens;
}

async function tokenOf(issuer: TestIssuer, { identityId, tenantId }: Person): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + TOKEN_SECONDS;
  return await issuer.sign({ sub: identityId, tenant: tenantId, exp });
}

/** One request after the other, so that what is measured is how long one takes. */
async function firstUse(
  issuer: TestIssuer,
  { server }: Contender,
  people: readonly Person[],
): Promise<Figure> {
  const first: number[] = [];
  const again: number[] = [];
  for (let n = 0; n < FRESH_TOKENS; n++) {
    const person = people[n % people.length];
    if (!person) throw new Error('there is nobody to ask');
    // One that differs in a claim that nobody reads is another token.
    const exp = Math.floor(Date.now() / 1000) + TOKEN_SECONDS;
    const token = await issuer.sign({ sub: person.identityId, tenant: person.tenantId, exp, n });
    for (const times of [first, again]) {
      const startedAt = performance.now();
      const answer = await fetch(`${server.origin}/invoices/${person.invoiceId}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`a new token was answered ${answer.status}`);
      times.push(performance.now() - startedAt);
    }
  }
  const ratios = again.map((time, n) => time / (first[n] ?? time));
  return {
    bench: 'bearer-token-first-use',
    against: 'the same token when it is shown again',
    ratio: quantile(ratios, 0.5),
    spread: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    milliseconds: [median(first), median(again)],
  };
}

function issuersFile({ issuer, host }: TestIssuer) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  const path = join(folder, 'issuers.json');
  const trusted = {
    issuer,
    audience: AUDIENCE,
    algorithms: ['EdDSA'],
    identity: { claim: 'sub', by: 'id' },
    tenant: { claim: 'tenant' },
  };
  writeFileSync(path, JSON.stringify({ issuers: [trusted], insecureLoopbackHosts: [host] }));
  return { path, remove: () => rmSync(folder, { recursive: true }) };
}
