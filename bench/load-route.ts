import { ownHeaders, SIZE } from './invoices.ts';
import { type Candidate, setInvoicesStage } from './load-route-stage.ts';
import { startServerProcess } from './processes.ts';
import { compareInRounds } from './rounds.ts';
import type { Figure } from './run.ts';
import { proofOf } from '../src/core/secret.ts';

const ROUNDS = 7;

/** A `load` route of an application against what else could answer the same. */
export async function loadRouteBench(seconds: number): Promise<readonly Figure[]> {
  const stage = await setInvoicesStage();
  try {
    const how = { rounds: ROUNDS, seconds, postmaster: stage.postmaster };
    const database = await stage.addDatabase('invoices', SIZE);
    const ours = await stage.enter(OURS, database);
    const others = [
      await stage.enter(bare(16), database),
      await stage.enter(FOUR_STATEMENTS, database),
    ];
    return await compareInRounds('load-route', ours, others, how);
  } finally {
    await stage.strike();
  }
}

const OURS: Candidate = {
  name: 'itself',
  start: (url) => startServerProcess(['bench/invoices-server.ts'], { DATABASE_URL: url }),
  target: (origin, person, invoiceId) => ({
    url: `${origin}/invoices/${invoiceId}`,
    headers: { cookie: ownHeaders(origin, person)['cookie'] ?? '' },
  }),
};

function bare(poolSize: number): Candidate {
  return {
    name: 'bare Fastify with one prepared pg query',
    start: (url) =>
      startServerProcess(['bench/reference-invoices.ts'], {
        DATABASE_URL: url,
        POOL_SIZE: String(poolSize),
      }),
    target: (origin, person, invoiceId) => ({
      url: `${origin}/tenants/${person.tenantId}/invoices/${invoiceId}`,
    }),
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
