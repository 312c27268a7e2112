// Accounts that never had a password: how they come about, what opens them, and that no request
// takes the last way in away.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendAtOnce } from '../support/at-once.ts';
import { type Answer, fieldValue, Visitor } from '../support/client.ts';
import {
  mailedToken,
  mailsTo,
  newcomer,
  newPerson,
  register,
  signedIn,
} from '../support/people.ts';
import {
  addPasskey,
  newcomerWithoutPassword,
  optionsFrom,
  proveAgain,
  signedInWithPasskey,
  SoftwarePasskey,
} from '../support/passkeys.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { insertTestMember, insertTestTenant } from '../support/tenants.ts';
import { JSON_TYPE } from './routes.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server.close();
});

const LINK = '/api/email-confirmations';
const codeOf = (answer: Answer) => (answer.json() as { code: string }).code;
const whoIs = async (browser: Visitor) =>
  (await browser.get('/api/session')).json() as { identity: { id: string; email: string } };

/** Signs up without a password in a browser; nobody has followed the link yet. */
async function pending(browser = new Visitor(server.origin)) {
  const { email, displayName } = newPerson();
  const asked = await browser.send('POST', '/api/sign-up', { email, displayName });
  expect(asked.status).toBe(202);
  return { email, token: await mailedToken(server.origin, email), browser };
}

async function followWith(passkey: SoftwarePasskey, token: string, deviation = {}) {
  const browser = new Visitor(server.origin);
  const options = await optionsFrom(browser, `${LINK}/passkey-options`, { token });
  const response = passkey.create(options, deviation);
  const answer = await browser.send('POST', `${LINK}/with-passkey`, { token, response });
  return { browser, answer, response };
}

describe('a sign-up without a password', () => {
  test('is opened by a passkey that is made behind the link, and signs in with it [ASVS 6.3.3] [CWE-309]', async () => {
    const { person, browser, passkey, recoveryCodes } = await newcomerWithoutPassword(
      server.origin,
    );
    expect((await whoIs(browser)).identity.email).toBe(person.email);
    expect(recoveryCodes).toHaveLength(10);
    const { answer, browser: again } = await signedInWithPasskey(server.origin, passkey);
    expect(answer.status).toBe(200);
    const { session, password } = (await again.get('/api/account/authenticators')).json();
    expect(session).toMatchObject({ aal: 2, amr: ['passkey'] });
    expect(password).toBeNull();
  });

  test('gives its author nothing: the account is that of whoever reads the mailbox [R-43] [CWE-287]', async () => {
    const { email, token, browser: author } = await pending();
    const owners = new SoftwarePasskey(server.origin);
    const { browser, answer } = await followWith(owners, token);
    expect(answer.status).toBe(200);
    expect((await whoIs(browser)).identity.email).toBe(email);
    // The author's browser, its cookie and the link that is used up open nothing.
    expect((await author.get('/api/session')).status).toBe(401);
    const options = await author.send('POST', `${LINK}/passkey-options`, { token });
    expect(codeOf(options)).toBe('invalid-token');
  });

  test('and one with a password, of a stranger: neither link opens the other [R-43] [CWE-640]', async () => {
    const stranger = newPerson();
    await new Visitor(server.origin).send('POST', '/api/sign-up', stranger);
    const theirs = await mailedToken(server.origin, stranger.email);
    const browser = new Visitor(server.origin);
    const path = '/sign-up/with-passkey';
    const token = fieldValue((await browser.get(path)).text, '_csrf');
    const { email, displayName } = stranger;
    const asked = await browser.submit(path, { _csrf: token, email, displayName });
    expect(asked.status).toBe(200);
    const own = await mailedToken(server.origin, email);
    expect(own).not.toBe(theirs);
    const attempt = await new Visitor(server.origin).send('POST', LINK, { token: theirs });
    expect(codeOf(attempt)).toBe('invalid-fields');
    const { answer } = await followWith(new SoftwarePasskey(server.origin), own);
    expect(answer.status).toBe(200);
    const { password } = stranger;
    const late = await new Visitor(server.origin).send('POST', LINK, { token: theirs, password });
    expect(codeOf(late)).toBe('invalid-token');
    const signIn = await new Visitor(server.origin).send('POST', '/api/sign-in', {
      email,
      password,
    });
    expect(codeOf(signIn)).toBe('wrong-credentials');
  });

  test('is confirmed by no token alone, and by a new password that is good enough [ASVS 6.2.1]', async () => {
    const { email, token } = await pending();
    const visitor = new Visitor(server.origin);
    const changed = await changedBy(server.admin, async () => {
      const bare = await visitor.send('POST', LINK, { token });
      expect(bare.json().errors).toEqual([{ field: 'password', reason: 'required' }]);
      const weak = await visitor.send('POST', LINK, { token, password: 'short' });
      expect(weak.json().errors).toEqual([{ field: 'password', reason: 'password-too-short' }]);
    });
    expect(changed).toEqual([]);
    const { password } = newPerson();
    expect((await visitor.send('POST', LINK, { token, password })).status).toBe(200);
    await signedIn(server.origin, { email, password, displayName: '' });
  });

  test.each([
    ['made for another origin [CWE-346]', { origin: 'https://evil.example' }],
    ['that was not unlocked [NIST 3.1.7.2]', { userVerified: false }],
    ['made inside of another site [CWE-1021]', { crossOrigin: true }],
  ])('a passkey %s makes no account, and leaves the link', async (_, deviation) => {
    const { token } = await pending();
    const passkey = new SoftwarePasskey(server.origin);
    const changed = await changedBy(server.admin, async () => {
      const { answer } = await followWith(passkey, token, deviation);
      expect(codeOf(answer)).toBe('invalid-token');
    });
    expect(changed).toEqual([]);
    expect((await followWith(passkey, token)).answer.status).toBe(200);
  });

  test('of fifty that follow the link at once, one gets the account [R-39] [CWE-294]', async () => {
    const { email, token } = await pending();
    const browser = new Visitor(server.origin);
    const requests = [];
    for (let n = 0; n < 50; n += 1) {
      const options = await optionsFrom(browser, `${LINK}/passkey-options`, { token });
      const response = new SoftwarePasskey(server.origin).create(options);
      requests.push({
        path: `${LINK}/with-passkey`,
        headers: { ...browser.ownHeaders(), 'content-type': JSON_TYPE },
        body: JSON.stringify({ token, response }),
      });
    }
    const answers = await sendAtOnce(server.origin, requests);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const { rows } = await server.admin.query(
      `SELECT k.id FROM sallyport.passkeys AS k
        JOIN sallyport.email_addresses AS e ON e.identity_id = k.identity_id WHERE e.folded = $1`,
      [email],
    );
    expect(rows).toHaveLength(1);
  });

  test('an invitation is accepted with a passkey, too, and only for its own address [R-44]', async () => {
    const tenant = await insertTestTenant(server.admin);
    const owner = await insertTestMember(server.admin, server.origin, tenant, 'owner');
    const { email, displayName } = newPerson();
    const invitations = [{ email, role: 'member' }];
    await owner.browser.send('POST', '/api/invitations', { invitations });
    const token = await mailedToken(server.origin, email);
    const browser = new Visitor(server.origin);
    const path = '/api/invited-sign-ups';
    const passkey = new SoftwarePasskey(server.origin);
    const options = await optionsFrom(browser, `${path}/passkey-options`, { token });
    const body = { token, displayName, response: passkey.create(options) };
    const joined = await browser.send('POST', `${path}/with-passkey`, body);
    expect(joined.status, joined.text).toBe(200);
    expect((await browser.get('/api/tenant')).json().id).toBe(tenant.id);
    expect((await signedInWithPasskey(server.origin, passkey)).answer.status).toBe(200);
    const again = await new Visitor(server.origin).send('POST', `${path}/with-passkey`, body);
    expect(codeOf(again)).toBe('invalid-token');
  });
});

describe('an account without a password', () => {
  test('no password opens it, and neither it nor a wrong one is told apart [CWE-204]', async () => {
    const { person } = await newcomerWithoutPassword(server.origin);
    const { email, password } = person;
    const visitor = new Visitor(server.origin);
    const known = await visitor.send('POST', '/api/sign-in', { email, password });
    const unknown = await visitor.send('POST', '/api/sign-in', {
      email: newPerson().email,
      password,
    });
    expect([known.status, codeOf(known)]).toEqual([unknown.status, codeOf(unknown)]);
  });

  test('changes its address and is deleted after a passkey alone [ASVS 7.5.1] [ASVS 7.5.3]', async () => {
    const { browser, passkey } = await newcomerWithoutPassword(server.origin);
    const { identity } = await whoIs(browser);
    const old = `UPDATE sallyport.sessions SET authenticated_at = now() - INTERVAL '10 minutes'
      WHERE identity_id = $1`;
    await server.admin.query(old, [identity.id]);
    const email = newPerson().email;
    const refused = await browser.send('POST', '/api/account/change-email', { email });
    expect(codeOf(refused)).toBe('second-factor-required');
    await proveAgain(browser, passkey);
    expect((await browser.send('POST', '/api/account/change-email', { email })).status).toBe(202);
    const token = await mailedToken(server.origin, email);
    expect((await browser.send('POST', LINK, { token })).status).toBe(200);
    expect((await whoIs(browser)).identity.email).toBe(email);
    expect((await browser.send('POST', '/api/account/delete')).status).toBe(202);
    expect((await browser.get('/api/session')).status).toBe(401);
  });

  test('is recovered by the mailed link and a recovery code, and by no link alone [R-37] [ASVS 6.4.3]', async () => {
    const { person, recoveryCodes } = await newcomerWithoutPassword(server.origin);
    const { email, password } = person;
    const visitor = new Visitor(server.origin);
    await visitor.send('POST', '/api/recoveries', { email });
    const token = await mailedToken(server.origin, email);
    const path = '/api/recoveries/confirmations';
    expect((await visitor.send('POST', path, { token, password })).status).toBe(200);
    const half = await visitor.send('POST', '/api/sign-in', { email, password });
    expect(half.status).toBe(202);
    expect((await visitor.get('/api/session')).status).toBe(401);
    const code = recoveryCodes[0];
    const done = await visitor.send('POST', '/api/sign-in/recovery-code', { code });
    expect(done.status, done.text).toBe(200);
    expect((await whoIs(visitor)).identity.email).toBe(email);
  });

  test('gets a password and loses it again, each mailed; a first one proves no current one [ASVS 6.2.3] [ASVS 6.3.7]', async () => {
    const { person, browser, passkey } = await newcomerWithoutPassword(server.origin);
    const { email, password } = person;
    const change = '/api/account/change-password';
    expect((await browser.send('POST', change, { newPassword: password })).status).toBe(204);
    await whoIs(browser);
    // From now on there is a current one to prove.
    const { password: other } = newPerson();
    const without = await browser.send('POST', change, { newPassword: other });
    expect(without.json().errors).toEqual([{ field: 'currentPassword', reason: 'required' }]);
    const half = await new Visitor(server.origin).send('POST', '/api/sign-in', { email, password });
    expect(half.status).toBe(202);
    const elsewhere = (await signedInWithPasskey(server.origin, passkey)).browser;
    expect((await browser.send('DELETE', '/api/account/password')).status).toBe(204);
    expect((await elsewhere.get('/api/session')).status).toBe(401);
    expect((await browser.get('/api/session')).status).toBe(200);
    const gone = await new Visitor(server.origin).send('POST', '/api/sign-in', { email, password });
    expect(codeOf(gone)).toBe('wrong-credentials');
    const subjects = (await mailsTo(server.origin, email)).map(({ subject }) => subject);
    expect(subjects.filter((subject) => subject.includes('password'))).toHaveLength(2);
  });

  test('a sign-in under way with the password that is removed is over [CWE-841]', async () => {
    const { person, browser } = await newcomer(server.origin);
    const { passkey } = await addPasskey(browser);
    const halfway = new Visitor(server.origin);
    const { email, password } = person;
    expect((await halfway.send('POST', '/api/sign-in', { email, password })).status).toBe(202);
    const options = await optionsFrom(halfway, '/api/sign-in/passkey-options');
    expect((await browser.send('DELETE', '/api/account/password')).status).toBe(204);
    const response = passkey.get(options);
    const answer = await halfway.send('POST', '/api/sign-in/passkey', { response });
    expect(codeOf(answer)).toBe('sign-in-over');
  });
});

describe('the last way in', () => {
  test('a password without a passkey stays, and so does a passkey without a password [ASVS 6.4.4]', async () => {
    const person = await register(server.origin);
    const browser = await signedIn(server.origin, person);
    const refused = await browser.send('DELETE', '/api/account/password');
    expect(codeOf(refused)).toBe('last-way-in');
    const without = await newcomerWithoutPassword(server.origin);
    const list = (await without.browser.get('/api/account/authenticators')).json();
    const path = `/api/account/passkeys/${list.passkeys[0].id}`;
    expect(codeOf(await without.browser.send('DELETE', path))).toBe('last-way-in');
  });

  test('fifty requests that remove the password or the only passkey leave one of them [CWE-362]', async () => {
    const { person, browser } = await newcomer(server.origin);
    const { id } = await addPasskey(browser);
    const headers = { ...browser.ownHeaders(), 'content-type': JSON_TYPE };
    const paths = ['/api/account/password', `/api/account/passkeys/${id}`];
    const requests = Array.from({ length: 50 }, (_, n) => ({
      path: paths[n % 2] ?? '',
      method: 'DELETE',
      headers,
      body: '{}',
    }));
    await sendAtOnce(server.origin, requests);
    const { rows } = await server.admin.query<{ ways: number }>(
      `SELECT ((SELECT count(*) FROM sallyport.passwords AS w WHERE w.identity_id = e.identity_id)
          + (SELECT count(*) FROM sallyport.passkeys AS k WHERE k.identity_id = e.identity_id))::INT4 AS ways
        FROM sallyport.email_addresses AS e WHERE e.folded = $1`,
      [person.email],
    );
    expect(rows).toEqual([{ ways: 1 }]);
  });
});
