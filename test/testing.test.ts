// sallyport/testing, as the tests of an application use it: on the embedded database, and on a
// server's.
import { setTimeout as sleep } from 'node:timers/promises';
import { fastify, type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import sallyport from '../src/fastify.ts';
import { startTesting, type TestKit, type TestPerson, type TestTenant } from '../src/testing.ts';
import { createDatabase, type TestDatabase } from './support/databases.ts';
import { TEST_KEY } from './support/test-key.ts';

const NOTES = `
  CREATE TABLE notes (
    tenant_id UUID NOT NULL, id UUID NOT NULL DEFAULT gen_random_uuid(), text TEXT NOT NULL, PRIMARY KEY (tenant_id, id));
  ALTER TABLE notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
  CREATE POLICY own ON notes TO sallyport_app
    USING (tenant_id = (SELECT sallyport.current_tenant())) WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()));
  GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO sallyport_app`;

/** An application of one's own, as little of it as shows every way a request travels. */
async function notesApp(kit: TestKit): Promise<FastifyInstance> {
  const app = fastify();
  const permissions = {
    'notes:read': { text: 'See notes', roles: ['member'] },
    'notes:write': { text: 'Write notes' },
  } as const;
  await app.register(sallyport, { ...kit.options, permissions });
  app.register(async (forms) => {
    forms.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string' },
      (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
    );
    forms.post('/notes', { access: 'signed-in', bodyType: 'form' }, async (request) =>
      request.db
        .insertInto('notes')
        .values({ text: (request.body as { text: string }).text })
        .returning('text')
        .execute(),
    );
  });
  app.get(
    '/notes',
    {
      access: { permission: 'notes:read' },
      load: (db) => ({ notes: db.selectFrom('notes').select('text').orderBy('text') }),
    },
    async (request) => request.loaded.notes,
  );
  app.put(
    '/notes',
    { access: { permission: 'notes:write' }, bodyType: 'json' },
    async (request, reply) => {
      await request.transaction(async (db) => {
        await db.deleteFrom('notes').execute();
        // Time for others to come in between, if they can.
        await sleep(10);
        await db
          .insertInto('notes')
          .values((request.body as string[]).map((text) => ({ text })))
          .execute();
      });
      return reply.code(204).send();
    },
  );
  return app;
}

const texts = (...all: string[]) => all.map((text) => ({ text }));
let server: TestDatabase;

beforeAll(async () => {
  server = await createDatabase();
});

afterAll(() => server.drop());

describe.each(['the embedded database', 'a server'])('on %s', (where) => {
  let kit: TestKit;
  let app: FastifyInstance;
  let acme: TestTenant;
  let ada: TestPerson;

  beforeAll(async () => {
    const encryptionKey = TEST_KEY.toString('base64url');
    kit = await startTesting({
      migrate: NOTES,
      ...(where === 'a server' ? { server: { databaseUrl: server.url, encryptionKey } } : {}),
    });
    app = await notesApp(kit);
    acme = await kit.tenant('Acme');
    ada = await kit.person({ tenant: acme, permissions: ['notes:read', 'notes:write'] });
  });

  afterAll(async () => {
    await app.close();
    await kit.close();
  });

  test('a person reads and writes in their tenant, as the app itself decides', async () => {
    const put = await ada.inject(app, { method: 'PUT', url: '/notes', payload: ['one', 'two'] });
    expect(put.statusCode).toBe(204);
    expect((await ada.inject(app, { url: '/notes' })).json()).toEqual(texts('one', 'two'));
  });

  test('a form is sent with the token among its fields', async () => {
    const form = { text: 'of a form' };
    const posted = await ada.inject(app, { method: 'POST', url: '/notes', form });
    expect(posted.json()).toEqual(texts('of a form'));
    const without = { payload: 'text=forged', headers: { 'content-type': FORM } };
    const forged = await ada.inject(app, { method: 'POST', url: '/notes', ...without });
    expect(forged.json()).toMatchObject({ code: 'synchronizer-token-mismatch' });
  });

  test('two tenants do not see each other, and a role has its own permissions only', async () => {
    await ada.inject(app, { method: 'PUT', url: '/notes', payload: ['of Acme'] });
    const globex = await kit.tenant();
    const grace = await kit.person({ tenant: globex, permissions: ['notes:read'] });
    expect((await grace.inject(app, { url: '/notes' })).json()).toEqual([]);
    const put = await grace.inject(app, { method: 'PUT', url: '/notes', payload: ['x'] });
    expect(put.json()).toMatchObject({ code: 'forbidden' });
    const bystander = await kit.person();
    expect((await bystander.inject(app, { url: '/notes' })).json()).toMatchObject({
      code: 'forbidden',
    });
    expect(await kit.query('SELECT text FROM notes')).toEqual(texts('of Acme'));
  });

  test('what a test takes away is gone at the next request', async () => {
    const leaver = await kit.person({ tenant: acme, permissions: ['notes:read'] });
    expect((await leaver.inject(app, { url: '/notes' })).statusCode).toBe(200);
    await kit.query('DELETE FROM sallyport.memberships WHERE identity_id = $1', [
      leaver.identityId,
    ]);
    expect((await leaver.inject(app, { url: '/notes' })).statusCode).toBe(403);
    await kit.query('DELETE FROM sallyport.sessions WHERE id = $1', [leaver.sessionId]);
    expect((await leaver.inject(app, { url: '/notes' })).statusCode).toBe(401);
  });

  test('a header of the test goes before that of the browser', async () => {
    const headers = { origin: 'https://evil.example' };
    const forged = await ada.inject(app, { method: 'PUT', url: '/notes', payload: [], headers });
    expect(forged.json()).toMatchObject({ code: 'foreign-origin' });
  });

  test('the browser keeps the new secret and token that an answer brings', async () => {
    const password = 'a mango under the piano';
    const mary = await kit.person({ tenant: acme, permissions: ['notes:write'], password });
    const api = '/sallyport/api';
    const proved = await mary.inject(app, {
      method: 'POST',
      url: `${api}/re-authentication`,
      payload: { password },
    });
    expect(proved.statusCode).toBe(200);
    expect(proved.cookies.map(({ name }) => name)).toContain('__Host-session');
    const put = await mary.inject(app, { method: 'PUT', url: '/notes', payload: ['again'] });
    expect(put.statusCode).toBe(204);
  });

  test('requests and statements of the test at once do not run into each other', async () => {
    await ada.inject(app, { method: 'PUT', url: '/notes', payload: ['before'] });
    const written = Promise.all(
      Array.from({ length: 5 }, (_, round) =>
        ada.inject(app, { method: 'PUT', url: '/notes', payload: [`round ${round}`] }),
      ),
    );
    const outcome = written.then((answers) => answers.map(({ statusCode }) => statusCode));
    const counted = new Set<unknown>();
    for (let writing = true; writing;) {
      const sql = 'SELECT count(*)::INT4 AS n FROM notes WHERE tenant_id = $1';
      counted.add((await kit.query(sql, [acme.id]))[0]?.['n']);
      writing = (await Promise.race([outcome, sleep(1, 'writing')])) === 'writing';
    }
    expect(new Set(await outcome)).toEqual(new Set([204]));
    expect(counted).toEqual(new Set([1]));
  });
});

const FORM = 'application/x-www-form-urlencoded';

test('the app of a test is refused what it would be refused in earnest', async () => {
  const kit = await startTesting({
    async migrate(query) {
      await query('CREATE TABLE open_to_all (tenant_id UUID NOT NULL, id UUID NOT NULL)');
      await query('GRANT SELECT ON open_to_all TO sallyport_app');
    },
  });
  const app = fastify();
  await expect(app.register(sallyport, kit.options)).rejects.toThrow(
    'Run what `sallyport protect open_to_all` writes.',
  );
  await kit.close();
});

test('a migration that fails leaves nothing running', async () => {
  await expect(startTesting({ migrate: ['SELECT 1', 'SELECT nonsense'] })).rejects.toThrow(
    'column "nonsense" does not exist',
  );
});
