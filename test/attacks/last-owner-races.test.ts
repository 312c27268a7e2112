// Fifty at the same moment, each of whom sees that another owner is still there.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sendAtOnce } from '../support/at-once.ts';
import { countRows } from '../support/accounts.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { insertTestMember, insertTestTenant, type TestTenant } from '../support/tenants.ts';
import { JSON_TYPE } from './routes.ts';

let t: TestServer;

beforeAll(async () => {
  t = await startTestServer();
});

afterAll(async () => {
  await t.close();
});

type Owner = Awaited<ReturnType<typeof insertTestMember>>;

const OWNERS = 50;

async function owners(tenant: TestTenant): Promise<readonly Owner[]> {
  const all: Owner[] = [];
  for (let n = 0; n < OWNERS; n++) {
    all.push(await insertTestMember(t.admin, t.origin, tenant, 'owner'));
  }
  return all;
}

const request = (owner: Owner, method: string, path: string, body: object) => ({
  method,
  path,
  headers: { ...owner.browser.ownHeaders(), 'content-type': JSON_TYPE },
  body: JSON.stringify(body),
});

const WAYS: Readonly<Record<string, (owner: Owner, all: readonly Owner[]) => unknown>> = {
  'leave it': (owner) => request(owner, 'POST', '/api/tenant/leave', {}),
  'demote themselves': (owner) =>
    request(owner, 'PATCH', `/api/members/${owner.identityId}`, { role: 'member' }),
  'remove the next one': (owner, all) => {
    const next = all[(all.indexOf(owner) + 1) % all.length] ?? owner;
    return request(owner, 'PATCH', '/api/members', {
      changes: [{ id: next.identityId, role: null }],
    });
  },
  'delete their accounts': (owner) => request(owner, 'POST', '/api/account/delete', {}),
};

test.each(Object.entries(WAYS))(
  'when all owners %s at once, one is left [CWE-362] [ASVS 8.3.1] [trap 77]',
  async (_name, way) => {
    const tenant = await insertTestTenant(t.admin);
    const all = await owners(tenant);
    let left = OWNERS;
    // Who meets too many others is told to come back, and does.
    for (let round = 0; round < 5 && left > 1; round++) {
      const asked = all.map((owner) => way(owner, all)) as Parameters<typeof sendAtOnce>[1];
      const answers = await sendAtOnce(t.origin, asked);
      for (const { status } of answers)
        expect([200, 202, 204, 401, 403, 404, 409, 503]).toContain(status);
      left = await countRows(
        t.admin,
        `memberships AS m JOIN sallyport.identities AS i ON i.id = m.identity_id
          WHERE m.tenant_id = $1 AND m.role = 'owner' AND i.delete_after IS NULL`,
        [tenant.id],
      );
      expect(left).toBeGreaterThanOrEqual(1);
    }
    // What was asked of others may meet nobody any more; one by one, all but the last can go.
    for (const owner of all) await owner.browser.send('POST', '/api/tenant/leave');
    const { rows } = await t.admin.query(
      `SELECT m.identity_id FROM sallyport.memberships AS m
        JOIN sallyport.identities AS i ON i.id = m.identity_id
        WHERE m.tenant_id = $1 AND m.role = 'owner' AND i.delete_after IS NULL`,
      [tenant.id],
    );
    expect(rows).toHaveLength(1);
  },
);
