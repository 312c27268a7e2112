// What a tenant asks of the proofs of its members, judged by the database at their next request: in
// both directions, on every way in, and in no other tenant than the one that asks.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { idleFor } from '../support/accounts.ts';
import { setUpTotp } from '../support/authenticators.ts';
import type { Answer, Visitor } from '../support/client.ts';
import { mailedToken, newcomer, type Person } from '../support/people.ts';
import { addPasskey, proveAgain } from '../support/passkeys.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { insertTestTenant, type TestTenant } from '../support/tenants.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server.close();
});

const OPEN = { memberProof: 'any', idleMinutes: 60, proofMinutes: 720, authenticators: null };
const codeOf = (answer: Answer) => (answer.json() as { code: string }).code;

/** Somebody with a password, who is signed in with it and owns a tenant. */
async function owner() {
  const { person, browser } = await newcomer(server.origin);
  const made = await browser.send('POST', '/api/tenants', { name: 'Acme' });
  expect(made.status).toBe(201);
  return { person, browser, tenant: (made.json() as { tenant: TestTenant }).tenant };
}

async function ask(tenant: TestTenant, policy: Partial<typeof OPEN>): Promise<void> {
  const { memberProof, idleMinutes, proofMinutes, authenticators } = { ...OPEN, ...policy };
  const list = (authenticators as readonly string[] | null)?.join(',') ?? '';
  await server.admin.query(
    `UPDATE sallyport.tenants SET member_proof = $2, idle_minutes = $3, proof_minutes = $4,
      authenticators = $5 WHERE id = $1`,
    [tenant.id, memberProof, idleMinutes, proofMinutes, list],
  );
}

const inTenant = async (browser: Visitor) => {
  const answer = await browser.get('/api/tenant');
  return answer.status === 200 ? 'in' : codeOf(answer);
};

async function prove(browser: Visitor, { password }: Person, code?: string): Promise<void> {
  const body = { password, ...(code === undefined ? {} : { code }) };
  const answer = await browser.send('POST', '/api/re-authentication', body);
  expect(answer.status, answer.text).toBe(200);
}

/** Lets so many minutes pass for whoever has this session. */
async function pass(browser: Visitor, column: 'idle' | 'proof', minutes: number): Promise<void> {
  const { session } = (await browser.get('/api/session')).json() as { session: { id: string } };
  if (column === 'idle') return await idleFor(server.admin, session.id, `${minutes} minutes`);
  await server.admin.query(
    `UPDATE sallyport.sessions SET authenticated_at = now() - $2 * INTERVAL '1 minute' WHERE id = $1`,
    [session.id, minutes],
  );
}

describe('a tenant that asks for a second factor', () => {
  test('refuses a password alone at the next request, and takes it again when it asks no more [ASVS 6.3.3] [ASVS 8.2.4]', async () => {
    const { browser, tenant } = await owner();
    expect(await inTenant(browser)).toBe('in');
    await ask(tenant, { memberProof: 'second-factor' });
    expect(await inTenant(browser)).toBe('tenant-factor-missing');
    await ask(tenant, {});
    expect(await inTenant(browser)).toBe('in');
  });

  test('takes whoever enrols one, and refuses them from the moment that it is gone [R-31] [ASVS 7.4.3]', async () => {
    const { person, browser, tenant } = await owner();
    await ask(tenant, { memberProof: 'second-factor' });
    const { totp } = await setUpTotp(browser);
    expect(await inTenant(browser)).toBe('in');
    expect((await browser.send('DELETE', '/api/account/totp')).status).toBe(204);
    expect(await inTenant(browser)).toBe('tenant-factor-missing');
    const again = await setUpTotp(browser);
    expect(await inTenant(browser)).toBe('in');
    expect(totp).not.toBe(again.totp);
    expect(person.email).toBeTruthy();
  });

  test('asks whoever has one to show it, and not to set another one up', async () => {
    const { browser, tenant } = await owner();
    const { passkey } = await addPasskey(browser);
    const lower = `UPDATE sallyport.sessions SET aal = 1 WHERE tenant_id = $1`;
    await server.admin.query(lower, [tenant.id]);
    await ask(tenant, { memberProof: 'second-factor' });
    expect(await inTenant(browser)).toBe('tenant-proof-required');
    await proveAgain(browser, passkey);
    expect(await inTenant(browser)).toBe('in');
  });

  test('refuses writes and what only a signed-in person may do there as well; nothing changes', async () => {
    const { browser, tenant } = await owner();
    await ask(tenant, { memberProof: 'second-factor' });
    const changed = await changedBy(server.admin, async () => {
      const patch = await browser.send('PATCH', '/api/tenant', { name: 'Changed' });
      expect(codeOf(patch)).toBe('tenant-factor-missing');
      expect(codeOf(await browser.get('/api/members'))).toBe('tenant-factor-missing');
      expect(codeOf(await browser.get('/api/teams/any'))).toBe('tenant-factor-missing');
      expect((await browser.send('POST', '/api/tenant/leave')).status).toBe(409);
    });
    expect(changed).toEqual([]);
    // What one needs to meet it is one's own, and stays open.
    expect((await browser.get('/api/account/authenticators')).status).toBe(200);
    expect((await browser.get('/api/tenants')).json()).toHaveLength(1);
  });

  test('is asked in no other tenant of the same person [CWE-863]', async () => {
    const { browser, tenant } = await owner();
    const other = await insertTestTenant(server.admin);
    const { identity } = (await browser.get('/api/session')).json() as { identity: { id: string } };
    await server.admin.query(
      `INSERT INTO sallyport.memberships (tenant_id, identity_id, role) VALUES ($1, $2, 'member')`,
      [other.id, identity.id],
    );
    await ask(tenant, { memberProof: 'passkey' });
    expect(await inTenant(browser)).toBe('tenant-factor-missing');
    const entered = await browser.send('PUT', '/api/session/tenant', { tenantId: other.id });
    expect(entered.status).toBe(200);
    expect(await inTenant(browser)).toBe('in');
  });

  test('leads a page to where a factor is set up, and back from where one is shown', async () => {
    const { browser, tenant } = await owner();
    await ask(tenant, { memberProof: 'second-factor' });
    const missing = await browser.get('/tenant');
    expect(missing.headers.location).toBe('/account/authenticators?notice=tenant-factor-missing');
    await addPasskey(browser);
    await server.admin.query(`UPDATE sallyport.sessions SET aal = 1 WHERE tenant_id = $1`, [
      tenant.id,
    ]);
    const asked = await browser.get('/tenant');
    expect(asked.headers.location).toBe('/re-authenticate?return_to=%2Ftenant&tenant=');
    expect((await browser.get(asked.headers.location ?? '')).text).toContain('tenant asks');
  });
});

describe('a tenant that asks for a passkey', () => {
  test('takes no authenticator app for one, nor a passkey that is gone [R-31]', async () => {
    const { person, browser, tenant } = await owner();
    await ask(tenant, { memberProof: 'passkey' });
    const { totp } = await setUpTotp(browser);
    expect(await inTenant(browser)).toBe('tenant-factor-missing');
    const { id } = await addPasskey(browser);
    expect(await inTenant(browser)).toBe('in');
    expect((await browser.send('DELETE', `/api/account/passkeys/${id}`)).status).toBe(204);
    expect(await inTenant(browser)).toBe('tenant-factor-missing');
    const { passkey } = await addPasskey(browser);
    await prove(browser, person, totp.next());
    expect(await inTenant(browser)).toBe('tenant-proof-required');
    await proveAgain(browser, passkey);
    expect(await inTenant(browser)).toBe('in');
  });
});

describe('a tenant that allows certain authenticators', () => {
  test('refuses a session that was proved with another one, such as a recovery code', async () => {
    const { person, browser, tenant } = await owner();
    const { totp, recoveryCodes } = await setUpTotp(browser);
    await ask(tenant, { authenticators: ['password', 'totp'] as never });
    expect(await inTenant(browser)).toBe('in');
    await prove(browser, person, recoveryCodes[0]);
    expect(await inTenant(browser)).toBe('tenant-proof-required');
    await prove(browser, person, totp.next());
    expect(await inTenant(browser)).toBe('in');
  });
});

describe('a tenant with shorter sessions', () => {
  test('asks for a new proof after so long, and takes it [ASVS 7.3.2]', async () => {
    const { person, browser, tenant } = await owner();
    await pass(browser, 'proof', 20);
    expect(await inTenant(browser)).toBe('in');
    await ask(tenant, { proofMinutes: 15 });
    expect(await inTenant(browser)).toBe('tenant-proof-required');
    await prove(browser, person);
    expect(await inTenant(browser)).toBe('in');
  });

  test('asks for it after a pause, which no other page behind it makes shorter [ASVS 7.3.1] [CWE-613]', async () => {
    const { person, browser, tenant } = await owner();
    await ask(tenant, { idleMinutes: 5 });
    await pass(browser, 'idle', 6);
    // Somebody at the unattended browser opens a page that is not the tenant's first.
    expect((await browser.get('/api/account/profile')).status).toBe(200);
    await expect
      .poll(async () => {
        const { rows } = await server.admin.query<{ fresh: boolean }>(
          `SELECT a.last_seen_at > now() - INTERVAL '1 minute' AS fresh
            FROM sallyport.session_activity AS a JOIN sallyport.sessions AS s ON s.id = a.session_id
            WHERE s.tenant_id = $1`,
          [tenant.id],
        );
        return rows[0]?.fresh;
      })
      .toBe(true);
    expect(await inTenant(browser)).toBe('tenant-proof-required');
    await prove(browser, person);
    expect(await inTenant(browser)).toBe('in');
  });
});

describe('PUT /api/tenant/policy', () => {
  const path = '/api/tenant/policy';

  test('is an owner’s, after a fresh proof, and noted [ASVS 7.5.3] [ASVS 16.3.3]', async () => {
    const { browser, tenant } = await owner();
    await pass(browser, 'proof', 10);
    const policy = { ...OPEN, idleMinutes: 15 };
    expect(codeOf(await browser.send('PUT', path, policy))).toBe('step-up-required');
    await pass(browser, 'proof', 0);
    expect((await browser.send('PUT', path, policy)).json()).toEqual(policy);
    expect((await browser.get(path)).json()).toEqual(policy);
    const { rows } = await server.admin.query(
      `SELECT details FROM sallyport.security_events WHERE kind = 'tenant-policy-changed' AND tenant_id = $1`,
      [tenant.id],
    );
    expect(rows).toEqual([{ details: { proof: 'any', idle: 15, age: 720 } }]);
    const demote = `UPDATE sallyport.memberships SET role = 'admin' WHERE tenant_id = $1`;
    await server.admin.query(demote, [tenant.id]);
    expect(codeOf(await browser.send('PUT', path, policy))).toBe('forbidden');
  });

  test('refuses what its owner does not meet, and what nobody can; nothing changes [ASVS 1.4.2] [ASVS 2.2.3]', async () => {
    const { browser } = await owner();
    const changed = await changedBy(server.admin, async () => {
      const asked = await browser.send('PUT', path, { ...OPEN, memberProof: 'second-factor' });
      expect(codeOf(asked)).toBe('policy-unmet');
      const longer = await browser.send('PUT', path, { ...OPEN, idleMinutes: 61 });
      expect(longer.json().errors).toEqual([{ field: 'idleMinutes', reason: 'out-of-range' }]);
      const unusable = { ...OPEN, memberProof: 'passkey', authenticators: ['password', 'totp'] };
      const answer = await browser.send('PUT', path, unusable);
      expect(answer.json().errors).toEqual([{ field: 'authenticators', reason: 'unusable' }]);
    });
    expect(changed).toEqual([]);
    await addPasskey(browser);
    const policy = { ...OPEN, memberProof: 'passkey', authenticators: ['passkey', 'password'] };
    expect((await browser.send('PUT', path, policy)).json()).toEqual(policy);
  });

  test('whoever joins later is asked alike', async () => {
    const { browser, tenant } = await owner();
    await ask(tenant, { proofMinutes: 60 });
    const { rows } = await server.admin.query(
      `SELECT DISTINCT tenant_policy FROM sallyport.memberships WHERE tenant_id = $1`,
      [tenant.id],
    );
    expect(rows).toEqual([{ tenant_policy: 'any 60 60 ' }]);
    const { person, browser: guest } = await newcomer(server.origin);
    const invitations = [{ email: person.email, role: 'member' }];
    expect((await browser.send('POST', '/api/invitations', { invitations })).status).toBe(202);
    const token = await mailedToken(server.origin, person.email);
    const joined = await guest.send('POST', '/api/invitation-acceptances', { token });
    expect(joined.status, joined.text).toBe(200);
    expect(await inTenant(guest)).toBe('in');
    await pass(guest, 'proof', 61);
    expect(await inTenant(guest)).toBe('tenant-proof-required');
  });
});
