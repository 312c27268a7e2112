// A lost second factor, replaced because an owner of the tenant lets it: the owner gets nothing of
// it, and can weaken no account that another tenant relies on.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newcomerWithTotp } from '../support/authenticators.ts';
import { type Answer, Visitor } from '../support/client.ts';
import { mailedToken, mailsTo, newPerson } from '../support/people.ts';
import { addPasskey, signedInWithPasskey } from '../support/passkeys.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { insertTestMember, insertTestTenant, type TestTenant } from '../support/tenants.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server.close();
});

const CONFIRM = '/api/factor-resets/confirmations';
const codeOf = (answer: Answer) => (answer.json() as { code: string }).code;

async function join(tenant: TestTenant, identityId: string, role = 'member'): Promise<void> {
  await server.admin.query(
    `INSERT INTO sallyport.memberships (tenant_id, identity_id, role) VALUES ($1, $2, $3)`,
    [tenant.id, identityId, role],
  );
}

/** A tenant with an owner, and a member of it alone who has a second factor. */
async function lost() {
  const tenant = await insertTestTenant(server.admin);
  const owner = await insertTestMember(server.admin, server.origin, tenant, 'owner');
  const member = await newcomerWithTotp(server.origin);
  const { passkey } = await addPasskey(member.browser);
  const { identity } = (await member.browser.get('/api/session')).json() as {
    identity: { id: string };
  };
  await join(tenant, identity.id);
  const path = `/api/members/${identity.id}/factor-resets`;
  return { tenant, owner: owner.browser, ...member, passkey, id: identity.id, path };
}

describe('a reset of a lost second factor', () => {
  test('mails the member a link; the owner chooses and sees no secret, and nothing changes before it is followed [ASVS 6.4.4]', async () => {
    const { owner, path, person, browser, passkey, id } = await lost();
    const changed = await changedBy(server.admin, async () => {
      const answer = await owner.send('POST', path);
      expect([answer.status, answer.json()]).toEqual([202, { status: 'mailed' }]);
    });
    expect(changed).toEqual(['factor_resets', 'outbox', 'security_events']);
    expect((await browser.get('/api/session')).status).toBe(200);
    const token = await mailedToken(server.origin, person.email);
    const { password } = newPerson();
    const visitor = new Visitor(server.origin);
    const shown = await new Visitor(server.origin).get(`/reset-factors?token=${token}`);
    expect(shown.text).toContain(person.email);
    const done = await visitor.send('POST', CONFIRM, { token, password });
    expect(done.json()).toEqual({ status: 'reset' });
    // Every session has ended, no old factor works, and the new password is enough to enrol again.
    expect((await browser.get('/api/session')).status).toBe(401);
    expect(codeOf((await signedInWithPasskey(server.origin, passkey)).answer)).toBe(
      'wrong-credentials',
    );
    const { email } = person;
    const signIn = await visitor.send('POST', '/api/sign-in', { email, password });
    expect(signIn.status, signIn.text).toBe(200);
    const { rows } = await server.admin.query<{ kind: string }>(
      `SELECT kind FROM sallyport.security_events
        WHERE identity_id = $1 AND kind LIKE 'factor%' ORDER BY at`,
      [id],
    );
    expect(rows.map(({ kind }) => kind)).toEqual(['factor-reset-granted', 'factors-reset']);
    const subjects = (await mailsTo(server.origin, email)).map(({ subject }) => subject);
    expect(subjects.some((subject) => subject.includes('were reset'))).toBe(true);
    expect(codeOf(await visitor.send('POST', CONFIRM, { token, password }))).toBe('invalid-token');
  });

  test('of a member of another tenant, too, mails no link, and its owner is answered alike: no owner weakens an account for others [CWE-863] [CWE-266] [CWE-204]', async () => {
    const { owner, path, id, person } = await lost();
    await join(await insertTestTenant(server.admin), id);
    const changed = await changedBy(server.admin, async () => {
      const answer = await owner.send('POST', path);
      expect([answer.status, answer.json()]).toEqual([202, { status: 'mailed' }]);
    });
    expect(changed).toEqual(['outbox', 'security_events']);
    const [mail] = await mailsTo(server.origin, person.email);
    expect(mail?.subject).toContain('were not reset');
    expect(mail?.links.join(' ')).not.toContain('token');
  });

  test('a link is dead as soon as its member has joined another tenant [CWE-367]', async () => {
    const { owner, path, person, id, passkey } = await lost();
    expect((await owner.send('POST', path)).status).toBe(202);
    const token = await mailedToken(server.origin, person.email);
    await join(await insertTestTenant(server.admin), id);
    const { password } = newPerson();
    const changed = await changedBy(server.admin, async () => {
      const answer = await new Visitor(server.origin).send('POST', CONFIRM, { token, password });
      expect(codeOf(answer)).toBe('invalid-token');
    });
    expect(changed).toEqual([]);
    expect((await signedInWithPasskey(server.origin, passkey)).answer.status).toBe(200);
  });

  test('a link is dead as soon as its member has left, and a newer one replaces it [R-39]', async () => {
    const { owner, path, person, id, tenant } = await lost();
    expect((await owner.send('POST', path)).status).toBe(202);
    const first = await mailedToken(server.origin, person.email);
    expect((await owner.send('POST', path)).status).toBe(202);
    const { password } = newPerson();
    const visitor = new Visitor(server.origin);
    const older = await visitor.send('POST', CONFIRM, { token: first, password });
    expect(codeOf(older)).toBe('invalid-token');
    const token = await mailedToken(server.origin, person.email);
    await server.admin.query(
      'DELETE FROM sallyport.memberships WHERE tenant_id = $1 AND identity_id = $2',
      [tenant.id, id],
    );
    expect(codeOf(await visitor.send('POST', CONFIRM, { token, password }))).toBe('invalid-token');
  });

  test('is an owner’s alone, after a fresh proof, and in their own tenant [CWE-639] [ASVS 7.5.3]', async () => {
    const { tenant, owner, path } = await lost();
    const admin = await insertTestMember(server.admin, server.origin, tenant, 'admin');
    const elsewhere = await insertTestMember(
      server.admin,
      server.origin,
      await insertTestTenant(server.admin),
      'owner',
    );
    const changed = await changedBy(server.admin, async () => {
      expect(codeOf(await admin.browser.send('POST', path))).toBe('forbidden');
      expect(codeOf(await elsewhere.browser.send('POST', path))).toBe('not-found');
    });
    expect(changed).toEqual([]);
    await server.admin.query(
      `UPDATE sallyport.sessions SET authenticated_at = now() - INTERVAL '10 minutes' WHERE tenant_id = $1`,
      [tenant.id],
    );
    expect(codeOf(await owner.send('POST', path))).toBe('step-up-required');
  });

  test('no recovery link resets a factor, and no such link recovers a password [R-68] [R-37]', async () => {
    const { owner, path, person } = await lost();
    expect((await owner.send('POST', path)).status).toBe(202);
    const token = await mailedToken(server.origin, person.email);
    const { password } = newPerson();
    const visitor = new Visitor(server.origin);
    const wrong = await visitor.send('POST', '/api/recoveries/confirmations', { token, password });
    expect(codeOf(wrong)).toBe('invalid-token');
    await visitor.send('POST', '/api/recoveries', { email: person.email });
    const recovery = await mailedToken(server.origin, person.email);
    const answer = await visitor.send('POST', CONFIRM, { token: recovery, password });
    expect(codeOf(answer)).toBe('invalid-token');
  });
});
