// The API of a tenant's keys, for the people who may make and end them.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { API_KEY_PATTERN } from '../../src/core/api-key.ts';
import { ageProof, whoIs } from '../support/accounts.ts';
import type { Visitor } from '../support/client.ts';
import { newcomer } from '../support/people.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
let owner: Visitor;
beforeAll(async () => {
  server = await startTestServer();
  owner = await newOwner();
});
afterAll(() => server.close());
beforeEach(() => server.admin.query('DELETE FROM sallyport.bearer_credentials'));

async function newOwner(): Promise<Visitor> {
  const { browser } = await newcomer(server.origin);
  expect((await browser.send('POST', '/api/tenants', { name: 'Acme' })).status).toBe(201);
  return browser;
}

const NEW_KEY = { title: 'Import', permissions: ['members:read'], expiresInDays: 7 };
const make = (browser: Visitor, changed: object = {}) =>
  browser.send('POST', '/api/keys', { ...NEW_KEY, ...changed });
const list = async (browser: Visitor) => (await browser.get('/api/keys')).json();

test('a key is shown once, listed without it, and ended [ASVS 13.3.1]', async () => {
  const made = await make(owner);
  expect(made.status).toBe(201);
  const { key, ...row } = made.json();
  expect(key).toMatch(API_KEY_PATTERN);
  expect(row).toMatchObject({ title: 'Import', permissions: ['members:read'] });
  expect(row.hint).toBe(key.slice(10, 14));
  const days = (Date.parse(row.expiresAt) - Date.parse(row.createdAt)) / 86_400_000;
  expect(days).toBe(7);
  expect(await list(owner)).toEqual([
    { ...row, maker: expect.stringMatching(/^Ada /), own: true, lastUsedAt: null },
  ]);

  const rows = await server.admin.query('SELECT * FROM sallyport.bearer_credentials');
  expect(JSON.stringify(rows.rows)).not.toContain(key.slice(14));
  expect((await owner.send('DELETE', `/api/keys/${row.id}`)).status).toBe(204);
  expect(await list(owner)).toEqual([]);
  expect((await owner.send('DELETE', `/api/keys/${row.id}`)).status).toBe(404);
  const kinds = await server.admin.query(
    `SELECT kind, details->>'key' AS key FROM sallyport.security_events WHERE kind LIKE 'api-key-%' ORDER BY at`,
  );
  expect(kinds.rows).toEqual([
    { kind: 'api-key-made', key: row.id },
    { kind: 'api-key-revoked', key: row.id },
  ]);
});

test("another tenant's keys are neither seen nor ended [CWE-639]", async () => {
  const { id } = (await make(owner)).json();
  const stranger = await newOwner();
  expect(await list(stranger)).toEqual([]);
  expect((await stranger.send('DELETE', `/api/keys/${id}`)).status).toBe(404);
  expect(await list(owner)).toHaveLength(1);
});

test('whoever has no tenant, or a role without keys:, makes and sees none [ASVS 8.2.1]', async () => {
  const { browser } = await newcomer(server.origin);
  expect((await make(browser)).status).toBe(403);
  expect((await browser.get('/api/keys')).status).toBe(403);
  const member = await newOwner();
  const { identity } = await whoIs(member);
  const demote = `UPDATE sallyport.memberships SET role = 'member' WHERE identity_id = $1`;
  await server.admin.query(demote, [identity.id]);
  expect((await make(member)).status).toBe(403);
  expect((await member.get('/api/keys')).status).toBe(403);
});

test('making and ending one asks for a fresh proof [ASVS 7.5.3]', async () => {
  const late = await newOwner();
  const { id } = (await make(late)).json();
  await ageProof(server.admin, late);
  expect((await make(late)).json().code).toBe('step-up-required');
  expect((await late.send('DELETE', `/api/keys/${id}`)).json().code).toBe('step-up-required');
  expect(await list(late)).toHaveLength(1);
});

describe('what is refused, by field', () => {
  test.each([
    [{ title: ' ' }, 'title', 'required'],
    [{ title: 'a'.repeat(101) }, 'title', 'too-long'],
    [{ permissions: ['members:read', 'invoices:read'] }, 'permissions', 'not-permitted'],
    [{ permissions: ['keys:write'] }, 'permissions', 'not-permitted'],
    [{ permissions: ['keys:read'] }, 'permissions', 'not-permitted'],
    [{ identityId: '00000000-0000-4000-8000-000000000000' }, 'identityId', 'unknown-field'],
  ])('%j [R-69]', async (changed, field, reason) => {
    const answer = await make(owner, changed);
    expect(answer.status).toBe(400);
    expect(answer.json().errors).toEqual([{ field, reason }]);
    expect(await list(owner)).toEqual([]);
  });

  test.each([0, 366, 1.5, '7'])('expiresInDays: %j', async (expiresInDays) => {
    expect((await make(owner, { expiresInDays })).status).toBe(400);
  });

  test('the 51st key, also where sixty are asked for at once [CWE-770]', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => make(owner)));
    expect(answers.filter(({ status }) => ![201, 400, 503].includes(status))).toEqual([]);
    const count = (await list(owner)).length;
    expect(count).toBeLessThanOrEqual(50);
    for (let more = count; more < 50; more++) expect((await make(owner)).status).toBe(201);
    expect((await make(owner)).json().errors).toEqual([
      { field: 'title', reason: 'too-many-keys' },
    ]);
  });
});
