// An app of payments for the tests of Idempotency-Key, and people in its tenants.
import { randomBytes, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { fastify, type FastifyInstance } from 'fastify';
import { type Kysely, sql } from 'kysely';
import type pg from 'pg';
import {
  digestOf,
  newSecret,
  proofOf,
  secretText,
  synchronizerTokenOf,
} from '../../src/core/secret.ts';
import { SESSION_COOKIE } from '../../src/http/cookies.ts';
import { maskToken } from '../../src/http/synchronizer-token.ts';
import { type Answer, type Ask, ask } from '../support/client.ts';

export const PAYMENTS: readonly string[] = [
  `CREATE TABLE payments (tenant_id UUID NOT NULL, id UUID NOT NULL DEFAULT gen_random_uuid(),
    amount INT4 NOT NULL, PRIMARY KEY (tenant_id, id))`,
  'ALTER TABLE payments ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
  `CREATE POLICY own ON payments TO sallyport_app
    USING (tenant_id = (SELECT sallyport.current_tenant()))
    WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()))`,
  'GRANT SELECT, INSERT, UPDATE, DELETE ON payments TO sallyport_app',
];

export interface KeyedApp {
  readonly app: FastifyInstance;
  readonly origin: string;
  /** How often a handler has begun. */
  handled: number;
  /** What the callback of a transaction does before its first statement. */
  beforeStatement: () => Promise<unknown>;
  /** What a handler waits for before it answers, its transaction committed. */
  beforeAnswer: Promise<unknown>;
}

interface Body {
  readonly amount: number;
  readonly sql?: string;
}
// oxlint-disable-next-line typescript/no-explicit-any -- the app registers no types of its tables
type Db = Kysely<any>;

const insertPayment = async (db: Db, amount: number): Promise<string> => {
  const id = randomUUID();
  await db.insertInto('payments').values({ id, amount }).execute();
  return id;
};

/** @param guard registers Sallyport on the app. */
export async function startKeyedApp(
  guard: (app: FastifyInstance) => Promise<unknown>,
): Promise<KeyedApp> {
  const app = fastify();
  const started = {
    app,
    origin: '',
    handled: 0,
    beforeStatement: () => Promise.resolve() as Promise<unknown>,
    beforeAnswer: Promise.resolve() as Promise<unknown>,
  };
  await guard(app);
  const json = { access: 'signed-in', bodyType: 'json' } as const;
  app.addHook('preHandler', async () => void started.handled++);

  app.post<{ Body: Body }>('/payments', json, async (request, reply) => {
    const id = await request.transaction(async (db) => {
      await started.beforeStatement();
      return await insertPayment(db, request.body.amount);
    });
    await started.beforeAnswer;
    const headers = { location: `/payments/${id}`, 'set-cookie': `seen=${id}` };
    return reply.code(201).headers(headers).send({ id });
  });
  app.post<{ Body: Body }>('/payments/:kind', json, async (request) => ({
    id: await request.transaction((db) => insertPayment(db, request.body.amount)),
  }));
  app.post<{ Body: Body }>('/single', json, async (request, reply) => {
    const { amount } = request.body;
    const row = await request.db
      .insertInto('payments')
      .values({ amount })
      .returning('id')
      .execute();
    return reply.type('application/octet-stream').send(Buffer.from(JSON.stringify(row)));
  });
  app.post<{ Body: Body }>(
    '/loading',
    {
      ...json,
      load: (db, request) => ({
        before: db.selectFrom('payments').selectAll(),
        row: db
          .insertInto('payments')
          .values({ amount: (request.body as Body).amount })
          .returning('id'),
      }),
    },
    async (request) => request.loaded['row'],
  );
  app.post<{ Body: Body }>(
    '/guarded',
    { ...json, access: { permission: 'payments:write' } },
    async (request) => ({
      id: await request.transaction((db) => insertPayment(db, request.body.amount)),
    }),
  );
  app.post<{ Body: Body }>('/failing', json, async (request) => {
    await request.transaction((db) => insertPayment(db, request.body.amount));
    throw new Error('a fault behind the commit');
  });
  app.post<{ Body: Body }>('/rolled-back', json, async (request, reply) => {
    const refuse = async (db: Db) => {
      await insertPayment(db, request.body.amount);
      throw new Error('not this amount');
    };
    await request.transaction(refuse).catch(() => {});
    return reply.code(422).send({ at: randomUUID() });
  });
  app.post<{ Body: Body }>('/large', json, async (request) => {
    await request.transaction((db) => insertPayment(db, request.body.amount));
    return 'x'.repeat(65_537);
  });
  app.post<{ Body: Body }>('/twice', json, async (request) => {
    await insertPayment(request.db as Db, request.body.amount);
    return await insertPayment(request.db as Db, request.body.amount);
  });
  app.post<{ Body: Body }>('/injected', json, async (request) => {
    const text = request.body.sql ?? '';
    const { rows } = await sql.raw(text).execute(request.insecureUnscopedDb);
    return { rows };
  });
  app.get('/payments', { access: 'signed-in' }, async (request) =>
    request.db.selectFrom('payments').selectAll().execute(),
  );
  app.post<{ Body: Body }>('/open', { access: 'public', bodyType: 'json' }, async () => ({
    at: randomUUID(),
  }));
  await app.listen({ host: '127.0.0.1', port: 0 });
  started.origin = `http://localhost:${(app.server.address() as AddressInfo).port}`;
  return started;
}

/** Where rows are written behind the product's back. */
export type Admin = Pick<pg.Client, 'query'>;

export interface Payer {
  readonly identityId: string;
  readonly sessionId: string;
  readonly headers: Readonly<Record<string, string>>;
}

export async function insertTenant(admin: Admin): Promise<string> {
  const { rows } = await admin.query<{ id: string }>(
    `INSERT INTO sallyport.tenants (name) VALUES ('a') RETURNING id`,
  );
  const id = rows[0]?.id ?? '';
  await admin.query(
    `INSERT INTO sallyport.roles VALUES ($1, 'payer', '{payments:write}'), ($1, 'reader', '{}')`,
    [id],
  );
  return id;
}

export async function insertPayer(admin: Admin, tenantId: string): Promise<Payer> {
  const { rows } = await admin.query<{ id: string }>(
    'INSERT INTO sallyport.identities DEFAULT VALUES RETURNING id',
  );
  return await insertPayerSession(admin, rows[0]?.id ?? '', tenantId);
}

/** A session of the identity in the tenant, of which it becomes a member where it is none. */
export async function insertPayerSession(
  admin: Admin,
  identityId: string,
  tenantId: string,
): Promise<Payer> {
  await admin.query(
    `INSERT INTO sallyport.memberships (tenant_id, identity_id, role) VALUES ($1, $2, 'payer')
      ON CONFLICT DO NOTHING`,
    [tenantId, identityId],
  );
  const secret = newSecret();
  const token = synchronizerTokenOf(secret, 1);
  const { rows } = await admin.query<{ id: string }>(
    `INSERT INTO sallyport.sessions (proof_digest, identity_id, tenant_id, synchronizer_digest, expires_at)
      VALUES ($1, $2, $3, $4, now() + INTERVAL '1 hour') RETURNING id`,
    [digestOf(proofOf(secret)), identityId, tenantId, digestOf(token)],
  );
  const sessionId = rows[0]?.id ?? '';
  await admin.query('INSERT INTO sallyport.session_activity (session_id) VALUES ($1)', [sessionId]);
  const headers = {
    cookie: `${SESSION_COOKIE}=${secretText(secret)}`,
    'sec-fetch-site': 'same-origin',
    'content-type': 'application/json',
    'x-csrf-token': maskToken(token, randomBytes(32)),
  };
  return { identityId, sessionId, headers };
}

/** A request with a key, as the payer's own page would send it. */
export async function pay(
  { origin }: KeyedApp,
  payer: Payer,
  key: string,
  path = '/payments',
  body: unknown = { amount: 7 },
  headers: Ask['headers'] = {},
): Promise<Answer> {
  return await ask(origin, path, {
    method: 'POST',
    headers: { ...payer.headers, origin, 'idempotency-key': key, ...headers },
    body: JSON.stringify(body),
  });
}
