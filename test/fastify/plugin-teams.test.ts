// Permissions in one team, as an application's own routes ask for them.
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fastify, type RouteOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import sallyport, { accessTable } from '../../src/fastify.ts';
import type { TestDatabase } from '../support/databases.ts';
import {
  createInvoices,
  insertMember,
  type Member,
  optionsFor,
  type PluginApp,
  startPluginApp,
} from '../support/plugin-apps.ts';

const TEAM = { parameter: 'team', permission: 'boards:write' } as const;
const BOARDS = { text: 'Write on the boards of a team', teamRoles: ['lead'] } as const;

let database: TestDatabase;
let t: PluginApp;
let anywhere: Member;
let lead: Member;
let plain: Member;
let stranger: Member;
/** While it is there, a write waits for it in the middle of its transaction. */
let pause: { readonly reached: () => void; readonly over: Promise<unknown> } | undefined;

beforeAll(async () => {
  database = await createInvoices();
  const options = optionsFor(database);
  const permissions = { ...options.permissions, 'boards:write': BOARDS };
  t = await startPluginApp({ ...options, permissions }, (app) => {
    app.get('/boards/:team', { access: { team: TEAM } }, async (request) => request.team);
    app.post('/boards/:team', { access: { team: TEAM }, bodyType: 'json' }, async (request) => {
      await request.transaction(async (db) => {
        await db
          .insertInto('invoices')
          .values({ number: randomInt(2 ** 31) })
          .execute();
        pause?.reached();
        await pause?.over;
      });
      return request.team;
    });
  });
  anywhere = await insertMember(database.admin, t.origin, { permissions: ['boards:write'] });
  const { tenantId } = anywhere;
  lead = await insertMember(database.admin, t.origin, { tenantId });
  plain = await insertMember(database.admin, t.origin, { tenantId });
  stranger = await insertMember(database.admin, t.origin, { permissions: ['boards:write'] });
  await insertTeam(tenantId, 'gardeners', [
    [lead, 'lead'],
    [plain, 'member'],
  ]);
  await insertTeam(tenantId, 'cooks', [[lead, 'member']]);
});

afterAll(async () => {
  await t.close();
  await database.drop();
});

async function insertTeam(
  tenantId: string,
  slug: string,
  members: readonly (readonly [Member, string])[],
): Promise<void> {
  const { rows } = await database.admin.query<{ id: string }>(
    'INSERT INTO sallyport.teams (tenant_id, slug, name) VALUES ($1, $2, $2) RETURNING id',
    [tenantId, slug],
  );
  for (const [{ identityId }, role] of members) {
    await database.admin.query(
      'INSERT INTO sallyport.team_members (tenant_id, team_id, identity_id, role) VALUES ($1, $2, $3, $4)',
      [tenantId, rows[0]?.id, identityId, role],
    );
  }
}

const statuses = async (team: string, members: readonly Member[]) => {
  const found: number[] = [];
  for (const { browser } of members) found.push((await browser.get(`/boards/${team}`)).status);
  return found;
};

test('a role in the tenant permits it in every team, a role in a team in that one [ASVS 8.2.1]', async () => {
  expect(await statuses('gardeners', [anywhere, lead, plain])).toEqual([200, 200, 404]);
  expect(await statuses('cooks', [anywhere, lead, plain])).toEqual([200, 404, 404]);
  const { team } = { team: (await lead.browser.get('/boards/gardeners')).json() };
  expect(team).toEqual({ id: expect.any(String), slug: 'gardeners' });
});

test('a missing team, and that of another tenant, are not there for whoever may do it at home [CWE-639] [R-91]', async () => {
  expect(await statuses('missing', [anywhere, lead])).toEqual([404, 404]);
  expect(await statuses('gardeners', [stranger])).toEqual([404]);
  expect(await statuses('GARDENERS', [anywhere])).toEqual([404]);
});

test('what is not permitted does not run, and what is does, for a write too', async () => {
  const count = async () =>
    Number((await database.admin.query('SELECT count(*) FROM invoices')).rows[0]?.['count']);
  const before = await count();
  expect((await plain.browser.send('POST', '/boards/gardeners', {})).status).toBe(404);
  expect(await count()).toBe(before);
  expect((await lead.browser.send('POST', '/boards/gardeners', {})).status).toBe(200);
  expect(await count()).toBe(before + 1);
});

test('who is taken out of the team waits for a write of theirs that has begun [CWE-367] [CWE-613]', async () => {
  const leaving = await insertMember(database.admin, t.origin, { tenantId: anywhere.tenantId });
  await insertTeam(anywhere.tenantId, 'sailors', [[leaving, 'lead']]);
  let release = () => {};
  await new Promise<void>((reached) => {
    pause = { reached, over: new Promise<void>((over) => (release = over)) };
    void leaving.browser.send('POST', '/boards/sailors', {});
  });
  let removed = false;
  const removal = database.admin
    .query('DELETE FROM sallyport.team_members WHERE identity_id = $1', [leaving.identityId])
    .then(() => (removed = true));
  await sleep(300);
  expect(removed).toBe(false);
  release();
  await removal;
  pause = undefined;
  expect(await statuses('sailors', [leaving])).toEqual([404]);
});

test('the access table says so', () => {
  expect(accessTable(t.app)).toContainEqual(
    expect.objectContaining({
      method: 'GET',
      url: '/boards/:team',
      access: { permission: 'boards:write', inTeam: true },
      roles: ['team-lead', 'owner'],
    }),
  );
});

describe('a route does not start', () => {
  const team = { parameter: 'team', permission: 'secret:read' };

  test.each([
    ['whose address does not name the team', '/boards/:id', { team }, 'asks for a team as :team'],
    [
      'that asks for a permission which nobody declares',
      '/boards/:team',
      { team: { ...team, permission: 'x:y' } },
      "'x:y', which nobody",
    ],
    [
      'that asks for two at once',
      '/boards/:team',
      { team, permission: 'secret:read' },
      'an access that there is not',
    ],
    [
      'that names a team and no permission',
      '/boards/:team',
      { team: { parameter: 'team' } },
      'an access that there is not',
    ],
  ])('%s', async (_, url, access, message) => {
    const app = fastify();
    await app.register(sallyport, optionsFor(database));
    const route = { method: 'GET', url, access, handler: async () => 'never' };
    expect(() => app.route(route as RouteOptions)).toThrow(message);
    await app.close();
  });
});
