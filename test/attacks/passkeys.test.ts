import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countRows, whoIs } from '../support/accounts.ts';
import { givePassword, signInHalfwayWithPasskey } from '../support/authenticators.ts';
import { sendAtOnce } from '../support/at-once.ts';
import { type Answer, Visitor } from '../support/client.ts';
import { addPasskey, type Deviation, optionsFrom, SoftwarePasskey } from '../support/passkeys.ts';
import { mailsTo, newcomer } from '../support/people.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { JSON_TYPE } from './routes.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const codeOf = (answer: Answer) => (answer.json() as { code: string }).code;
const OPTIONS = '/api/passkeys/sign-in-options';
const SIGN_IN = '/api/passkeys/sign-in';

async function withPasskey() {
  const { person, browser } = await newcomer(server.origin);
  return { person, browser, ...(await addPasskey(browser)) };
}

/** What a visitor's browser answers, and sends. */
async function signIn(passkey: SoftwarePasskey, deviation: Deviation = {}) {
  const visitor = new Visitor(server.origin);
  const options = await optionsFrom(visitor, OPTIONS);
  const response = passkey.get(options, deviation);
  const answer = await visitor.send('POST', SIGN_IN, { response });
  return { visitor, response, answer };
}

describe('a passkey alone', () => {
  test('signs in with no address typed, with two factors’ assurance [ASVS 6.3.3]', async () => {
    const { person, passkey } = await withPasskey();
    const { visitor, answer } = await signIn(passkey);
    expect(answer.status).toBe(200);
    expect((await whoIs(visitor)).identity.email).toBe(person.email);
    const { session } = (await visitor.get('/api/account/authenticators')).json();
    expect(session).toMatchObject({ aal: 2, amr: ['passkey'] });
  });

  const deviations: Readonly<Record<string, Deviation>> = {
    'that was not unlocked [NIST 3.1.7.2]': { userVerified: false },
    'whose owner was not there': { userPresent: false },
    'asked for by another origin [CWE-346]': { origin: 'https://evil.example' },
    'asked for by a sibling subdomain': { origin: 'https://evil.localhost' },
    'asked for inside of another site [CWE-1021]': { crossOrigin: true },
    'of another relying party': { rpId: 'evil.example' },
    'with a challenge of its own': { challenge: Buffer.alloc(56, 1).toString('base64url') },
    'that says it was made just now': { type: 'webauthn.create' },
    'that names another owner': { userHandle: Buffer.alloc(16, 1).toString('base64url') },
  };

  test.each(Object.entries(deviations))(
    '%s is refused, and nobody is signed in',
    async (_, deviation) => {
      const { passkey } = await withPasskey();
      const before = await countRows(server.admin, 'sessions');
      const { answer } = await signIn(passkey, deviation);
      expect(codeOf(answer)).toBe('wrong-credentials');
      expect(await countRows(server.admin, 'sessions')).toBe(before);
      expect((await signIn(passkey)).answer.status).toBe(200);
    },
  );

  test('that nobody has registered is refused alike [CWE-204]', async () => {
    const { answer } = await signIn(new SoftwarePasskey(server.origin));
    expect(codeOf(answer)).toBe('wrong-credentials');
  });

  test('that was removed is refused, and in no session’s assurance any more [R-31]', async () => {
    const { browser, passkey, id } = await withPasskey();
    const { visitor } = await signIn(passkey);
    expect((await browser.send('DELETE', `/api/account/passkeys/${id}`)).status).toBe(204);
    expect(codeOf((await signIn(passkey)).answer)).toBe('wrong-credentials');
    const { session } = (await visitor.get('/api/account/authenticators')).json();
    expect(session.aal).toBe(1);
  });

  test('of a disabled identity is refused', async () => {
    const { browser, passkey } = await withPasskey();
    const { identity } = await whoIs(browser);
    const sql = 'UPDATE sallyport.identities SET disabled_at = now() WHERE id = $1';
    await server.admin.query(sql, [identity.id]);
    expect(codeOf((await signIn(passkey)).answer)).toBe('wrong-credentials');
  });

  test('whose counter goes back signs in, and its owner is warned [ASVS 6.3.5]', async () => {
    const { person, passkey } = await withPasskey();
    expect((await signIn(passkey, { signCount: 7 })).answer.status).toBe(200);
    expect((await signIn(passkey, { signCount: 3 })).answer.status).toBe(200);
    const events = await countRows(
      server.admin,
      `security_events WHERE kind = 'passkey-suspected'`,
    );
    expect(events).toBe(1);
    const mails = await mailsTo(server.origin, person.email);
    expect(mails.some(({ subject }) => subject.includes('copied'))).toBe(true);
  });
});

describe('an answer', () => {
  test('is taken once, also of fifty at once [R-40] [CWE-294]', async () => {
    const { passkey } = await withPasskey();
    const visitor = new Visitor(server.origin);
    const response = passkey.get(await optionsFrom(visitor, OPTIONS));
    const request = {
      path: SIGN_IN,
      headers: { ...visitor.ownHeaders(), 'content-type': JSON_TYPE },
      body: JSON.stringify({ response }),
    };
    const answers = await sendAtOnce(
      server.origin,
      Array.from({ length: 50 }, () => request),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test('is for the browser that the challenge was made for [R-16] [CWE-384]', async () => {
    const { passkey } = await withPasskey();
    const response = passkey.get(await optionsFrom(new Visitor(server.origin), OPTIONS));
    const other = new Visitor(server.origin);
    await optionsFrom(other, OPTIONS);
    expect(codeOf(await other.send('POST', SIGN_IN, { response }))).toBe('wrong-credentials');
  });

  test('is for the purpose that the challenge was made for [R-68]', async () => {
    const { browser, passkey } = await withPasskey();
    const path = '/api/re-authentication/passkey';
    const visitor = new Visitor(server.origin);
    const forSignIn = passkey.get(await optionsFrom(visitor, OPTIONS));
    expect((await browser.send('POST', path, { response: forSignIn })).status).toBe(401);
    const forThis = passkey.get(await optionsFrom(browser, `${path}-options`));
    expect((await visitor.send('POST', SIGN_IN, { response: forThis })).status).toBe(401);
    const again = passkey.get(await optionsFrom(browser, `${path}-options`));
    expect((await browser.send('POST', path, { response: again })).status).toBe(200);
  });

  test('is no proof in another person’s session [R-25]', async () => {
    const { passkey } = await withPasskey();
    const other = await withPasskey();
    const path = '/api/re-authentication/passkey';
    const response = passkey.get(await optionsFrom(other.browser, `${path}-options`));
    expect((await other.browser.send('POST', path, { response })).status).toBe(401);
  });
});

describe('a passkey behind a password', () => {
  test('completes the sign-in, unlocked or not', async () => {
    const browser = new Visitor(server.origin);
    const { person, passkey } = await signInHalfwayWithPasskey(browser);
    const send = async (deviation: Deviation = {}) => {
      const options = await optionsFrom(browser, '/api/sign-in/passkey-options');
      const response = passkey.get(options, deviation);
      return await browser.send('POST', '/api/sign-in/passkey', { response });
    };
    expect((await send({ origin: 'https://evil.example' })).status).toBe(401);
    expect((await send({ userVerified: false })).status).toBe(200);
    expect((await whoIs(browser)).identity.email).toBe(person.email);
  });

  test('of somebody else does not', async () => {
    const browser = new Visitor(server.origin);
    const { person } = await signInHalfwayWithPasskey(browser);
    const { passkey } = await withPasskey();
    const response = passkey.get(await optionsFrom(browser, '/api/sign-in/passkey-options'));
    expect((await browser.send('POST', '/api/sign-in/passkey', { response })).status).toBe(401);
    await givePassword(new Visitor(server.origin), person);
  });
});

describe('a registration', () => {
  test('of a passkey that somebody has, or that was not unlocked, is refused [CWE-287]', async () => {
    const { passkey } = await withPasskey();
    const { browser } = await newcomer(server.origin);
    const add = async (made: SoftwarePasskey, deviation: Deviation = {}) => {
      const options = await optionsFrom(browser, '/api/account/passkeys/options');
      const body = { name: 'Mine', response: made.create(options, deviation) };
      return await browser.send('POST', '/api/account/passkeys', body);
    };
    expect(codeOf(await add(passkey))).toBe('invalid-token');
    const fresh = new SoftwarePasskey(server.origin);
    expect(codeOf(await add(fresh, { userVerified: false }))).toBe('invalid-token');
    expect(codeOf(await add(fresh, { origin: 'https://evil.example' }))).toBe('invalid-token');
    expect((await add(fresh)).status).toBe(201);
  });

  test('gives the account its recovery codes once, and the list its name', async () => {
    const { browser, recoveryCodes, id } = await withPasskey();
    expect(recoveryCodes).toHaveLength(10);
    const second = await addPasskey(browser, 'Phone');
    expect(second.recoveryCodes).toEqual([]);
    const path = `/api/account/passkeys/${id}`;
    expect((await browser.send('PATCH', path, { name: 'Laptop' })).status).toBe(204);
    const { passkeys } = (await browser.get('/api/account/authenticators')).json();
    expect(passkeys.map(({ name }: { name: string }) => name)).toEqual(['Laptop', 'Phone']);
  });

  test('the last passkey of an account without a password stays [ASVS 6.4.4]', async () => {
    const { browser, id } = await withPasskey();
    const { identity } = await whoIs(browser);
    const sql = 'DELETE FROM sallyport.passwords WHERE identity_id = $1';
    await server.admin.query(sql, [identity.id]);
    const path = `/api/account/passkeys/${id}`;
    expect(codeOf(await browser.send('DELETE', path))).toBe('last-way-in');
    await addPasskey(browser, 'Phone');
    expect((await browser.send('DELETE', path)).status).toBe(204);
  });

  test('somebody else’s passkey is neither renamed nor removed [CWE-639]', async () => {
    const { id } = await withPasskey();
    const { browser } = await withPasskey();
    const path = `/api/account/passkeys/${id}`;
    expect((await browser.send('PATCH', path, { name: 'Theirs' })).status).toBe(404);
    expect((await browser.send('DELETE', path)).status).toBe(404);
  });
});
