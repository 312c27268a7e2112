import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ageProof, countRows, whoIs } from '../support/accounts.ts';
import {
  givePassword,
  newcomerWithTotp,
  setUpTotp,
  signInHalfway,
  TotpApp,
} from '../support/authenticators.ts';
import { type Answer, fieldValue, Visitor } from '../support/client.ts';
import { mailsTo, newcomer, signedIn } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const codeOf = (answer: Answer) => (answer.json() as { code: string }).code;
const authenticatorsOf = async (browser: Visitor) =>
  (await browser.get('/api/account/authenticators')).json();
const complete = (browser: Visitor, code: string, method = 'totp') =>
  browser.send('POST', `/api/sign-in/${method}`, { code });

describe('a sign-in of somebody with a second factor', () => {
  test('has no session after the password, and one after the code', async () => {
    const { person, totp } = await newcomerWithTotp(server.origin);
    const browser = new Visitor(server.origin);
    const { email, password } = person;
    const asked = await browser.send('POST', '/api/sign-in', { email, password });
    expect(asked.status).toBe(202);
    expect(asked.json()).toMatchObject({
      status: 'second-factor-needed',
      needed: ['totp', 'recovery-code'],
    });
    expect([...browser.cookies.keys()].toSorted()).toEqual(['__Host-presession', '__Host-sign-in']);
    const cookie = asked.setCookies.find((line) => line.startsWith('__Host-sign-in='));
    expect(cookie).toContain('; Max-Age=300; Path=/; Secure; HttpOnly; SameSite=Strict');
    expect((await browser.get('/api/session')).status).toBe(401);

    expect((await complete(browser, totp.next())).status).toBe(200);
    expect((await whoIs(browser)).identity.email).toBe(email);
    expect(browser.cookies.has('__Host-session')).toBe(true);
    expect(browser.cookies.has('__Host-sign-in')).toBe(false);
    expect((await authenticatorsOf(browser)).session).toMatchObject({
      aal: 2,
      amr: ['password', 'totp'],
    });
    expect(await countRows(server.admin, 'sign_in_flows')).toBe(0);
  });

  test('ends the session that the browser had, with the last proof and not before [R-20] [R-21] [CWE-384] [ASVS 7.2.4]', async () => {
    const { person, browser, totp } = await newcomerWithTotp(server.origin);
    const before = new Map(browser.cookies);
    await givePassword(browser, person);
    const old = new Visitor(server.origin);
    for (const [name, value] of before) old.cookies.set(name, value);
    expect((await old.get('/api/session')).status).toBe(200);
    expect((await complete(browser, totp.next())).status).toBe(200);
    expect((await old.get('/api/session')).status).toBe(401);
    expect(browser.cookies.get('__Host-session')).not.toBe(before.get('__Host-session'));
  });

  test('works as pages, with no script, and leads to where the person was [ASVS 3.7.2]', async () => {
    const { person, totp } = await newcomerWithTotp(server.origin);
    const browser = new Visitor(server.origin);
    const signIn = await browser.get('/sign-in?return_to=%2Faccount%2Fsessions');
    const { email, password } = person;
    const first = await browser.submit('/sign-in', {
      _csrf: fieldValue(signIn.text, '_csrf'),
      email,
      password,
      return_to: '/account/sessions',
    });
    expect(first.headers.location).toBe('/sign-in/second-factor');
    const page = await browser.get('/sign-in/second-factor');
    expect(page.text).toContain(email);
    const wrong = { _csrf: fieldValue(page.text, '_csrf'), code: '000000' };
    const refused = await browser.submit('/sign-in/second-factor', wrong);
    expect(refused.status).toBe(401);
    const right = { _csrf: fieldValue(refused.text, '_csrf'), code: totp.next() };
    const done = await browser.submit('/sign-in/second-factor', right);
    expect([done.status, done.headers.location]).toEqual([303, '/account/sessions']);
    expect((await browser.get('/account/sessions')).status).toBe(200);
  });

  test('is over after five tries, even with the right code, and the password opens it again [R-51] [ASVS 6.3.1] [CWE-307]', async () => {
    const browser = new Visitor(server.origin);
    const { person, totp } = await signInHalfway(browser);
    for (let tries = 0; tries < 5; tries++) {
      expect((await complete(browser, totp.at(-10))).status).toBe(401);
    }
    const code = totp.next();
    const late = await complete(browser, code);
    expect(codeOf(late)).toBe('sign-in-over');
    const page = await browser.get('/sign-in/second-factor');
    expect(page.headers.location).toBe('/sign-in?over');
    expect((await browser.get('/sign-in?over')).text).toContain('too many tries');
    await givePassword(browser, person);
    expect((await complete(browser, code)).status).toBe(200);
  });

  test('takes a recovery code once, tells the owner by mail, and says how many are left [ASVS 6.3.7] [ASVS 6.5.1]', async () => {
    const browser = new Visitor(server.origin);
    const { person, recoveryCodes } = await signInHalfway(browser);
    const [code = '', next = ''] = recoveryCodes;
    expect(recoveryCodes).toHaveLength(10);
    const typed = code.toLowerCase().replaceAll('-', ' ');
    expect((await complete(browser, typed, 'recovery-code')).status).toBe(200);
    expect(await authenticatorsOf(browser)).toMatchObject({ recoveryCodesLeft: 9 });
    // Two mails of one moment: the other one is about the new browser.
    const mails = await mailsTo(server.origin, person.email);
    const mail = mails.slice(0, 2).find(({ subject }) => subject.includes('recovery code'));
    expect(mail).toBeDefined();
    expect(mail?.text).toContain('left: 9.');
    expect(mail?.text).not.toContain(code);

    const again = new Visitor(server.origin);
    await givePassword(again, person);
    expect(codeOf(await complete(again, code, 'recovery-code'))).toBe('wrong-credentials');
    expect((await complete(again, next, 'recovery-code')).status).toBe(200);
  });
});

describe('an authenticator app', () => {
  test('counts only once it is confirmed [ASVS 6.4.1]', async () => {
    const { person, browser } = await newcomer(server.origin);
    const begun = await browser.send('POST', '/api/account/totp');
    await signedIn(server.origin, person);
    const totp = new TotpApp((begun.json() as { secret: string }).secret);
    const path = '/api/account/totp/confirmations';
    const wrong = await browser.send('POST', path, { code: totp.at(5) });
    expect(wrong.json()).toMatchObject({ errors: [{ field: 'code', reason: 'wrong-code' }] });
    await signedIn(server.origin, person);
    expect((await browser.send('POST', path, { code: totp.next() })).status).toBe(200);
    await givePassword(new Visitor(server.origin), person);
  });

  test('is set up in pages: a picture, the secret as text, and the recovery codes once', async () => {
    const { browser } = await newcomer(server.origin);
    const home = await browser.get('/account/authenticators');
    const token = fieldValue(home.text, '_csrf');
    const begun = await browser.submit('/account/authenticators/totp', { _csrf: token });
    expect(begun.headers.location).toBe('/account/authenticators/totp');
    const page = await browser.get('/account/authenticators/totp');
    expect(page.text).toMatch(/<svg class="qr-code"[^>]*role="img"/);
    const [, secret = ''] = /<code>([A-Z2-7 ]+)<\/code>/.exec(page.text) ?? [];
    const code = new TotpApp(secret.replaceAll(' ', '')).next();
    const path = '/account/authenticators/totp/confirm';
    const done = await browser.submit(path, { _csrf: fieldValue(page.text, '_csrf'), code });
    expect(done.text.match(/<code>[0-9A-Z-]{27}<\/code>/g)).toHaveLength(10);
    expect((await browser.get('/account/authenticators')).text).toContain('10 codes left');
  });

  test('of one session is not confirmed in another, nor after ten minutes, and asking again starts anew [R-41] [ASVS 6.6.2]', async () => {
    const { person, browser } = await newcomer(server.origin);
    const other = await signedIn(server.origin, person);
    const path = '/api/account/totp/confirmations';
    const begin = async () =>
      new TotpApp((await browser.send('POST', '/api/account/totp')).json().secret as string);
    const first = await begin();
    expect(codeOf(await other.send('POST', path, { code: first.next() }))).toBe('invalid-token');
    await server.admin.query(
      `UPDATE sallyport.totp_enrolments SET expires_at = now() - INTERVAL '1 second'
        WHERE identity_id = $1`,
      [(await whoIs(browser)).identity.id],
    );
    expect(codeOf(await browser.send('POST', path, { code: first.next() }))).toBe('invalid-token');
    const second = await begin();
    const old = await browser.send('POST', path, { code: first.next() });
    expect(codeOf(old)).toBe('invalid-fields');
    expect((await browser.send('POST', path, { code: second.next() })).status).toBe(200);
  });

  test('its secret and its codes are in no row of the database [ASVS 11.4.2] [CWE-312]', async () => {
    const { browser } = await newcomer(server.origin);
    const begun = await browser.send('POST', '/api/account/totp');
    const { secret } = begun.json() as { secret: string };
    const path = '/api/account/totp/confirmations';
    const confirmed = await browser.send('POST', path, { code: new TotpApp(secret).next() });
    const [code = ''] = (confirmed.json() as { recoveryCodes: string[] }).recoveryCodes;
    const { rows } = await server.admin.query<{ row: string }>(
      `SELECT t::TEXT AS row FROM sallyport.totp_authenticators AS t
        UNION ALL SELECT c::TEXT FROM sallyport.recovery_codes AS c`,
    );
    expect(rows.length).toBeGreaterThan(10);
    for (const { row } of rows) {
      expect(row).not.toContain(secret);
      expect(row).not.toContain(code);
      expect(row).not.toContain(code.replaceAll('-', ''));
    }
  });

  test('that is removed is in no session’s assurance any more, at once, and its owner is told [R-31] [ASVS 7.4.3] [ASVS 6.3.7]', async () => {
    const { person, browser, totp } = await newcomerWithTotp(server.origin);
    const other = new Visitor(server.origin);
    await givePassword(other, person);
    expect((await complete(other, totp.next())).status).toBe(200);
    expect((await authenticatorsOf(other)).session.aal).toBe(2);
    expect((await browser.send('DELETE', '/api/account/totp')).status).toBe(204);
    for (const each of [browser, other]) {
      expect(await authenticatorsOf(each)).toMatchObject({
        session: { aal: 1 },
        totp: null,
        recoveryCodesLeft: 0,
      });
    }
    const [mail] = await mailsTo(server.origin, person.email);
    expect(mail?.subject).toContain('removed');
    await signedIn(server.origin, person);
  });
});

describe('a change that matters, of somebody with a second factor', () => {
  const sensitive: readonly [string, string, unknown?][] = [
    ['POST', '/api/account/change-email', { email: 'next@example.org' }],
    ['POST', '/api/account/change-password', { currentPassword: 'a', newPassword: 'b' }],
    ['POST', '/api/account/totp'],
    ['DELETE', '/api/account/totp'],
    ['POST', '/api/account/recovery-codes'],
    ['POST', '/api/account/delete'],
    ['DELETE', '/api/sessions'],
  ];

  test.each(sensitive)(
    '%s %s asks for both, and says so in the words of RFC 9470 [ASVS 7.5.1] [ASVS 7.5.3] [CWE-306]',
    async (method, path, body) => {
      const { browser } = await newcomerWithTotp(server.origin);
      await ageProof(server.admin, browser);
      const changed = await changedBy(server.admin, async () => {
        const answer = await browser.send(method, path, body);
        expect(answer.status).toBe(401);
        expect(answer.json()).toMatchObject({
          code: 'second-factor-required',
          max_age: 300,
          acr_values: ['urn:sallyport:aal:2'],
        });
        expect(answer.headers['www-authenticate']).toMatch(
          /^Bearer error="insufficient_user_authentication", .*max_age="300", acr_values="urn:sallyport:aal:2"$/,
        );
      });
      expect(changed).toEqual([]);
    },
  );

  test('is not satisfied by a session whose password alone is fresh [R-31] [CWE-308]', async () => {
    const { person, browser } = await newcomer(server.origin);
    const other = await signedIn(server.origin, person);
    await setUpTotp(browser);
    const answer = await other.send('DELETE', '/api/account/totp');
    expect(codeOf(answer)).toBe('second-factor-required');
    expect((await browser.send('DELETE', '/api/account/totp')).status).toBe(204);
  });

  test('goes on after a re-authentication with both, and not with the password alone [R-25]', async () => {
    const { person, browser, totp } = await newcomerWithTotp(server.origin);
    await ageProof(server.admin, browser);
    const { password } = person;
    const send = (body: object) => browser.send('POST', '/api/re-authentication', body);
    expect((await send({ password })).status).toBe(401);
    expect((await send({ password, code: '000000' })).status).toBe(401);
    expect((await send({ password: 'wrong', code: totp.next() })).status).toBe(401);
    const before = browser.cookies.get('__Host-session');
    expect((await send({ password, code: totp.next() })).status).toBe(200);
    expect(browser.cookies.get('__Host-session')).not.toBe(before);
    expect((await browser.send('POST', '/api/account/recovery-codes')).status).toBe(201);
  });

  test('as a page leads to the proof of both, and back', async () => {
    const { person, browser, recoveryCodes } = await newcomerWithTotp(server.origin);
    await ageProof(server.admin, browser);
    const away = await browser.get('/account/email');
    expect(away.headers.location).toBe('/re-authenticate?return_to=%2Faccount%2Femail');
    const page = await browser.get(away.headers.location ?? '');
    expect(page.text).toContain('name="code"');
    const back = await browser.submit('/re-authenticate', {
      _csrf: fieldValue(page.text, '_csrf'),
      password: person.password,
      code: recoveryCodes[0] ?? '',
      return_to: '/account/email',
    });
    expect([back.status, back.headers.location]).toEqual([303, '/account/email']);
    expect((await browser.get('/account/email')).status).toBe(200);
  });

  test('of somebody without one asks for the password alone', async () => {
    const { browser } = await newcomer(server.origin);
    await ageProof(server.admin, browser);
    const answer = await browser.send('POST', '/api/account/totp');
    expect(answer.json()).toMatchObject({
      code: 'step-up-required',
      acr_values: ['urn:sallyport:aal:1'],
    });
  });
});

test('new recovery codes make all earlier ones worthless, and their owner is told [ASVS 6.3.7]', async () => {
  const { person, browser, recoveryCodes } = await newcomerWithTotp(server.origin);
  const renewed = await browser.send('POST', '/api/account/recovery-codes');
  const { codes } = renewed.json() as { codes: string[] };
  const [mail] = await mailsTo(server.origin, person.email);
  expect(mail?.subject).toContain('new recovery codes');
  const next = new Visitor(server.origin);
  await givePassword(next, person);
  const old = await complete(next, recoveryCodes[0] ?? '', 'recovery-code');
  expect(codeOf(old)).toBe('wrong-credentials');
  expect((await complete(next, codes[0] ?? '', 'recovery-code')).status).toBe(200);
});
