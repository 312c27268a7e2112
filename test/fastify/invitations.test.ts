// Invitations: who may send them, and what it takes to accept one.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Visitor } from '../support/client.ts';
import { sendAtOnce } from '../support/at-once.ts';
import {
  mailedToken,
  mailsTo,
  newcomer,
  newPerson,
  register,
  signedIn,
} from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { insertTestMember, insertTestTenant, type TestTenant } from '../support/tenants.ts';

type TestMember = Awaited<ReturnType<typeof insertTestMember>>;

let t: TestServer;
let acme: TestTenant;
let owner: TestMember;
let admin: TestMember;

beforeAll(async () => {
  t = await startTestServer();
  acme = await insertTestTenant(t.admin, { name: 'Acme & Sons' });
  owner = await join('owner');
  admin = await join('admin');
});

afterAll(async () => {
  await t.close();
});

const join = (role: string | readonly string[]) => insertTestMember(t.admin, t.origin, acme, role);
const invite = (by: TestMember, email: string, role = 'member') =>
  by.browser.send('POST', '/api/invitations', { invitations: [{ email, role }] });
const accept = (browser: Visitor, token: string) =>
  browser.send('POST', '/api/invitation-acceptances', { token });
const waiting = async () =>
  (await owner.browser.get('/api/invitations')).json().invitations as {
    readonly id: string;
    readonly email: string;
    readonly role: string;
  }[];
const idFor = async (email: string) => (await waiting()).find((each) => each.email === email)?.id;
const rolesOf = async (email: string) => {
  const { rows } = await t.admin.query(
    `SELECT m.role, m.tenant_id FROM sallyport.memberships AS m
      JOIN sallyport.email_addresses AS e ON e.identity_id = m.identity_id WHERE e.folded = $1`,
    [email],
  );
  return rows.map(({ role, tenant_id: id }) => [role, id === acme.id]);
};

describe('an invitation', () => {
  test('is mailed, without a word of whoever invites, and makes its reader a member, once', async () => {
    const { person, browser } = await newcomer(t.origin);
    const changed = await changedBy(t.admin, async () => {
      expect((await invite(owner, person.email)).status).toBe(202);
    });
    expect(changed).toEqual(['invitations', 'outbox', 'security_events']);
    const [mail] = await mailsTo(t.origin, person.email);
    for (const word of [acme.name, acme.slug, owner.displayName]) {
      expect(mail?.text).not.toContain(word);
    }
    const token = await mailedToken(t.origin, person.email);
    expect((await accept(browser, token)).json()).toEqual({ csrfToken: expect.any(String) });
    expect(await rolesOf(person.email)).toEqual([['member', true]]);
    // The session is in the tenant, with a new secret.
    expect((await browser.get('/api/members')).status).toBe(200);
    const again = await changedBy(t.admin, async () => {
      expect((await accept(browser, token)).json().code).toBe('invalid-token');
    });
    expect(again).toEqual([]);
  });

  test('is worth nothing to somebody with another address, though they have the link [R-44]', async () => {
    const invited = newPerson();
    await invite(owner, invited.email);
    const token = await mailedToken(t.origin, invited.email);
    const { browser, person } = await newcomer(t.origin);
    const changed = await changedBy(t.admin, async () => {
      expect((await accept(browser, token)).json().code).toBe('invalid-token');
    });
    expect(changed).toEqual([]);
    expect(await rolesOf(person.email)).toEqual([]);
    // Whose it is can still accept.
    await register(t.origin, invited);
    expect((await accept(await signedIn(t.origin, invited), token)).status).toBe(200);
  });

  test('is worth nothing to somebody who has only typed the address [R-44]', async () => {
    const { person } = await newcomer(t.origin);
    await invite(owner, person.email);
    const claimed = newPerson();
    const visitor = new Visitor(t.origin);
    await visitor.send('POST', '/api/sign-up', { ...claimed, email: person.email });
    const { email, password } = { ...claimed, email: person.email };
    expect((await visitor.send('POST', '/api/sign-in', { email, password })).status).toBe(401);
    expect(await rolesOf(person.email)).toEqual([]);
  });

  test('is replaced by a newer one to the same address, of this tenant alone [R-45]', async () => {
    const { person, browser } = await newcomer(t.origin);
    await invite(owner, person.email, 'admin');
    const older = await mailedToken(t.origin, person.email);
    const other = await insertTestTenant(t.admin);
    const boss = await insertTestMember(t.admin, t.origin, other, 'owner');
    await invite(boss, person.email, 'viewer');
    const elsewhere = await mailedToken(t.origin, person.email);
    await invite(owner, person.email, 'viewer');
    const newest = await mailedToken(t.origin, person.email);
    expect((await accept(browser, older)).json().code).toBe('invalid-token');
    expect((await accept(browser, newest)).status).toBe(200);
    expect((await accept(browser, elsewhere)).status).toBe(200);
    const roles = await rolesOf(person.email);
    expect(roles).toHaveLength(2);
    expect(roles).toEqual(
      expect.arrayContaining([
        ['viewer', false],
        ['viewer', true],
      ]),
    );
  });

  test('expires after seven days, by the clock of the database', async () => {
    const { person, browser } = await newcomer(t.origin);
    await invite(owner, person.email);
    const token = await mailedToken(t.origin, person.email);
    const { rows } = await t.admin.query(
      `SELECT expires_at - created_at = INTERVAL '7 days' AS a_week FROM sallyport.invitations WHERE folded = $1`,
      [person.email],
    );
    expect(rows).toEqual([{ a_week: true }]);
    await t.admin.query(
      `UPDATE sallyport.invitations SET expires_at = now() - INTERVAL '1 second' WHERE folded = $1`,
      [person.email],
    );
    expect((await accept(browser, token)).json().code).toBe('invalid-token');
    expect(await idFor(person.email)).toBeUndefined();
  });

  test('of 50 that accept one at the same moment one joins [R-39]', async () => {
    const { person, browser } = await newcomer(t.origin);
    await invite(owner, person.email);
    const token = await mailedToken(t.origin, person.email);
    const request = {
      path: '/api/invitation-acceptances',
      body: JSON.stringify({ token }),
      headers: { ...browser.ownHeaders(), 'content-type': 'application/json' },
    };
    const answers = await sendAtOnce(
      t.origin,
      Array.from({ length: 50 }, () => request),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await rolesOf(person.email)).toEqual([['member', true]]);
  });
});

describe('whoever invites', () => {
  test('gives no role above their own, nor a permission that they lack [CWE-269]', async () => {
    const limited = await join(['invitations:write']);
    const changed = await changedBy(t.admin, async () => {
      for (const [by, role] of [
        [admin, 'owner'],
        [limited, 'viewer'],
      ] as const) {
        const refused = await invite(by, newPerson().email, role);
        expect(refused.json().code).toBe('above-own-level');
      }
      const unknown = await invite(owner, newPerson().email, 'nobody');
      expect(unknown.json()).toMatchObject({
        errors: [{ field: 'role', reason: 'unknown-role' }],
      });
    });
    expect(changed).toEqual([]);
    expect((await invite(admin, newPerson().email, 'admin')).status).toBe(202);
  });

  test('and was demoted or removed since leaves no way in behind [CWE-269] [CWE-613]', async () => {
    for (const fate of ['demoted', 'removed']) {
      const inviter = await join('admin');
      const { person, browser } = await newcomer(t.origin);
      await invite(inviter, person.email, 'admin');
      const token = await mailedToken(t.origin, person.email);
      const path = `/api/members/${inviter.identityId}`;
      await (fate === 'demoted'
        ? owner.browser.send('PATCH', path, { role: 'viewer' })
        : owner.browser.send('DELETE', path, {}));
      expect((await accept(browser, token)).json().code).toBe('invalid-token');
      expect(await rolesOf(person.email)).toEqual([]);
    }
  });

  test('invites several, all or nobody [R-90]', async () => {
    const emails = [newPerson().email, newPerson().email];
    const send = (roles: readonly string[]) =>
      admin.browser.send('POST', '/api/invitations', {
        invitations: emails.map((email, index) => ({ email, role: roles[index] })),
      });
    const changed = await changedBy(t.admin, async () => {
      expect((await send(['member', 'owner'])).status).toBe(403);
      expect((await send(['member', 'nobody'])).status).toBe(400);
    });
    expect(changed).toEqual([]);
    expect((await send(['member', 'viewer'])).json()).toEqual({ invited: 2 });
  });

  test('is told nothing of whether somebody has an account or is a member [CWE-204]', async () => {
    const { person } = await newcomer(t.origin);
    const answers = [
      await invite(owner, person.email),
      await invite(owner, newPerson().email),
      await invite(owner, admin.email),
    ];
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  });

  test('sends it anew with another link, or takes it back; a foreign one is not found [R-88]', async () => {
    const { person, browser } = await newcomer(t.origin);
    await invite(owner, person.email);
    const first = await mailedToken(t.origin, person.email);
    const id = await idFor(person.email);
    expect((await admin.browser.send('POST', `/api/invitations/${id}/mail`)).status).toBe(202);
    const second = await mailedToken(t.origin, person.email);
    expect(second).not.toBe(first);
    expect((await accept(browser, first)).json().code).toBe('invalid-token');
    const anew = await idFor(person.email);
    const stranger = await insertTestMember(
      t.admin,
      t.origin,
      await insertTestTenant(t.admin),
      'owner',
    );
    const untouched = await changedBy(t.admin, async () => {
      for (const [method, path] of [
        ['DELETE', `/api/invitations/${anew}`],
        ['POST', `/api/invitations/${anew}/mail`],
      ] as const) {
        expect((await stranger.browser.send(method, path, {})).status).toBe(404);
      }
    });
    expect(untouched).toEqual([]);
    expect((await admin.browser.send('DELETE', `/api/invitations/${anew}`, {})).status).toBe(204);
    expect((await accept(browser, second)).json().code).toBe('invalid-token');
  });
});

describe('somebody without an account', () => {
  test('signs up by the link in one go, and is signed in, in the tenant', async () => {
    const { email, password, displayName } = newPerson();
    await invite(owner, email, 'viewer');
    const token = await mailedToken(t.origin, email);
    const visitor = new Visitor(t.origin);
    const body = { token, password, displayName };
    const answer = await visitor.send('POST', '/api/invited-sign-ups', body);
    expect(answer.status).toBe(200);
    expect(await rolesOf(email)).toEqual([['viewer', true]]);
    expect((await visitor.get('/api/members')).status).toBe(200);
    expect((await visitor.send('POST', '/api/invited-sign-ups', body)).json().code).toBe(
      'invalid-token',
    );
  });

  test('gets nothing of what a stranger has typed for the address before [R-43]', async () => {
    const { email, password, displayName } = newPerson();
    const stranger = newPerson('Mallory');
    await new Visitor(t.origin).send('POST', '/api/sign-up', { ...stranger, email });
    const pending = await mailedToken(t.origin, email);
    await invite(owner, email);
    const token = await mailedToken(t.origin, email);
    const visitor = new Visitor(t.origin);
    await visitor.send('POST', '/api/invited-sign-ups', { token, password, displayName });
    const late = await visitor.send('POST', '/api/email-confirmations', { token: pending });
    expect(late.json().code).toBe('invalid-token');
    const theirs = { email, password: stranger.password };
    const other = new Visitor(t.origin);
    expect((await other.send('POST', '/api/sign-in', theirs)).status).toBe(401);
    expect((await other.send('POST', '/api/sign-in', { email, password })).status).toBe(200);
  });

  test('does not sign up for an address that has one: its owner accepts [R-44]', async () => {
    const { person } = await newcomer(t.origin);
    await invite(owner, person.email);
    const token = await mailedToken(t.origin, person.email);
    const { password, displayName } = newPerson('Mallory');
    const changed = await changedBy(t.admin, async () => {
      const body = { token, password, displayName };
      const refused = await new Visitor(t.origin).send('POST', '/api/invited-sign-ups', body);
      expect(refused.json().code).toBe('account-exists');
    });
    expect(changed).toEqual([]);
  });

  test('chooses a password that would do at sign-up, or nothing is consumed', async () => {
    const { email, displayName, password } = newPerson();
    await invite(owner, email);
    const token = await mailedToken(t.origin, email);
    const send = (chosen: string) =>
      new Visitor(t.origin).send('POST', '/api/invited-sign-ups', {
        token,
        displayName,
        password: chosen,
      });
    const changed = await changedBy(t.admin, async () => {
      expect((await send('too short')).json()).toMatchObject({ code: 'invalid-fields' });
    });
    expect(changed).toEqual([]);
    expect((await send(password)).status).toBe(200);
  });
});

describe('the pages behind the link', () => {
  test('consume nothing when they are opened, and say to whom one is invited [CWE-352]', async () => {
    const { person, browser } = await newcomer(t.origin);
    const unknown = newPerson();
    await invite(owner, person.email);
    await invite(owner, unknown.email);
    const changed = await changedBy(t.admin, async () => {
      for (const email of [person.email, unknown.email]) {
        const token = await mailedToken(t.origin, email);
        const page = await new Visitor(t.origin).get(`/join?token=${token}`);
        expect(page.text).toContain('Acme &amp; Sons');
        expect(page.text).toContain(email);
      }
      const token = await mailedToken(t.origin, person.email);
      expect((await browser.get(`/join/accept?token=${token}`)).text).toContain('Acme &amp; Sons');
      const dead = await browser.get(`/join/accept?token=${token.slice(1)}A`);
      expect(dead.status).toBe(400);
    });
    expect(changed).toEqual([]);
  });
});
