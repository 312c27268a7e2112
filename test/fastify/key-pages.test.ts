import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ageProof, countRows } from '../support/accounts.ts';
import { fieldValue } from '../support/client.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { insertTestMember, insertTestTenant, type TestTenant } from '../support/tenants.ts';

let t: TestServer;
let tenant: TestTenant;

beforeAll(async () => {
  t = await startTestServer();
  tenant = await insertTestTenant(t.admin);
});
afterAll(async () => {
  await t.close();
});

const member = async (role: string) =>
  (await insertTestMember(t.admin, t.origin, tenant, role)).browser;
type Browser = Awaited<ReturnType<typeof member>>;

async function make(browser: Browser, fields: Readonly<Record<string, string>> = {}) {
  const page = await browser.get('/tenant/keys');
  const token = fieldValue(page.text, '_csrf');
  return await browser.submit('/tenant/keys', {
    _csrf: token,
    title: 'Nightly',
    days: '30',
    ...fields,
  });
}

describe('the page of the API keys', () => {
  test('makes a key, shows it once, and it works as far as it says', async () => {
    const browser = await member('admin');
    const answer = await make(browser, { title: 'Import <b>', permit: 'members:read' });
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    const [key = ''] = /sallyport_[0-9A-Za-z]{49}/.exec(answer.text) ?? [];
    expect(key).not.toBe('');
    const listed = await browser.get('/tenant/keys');
    expect(listed.text).not.toContain(key);
    expect(listed.text).toContain('Import &lt;b>');
    expect(listed.text).toContain(key.slice(0, 'sallyport_'.length + 4));
    expect(listed.text).toContain('Never used');
    expect(JSON.stringify(await rowsOfKeys())).not.toContain(key);
  });

  test('offers what the reader may do, and nothing about keys [R-69]', async () => {
    const browser = await member('admin');
    const page = await browser.get('/tenant/keys');
    expect(page.text).toContain('value="members:write"');
    expect(page.text).not.toContain('value="keys:write"');
    expect(page.text).not.toContain('value="tenant:delete"');
    const changed = await changedBy(t.admin, async () => {
      for (const permit of ['keys:write', 'tenant:delete', 'no:such']) {
        const answer = await make(browser, { permit });
        expect(answer.status, permit).toBe(400);
        // What was typed stays.
        expect(answer.text).toContain('value="Nightly"');
      }
      for (const wrong of [{ title: ' ' }, { days: '31' }, { days: '' }, { extra: 'x' }]) {
        expect((await make(browser, wrong)).status, JSON.stringify(wrong)).toBe(400);
      }
    });
    expect(changed).toEqual([]);
  });

  test('revokes one after it has asked once more', async () => {
    const browser = await member('owner');
    await make(browser);
    const { rows } = await t.admin.query<{ id: string }>(
      `SELECT id FROM sallyport.bearer_credentials ORDER BY created_at DESC LIMIT 1`,
    );
    const id = rows[0]?.id ?? '';
    const question = await browser.get(`/tenant/keys/revoke?id=${id}`);
    expect(question.text).toContain('Nightly');
    const form = { _csrf: fieldValue(question.text, '_csrf'), id };
    const answer = await browser.submit('/tenant/keys/revoke', form);
    expect(answer.headers.location).toBe('/tenant/keys?notice=key-revoked');
    expect(await countRows(t.admin, 'bearer_credentials WHERE id = $1', [id])).toBe(0);
    expect((await browser.submit('/tenant/keys/revoke', form)).status).toBe(404);
    expect((await browser.get(`/tenant/keys/revoke?id=${id}`)).headers.location).toBe(
      '/tenant/keys',
    );
  });

  test('asks for a fresh proof before it makes or revokes one [ASVS 7.5.1] [CWE-306]', async () => {
    const browser = await member('owner');
    await make(browser);
    await ageProof(t.admin, browser);
    const changed = await changedBy(t.admin, async () => {
      const made = await make(browser);
      expect(made.headers.location).toBe('/re-authenticate?return_to=%2Ftenant%2Fkeys');
      const question = await browser.get('/tenant/keys/revoke?id=x');
      expect(question.headers.location).toMatch(/^\/re-authenticate/);
    });
    expect(changed).toEqual([]);
    expect((await browser.get('/tenant/keys')).status).toBe(200);
  });

  test('is closed to whoever may not see keys [CWE-862]', async () => {
    const browser = await member('viewer');
    expect((await browser.get('/tenant/keys')).status).toBe(403);
    const token = fieldValue((await browser.get('/account')).text, '_csrf');
    const fields = { _csrf: token, title: 'Mine', days: '30' };
    expect((await browser.submit('/tenant/keys', fields)).status).toBe(403);
  });
});

async function rowsOfKeys() {
  return (await t.admin.query('SELECT * FROM sallyport.bearer_credentials')).rows;
}
