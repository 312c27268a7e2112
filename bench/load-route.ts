import { proofOf } from '../src/core/secret.ts';
import { ownHeaders, seeEverybody, SIZE } from './invoices.ts';
import {
  type Candidate,
  type InvoicesDatabase,
  onDatabase,
  setInvoicesStage,
  type Stage,
} from './load-route-stage.ts';
import {
  betterAuth,
  FASTAPI,
  fastifySession,
  fillBetterAuth,
  fillFastifySession,
  installFastApi,
  installNodePeers,
} from './peers.ts';
import { startServerProcess } from './processes.ts';
import { compareInRounds, type Contender, leaveOut } from './rounds.ts';
import type { Figure } from './run.ts';

const ROUNDS = 7;
const DELAY_MILLISECONDS = 20;
const TIMES_LARGER = 10;

interface Course {
  readonly stage: Stage;
  readonly database: InvoicesDatabase;
  readonly compare: (
    bench: string,
    ours: Contender,
    others: readonly Contender[],
  ) => Promise<readonly Figure[]>;
}

/** A `load` route of an application against what else could answer the same. */
export async function loadRouteBench(seconds: number): Promise<readonly Figure[]> {
  const stage = await setInvoicesStage();
  try {
    const database = await stage.addDatabase('invoices', SIZE);
    const compare: Course['compare'] = async (bench, ours, others) => {
      await onDatabase(database.url, (client) => seeEverybody(client, database.people));
      const how = { rounds: ROUNDS, seconds, postmaster: stage.postmaster };
      return await compareInRounds(bench, ours, others, how);
    };
    const course = { stage, database, compare };
    return [
      ...(await compareWithPeers(course)),
      ...(await compareFarAway(course)),
      ...(await compareWithLarger(course)),
    ];
  } finally {
    await stage.strike();
  }
}

async function compareWithPeers({ stage, database, compare }: Course): Promise<readonly Figure[]> {
  const reading = await stage.enter(ownRoute('GET'), database);
  const writing = await stage.enter(ownRoute('POST'), database);
  const yardstick = await stage.enter(bare(16), database);
  const fourStatements = await stage.enter(FOUR_STATEMENTS, database);
  const bareWriting = await stage.enter(bare(16, 'POST'), database);
  const { readers, writers } = await enterPeers(stage, database);
  return [
    ...(await compare('load-route', reading, [yardstick, fourStatements, ...readers])),
    ...(await compare('load-route-post', writing, [bareWriting, ...writers])),
  ];
}

/** Both at a distance from the database; the pool has a connection for each request of the load. */
async function compareFarAway({ stage, database, compare }: Course): Promise<readonly Figure[]> {
  const url = await stage.delay(database.url, DELAY_MILLISECONDS);
  const ours = await stage.enter(ownRoute('GET'), database, url);
  const yardstick = await stage.enter(bare(32), database, url);
  return await compare('load-route-20ms', ours, [yardstick]);
}

async function compareWithLarger({ stage, database, compare }: Course): Promise<readonly Figure[]> {
  const ours = await stage.enter(ownRoute('GET'), database);
  const larger = await stage.addDatabase('larger_invoices', {
    tenants: SIZE.tenants * TIMES_LARGER,
    identities: SIZE.identities * TIMES_LARGER,
    invoices: SIZE.invoices * TIMES_LARGER,
  });
  const among = await stage.enter(ownRoute('GET'), larger);
  await onDatabase(larger.url, (client) => seeEverybody(client, larger.people));
  const name = 'itself among a tenth of rows and tenants';
  return await compare('load-route-10x', among, [{ ...ours, name }]);
}

/** A peer that cannot be installed or started here is left out, and has no figure. */
async function enterPeers(
  stage: Stage,
  database: InvoicesDatabase,
): Promise<{ readers: readonly Contender[]; writers: readonly Contender[] }> {
  const readers: Contender[] = [];
  const writers: Contender[] = [];
  const enter = async (contenders: Contender[], candidates: readonly Candidate[]) => {
    for (const candidate of candidates) contenders.push(await stage.enter(candidate, database));
  };
  await leaveOut('better-auth', async () => {
    installNodePeers();
    await fillBetterAuth(database);
    await enter(readers, [
      betterAuth('better-auth with a query for the membership', 'session'),
      betterAuth('better-auth with its organization plugin', 'organization'),
    ]);
  });
  await leaveOut('@fastify/session', async () => {
    installNodePeers();
    await fillFastifySession(database);
    await enter(readers, [
      fastifySession('@fastify/session tuned', 'tuned'),
      fastifySession('@fastify/session as it comes', 'as-it-comes'),
    ]);
    await enter(writers, [
      fastifySession('@fastify/session and csrf-protection tuned', 'tuned', 'POST'),
      fastifySession('@fastify/session and csrf-protection as it comes', 'as-it-comes', 'POST'),
    ]);
  });
  await leaveOut('FastAPI', async () => {
    installFastApi();
    await enter(readers, [FASTAPI]);
  });
  return { readers, writers };
}

function ownRoute(method: 'GET' | 'POST'): Candidate {
  return {
    name: 'a load route',
    start: (url) => startServerProcess(['bench/invoices-server.ts'], { DATABASE_URL: url }),
    target: (origin, person, invoiceId) => {
      const headers = ownHeaders(origin, person);
      const url = `${origin}/invoices/${invoiceId}`;
      if (method === 'POST') return { url, method, headers, body: '{}' };
      return { url, headers: { cookie: headers['cookie'] ?? '' } };
    },
  };
}

function bare(poolSize: number, method: 'GET' | 'POST' = 'GET'): Candidate {
  return {
    name: `bare Fastify with one prepared pg ${method === 'GET' ? 'query' : 'UPDATE'}`,
    start: (url) =>
      startServerProcess(['bench/reference-invoices.ts'], {
        DATABASE_URL: url,
        POOL_SIZE: String(poolSize),
      }),
    target: (origin, person, invoiceId) => {
      const url = `${origin}/tenants/${person.tenantId}/invoices/${invoiceId}`;
      if (method === 'GET') return { url };
      return { url, method, headers: { 'content-type': 'application/json' }, body: '{}' };
    },
    open: true,
  };
}

const FOUR_STATEMENTS: Candidate = {
  name: 'four prepared pg statements one after the other',
  start: (url) =>
    startServerProcess(['bench/reference-four-statements.ts'], {
      DATABASE_URL: url,
      POOL_SIZE: '16',
    }),
  target: (origin, person, invoiceId) => ({
    url: `${origin}/invoices/${invoiceId}`,
    headers: { cookie: `session=${proofOf(person.secret)}` },
  }),
};
