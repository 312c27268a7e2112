// The public plugin on a team's own app: what it refuses, what it guards, what a handler is given.
import { fastify, type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import sallyport from '../../src/fastify.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { TEST_KEY } from '../support/test-key.ts';
import { Visitor } from '../support/client.ts';
import { newPerson, type Person } from '../support/people.ts';

let database: TestDatabase;
let app: FastifyInstance;
let origin: string;

beforeAll(async () => {
  database = await createDatabase();
  await database.admin.query(`CREATE TABLE invoices (
    tenant_id UUID NOT NULL, id UUID NOT NULL DEFAULT gen_random_uuid(), total INT4 NOT NULL, PRIMARY KEY (tenant_id, id))`);
  await database.admin.query(
    'ALTER TABLE invoices ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
  );
  await database.admin.query(`CREATE POLICY own ON invoices TO sallyport_app
    USING (tenant_id = (SELECT sallyport.current_tenant())) WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()))`);
  await database.admin.query('GRANT SELECT, INSERT, UPDATE, DELETE ON invoices TO sallyport_app');
  app = fastify();
  await app.register(sallyport, {
    databaseUrl: database.url,
    origin: 'http://localhost:0',
    encryptionKey: TEST_KEY.toString('base64url'),
  });
  app.get(
    '/invoices',
    { access: 'signed-in', load: (db) => ({ invoices: db.selectFrom('invoices').selectAll() }) },
    async (request) => request.loaded.invoices,
  );
  app.get('/slow', { access: 'signed-in' }, async (request) =>
    request.db.selectFrom('invoices').selectAll().execute(),
  );
  app.post('/invoices', { access: 'signed-in', bodyType: 'json' }, async (request) =>
    request.transaction(async (db) => {
      await db.insertInto('invoices').values({ total: 1 }).execute();
      return db.insertInto('invoices').values({ total: 2 }).returning('total').executeTakeFirst();
    }),
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  origin = typeof address === 'object' && address ? `http://localhost:${address.port}` : '';
});

afterAll(async () => {
  await app.close();
  await database.drop();
});

test('works', async () => {
  const visitor = new Visitor(origin);
  expect((await visitor.get('/invoices')).status).toBe(401);
  const person: Person = newPerson();
  const up = await visitor.send('POST', '/sallyport/api/sign-up', person);
  expect(up.status).toBe(202);
  const mails = (await visitor.get('/sallyport/development/mailbox.json')).json();
  const token = new URL(mails[0].links[0]).searchParams.get('token');
  expect((await visitor.send('POST', '/sallyport/api/email-confirmations', { token })).status).toBe(
    200,
  );
  const { email, password } = person;
  expect((await visitor.send('POST', '/sallyport/api/sign-in', { email, password })).status).toBe(
    200,
  );
  const { rows } = await database.admin.query(`SELECT identity_id FROM sallyport.sessions`);
  const tenant = (
    await database.admin.query(`INSERT INTO sallyport.tenants (name) VALUES ('a') RETURNING id`)
  ).rows[0].id;
  await database.admin.query(`INSERT INTO sallyport.roles VALUES ($1, 'r', '{}')`, [tenant]);
  await database.admin.query(`INSERT INTO sallyport.memberships VALUES ($1, $2, 'r')`, [
    tenant,
    rows[0].identity_id,
  ]);
  await database.admin.query(`UPDATE sallyport.sessions SET tenant_id = $1`, [tenant]);
  const posted = await visitor.send('POST', '/invoices', {});
  expect(posted.text).toBe('{"total":2}');
  expect((await visitor.get('/invoices')).json()).toHaveLength(2);
  expect((await visitor.get('/slow')).json()).toHaveLength(2);
});
