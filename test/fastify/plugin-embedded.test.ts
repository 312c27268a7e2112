// The same plugin on the embedded database, with which a team begins.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { fastify } from 'fastify';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import sallyport, { type Load } from '../../src/fastify.ts';
import {
  insertMember,
  INVOICES,
  type Member,
  type PluginApp,
  startPluginApp,
} from '../support/plugin-apps.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-plugin-'));
const options = { origin: 'http://localhost:0', dataFolder: folder, sharedTables: ['fruits'] };
let app: PluginApp;
let ada: Member;
let eve: Member;

beforeAll(async () => {
  const first = fastify();
  const { sharedTables: _, ...withoutTables } = options;
  await first.register(sallyport, withoutTables);
  await first.close();
  const lite = await PGlite.create({ dataDir: join(folder, 'database') });
  for (const statement of INVOICES) await lite.exec(statement);
  ada = await insertMember(lite as never, 'http://localhost');
  eve = await insertMember(lite as never, 'http://localhost');
  const insert = 'INSERT INTO invoices (tenant_id, number, total) VALUES ($1, 1, $2)';
  await lite.query(insert, [ada.tenantId, 100]);
  await lite.query(insert, [eve.tenantId, 900]);
  await lite.close();
  app = await startPluginApp(options, (own) => {
    const load = { access: 'signed-in', load: invoices } as const;
    own.get('/loaded', load, async ({ loaded }) => loaded.invoices);
    own.get('/mine', { access: 'signed-in' }, ({ db }) =>
      db.selectFrom('invoices').select('total').execute(),
    );
    own.get('/sneaky', { access: 'signed-in' }, async ({ insecureUnscopedDb }) => {
      await sql`WITH gone AS (DELETE FROM invoices RETURNING 1) SELECT 1`.execute(
        insecureUnscopedDb,
      );
      return 'deleted';
    });
    own.post('/double', { access: 'signed-in', bodyType: 'json' }, (request) =>
      request.transaction(async (db) => {
        const { total } = await db.selectFrom('invoices').select('total').executeTakeFirstOrThrow();
        await db
          .updateTable('invoices')
          .set({ total: Number(total) * 2 })
          .execute();
        return { total };
      }),
    );
  });
  for (const member of [ada, eve]) Object.assign(member.browser, { origin: app.origin });
});

afterAll(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

function invoices(db: Parameters<Load>[0]) {
  return { invoices: db.selectFrom('invoices').select('total') };
}

test('each finds the rows of their own tenant, by load and by query', async () => {
  expect((await ada.browser.get('/loaded')).json()).toEqual([{ total: 100 }]);
  expect((await eve.browser.get('/mine')).json()).toEqual([{ total: 900 }]);
});

test('a transaction writes in the own tenant alone', async () => {
  expect((await ada.browser.send('POST', '/double', {})).json()).toEqual({ total: 100 });
  expect((await ada.browser.get('/mine')).json()).toEqual([{ total: 200 }]);
  expect((await eve.browser.get('/mine')).json()).toEqual([{ total: 900 }]);
});

test('a safe method changes nothing, not even by raw SQL [R-11]', async () => {
  expect((await ada.browser.get('/sneaky')).status).toBe(500);
  expect((await ada.browser.get('/mine')).json()).toHaveLength(1);
});
