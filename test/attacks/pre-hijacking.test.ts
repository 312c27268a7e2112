import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendAtOnce } from '../support/at-once.ts';
import { countRows } from '../support/accounts.ts';
import { type Answer, fieldValue, Visitor } from '../support/client.ts';
import { mailedToken, newPerson, type Person, register } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const ASKED = 'Enter the password that you chose when you signed up.';
const WRONG = 'This is not your password.';

/** Somebody with a mailbox, and somebody else who types its address and a password of theirs. */
function ownerAndStranger() {
  const owner = newPerson('Owner');
  return { owner, stranger: { ...newPerson('Mallory'), email: owner.email } };
}

/** Signs up on the page. @returns the browser, and the token that was mailed. */
async function signUpInBrowser(person: Person) {
  const browser = new Visitor(server.origin);
  const page = await browser.get('/sign-up');
  const { email, password, displayName } = person;
  const fields = { _csrf: fieldValue(page.text, '_csrf'), email, password, displayName };
  expect((await browser.submit('/sign-up', fields)).status).toBe(200);
  return { browser, token: await mailedToken(server.origin, email) };
}

/** Signs up as a program does, without a cookie. @returns the token that was mailed. */
async function signUpByProgram(person: Person): Promise<string> {
  expect((await post('/api/sign-up', person)).status).toBe(202);
  return await mailedToken(server.origin, person.email);
}

const post = (path: string, body: unknown) => new Visitor(server.origin).send('POST', path, body);

const redeem = (token: string, password?: string) =>
  post('/api/email-confirmations', { token, ...(password === undefined ? {} : { password }) });

/** Opens the mailed link in this browser and presses the button, with a password or without. */
async function follow(browser: Visitor, token: string, password?: string): Promise<Answer> {
  const page = await browser.get(`/confirm-email?token=${token}`);
  const fields = { _csrf: fieldValue(page.text, '_csrf'), token };
  return await browser.submit(
    '/confirm-email',
    password === undefined ? fields : { ...fields, password },
  );
}

const signIn = async ({ email, password }: Person) =>
  (await post('/api/sign-in', { email, password })).status;

const code = (answer: Answer) => (answer.json() as { code: string; errors?: unknown }) ?? {};

const PASSWORD_REQUIRED = {
  status: 400,
  code: 'invalid-fields',
  errors: [{ field: 'password', reason: 'required' }],
};

describe('a stranger signs up with the address of an owner who has just done so', () => {
  test.each([
    ['as a program', signUpByProgram],
    ['in a browser', async (person: Person) => (await signUpInBrowser(person)).token],
  ])(
    '%s: their link, though the newest, activates nothing for the owner [R-43] [CWE-287] [CWE-640]',
    async (_how, strangerSignsUp) => {
      const { owner, stranger } = ownerAndStranger();
      const own = await signUpInBrowser(owner);
      const planted = await strangerSignsUp(stranger);

      const changed = await changedBy(server.admin, async () => {
        for (const browser of [own.browser, new Visitor(server.origin)]) {
          const answer = await follow(browser, planted);
          expect([answer.status, answer.text.includes(ASKED)]).toEqual([400, true]);
        }
        expect(code(await redeem(planted))).toMatchObject(PASSWORD_REQUIRED);
      });
      expect(changed).toEqual([]);
      const guessed = await follow(own.browser, planted, owner.password);
      expect([guessed.status, guessed.text.includes(WRONG)]).toEqual([400, true]);
      expect([await signIn(owner), await signIn(stranger)]).toEqual([401, 401]);

      // The control: their own link, which nobody has made worthless, in their own browser.
      expect((await follow(own.browser, own.token)).status).toBe(200);
      expect([await signIn(owner), await signIn(stranger)]).toEqual([200, 401]);
      for (const password of [undefined, stranger.password]) {
        expect(code(await redeem(planted, password))).toMatchObject({ code: 'invalid-token' });
      }
      expect(await countRows(server.admin, 'sign_ups WHERE folded = $1', [owner.email])).toBe(0);
    },
  );

  test('more often than it is mailed: the owner\u2019s link goes on working [R-43] [CWE-799]', async () => {
    const { owner, stranger } = ownerAndStranger();
    const own = await signUpInBrowser(owner);
    for (let round = 0; round < 7; round++) await signUpByProgram(stranger);
    expect((await follow(own.browser, own.token)).status).toBe(200);
    expect([await signIn(owner), await signIn(stranger)]).toEqual([200, 401]);
  });
});

describe('a stranger signs up with the address of somebody who never did', () => {
  test('whoever follows the link cannot activate it without the password [R-43] [CWE-287]', async () => {
    const { owner, stranger } = ownerAndStranger();
    const planted = await signUpByProgram(stranger);
    const curious = new Visitor(server.origin);
    const changed = await changedBy(server.admin, async () => {
      expect((await follow(curious, planted)).text).toContain(ASKED);
    });
    expect(changed).toEqual([]);
    const tried = await changedBy(server.admin, async () => {
      expect((await follow(curious, planted, owner.password)).text).toContain(WRONG);
    });
    expect(tried).toEqual(['security_events', 'sign_ups']);
    expect(await signIn(stranger)).toBe(401);

    const own = await signUpInBrowser(owner);
    expect((await follow(own.browser, own.token)).status).toBe(200);
    expect([await signIn(owner), await signIn(stranger)]).toEqual([200, 401]);
  });

  test('the control: who signed up elsewhere confirms with the password of then', async () => {
    const byProgram = newPerson();
    const token = await signUpByProgram(byProgram);
    expect((await follow(new Visitor(server.origin), token, byProgram.password)).status).toBe(200);
    const onLaptop = newPerson();
    const { token: mailed } = await signUpInBrowser(onLaptop);
    const phone = new Visitor(server.origin);
    expect((await follow(phone, mailed)).text).toContain(ASKED);
    expect((await follow(phone, mailed, onLaptop.password)).status).toBe(200);
    expect([await signIn(byProgram), await signIn(onLaptop)]).toEqual([200, 200]);
  });
});

describe('a program confirms', () => {
  test('with the token alone where no browser signed up for the address', async () => {
    const person = newPerson();
    expect((await redeem(await signUpByProgram(person))).status).toBe(200);
    expect(await signIn(person)).toBe(200);
  });

  test('with the password beside it as soon as one did, before or after [R-43]', async () => {
    for (const browserFirst of [true, false]) {
      const { owner, stranger } = ownerAndStranger();
      if (browserFirst) await signUpInBrowser(stranger);
      const own = await signUpByProgram(owner);
      if (!browserFirst) await signUpInBrowser(stranger);
      const changed = await changedBy(server.admin, async () => {
        expect(code(await redeem(own))).toMatchObject(PASSWORD_REQUIRED);
      });
      expect(changed).toEqual([]);
      expect(code(await redeem(own, stranger.password))).toMatchObject({
        code: 'invalid-fields',
        errors: [{ field: 'password', reason: 'wrong-password' }],
      });
      expect((await redeem(own, owner.password)).status).toBe(200);
      expect([await signIn(owner), await signIn(stranger)]).toEqual([200, 401]);
    }
  });

  test('a sign-up in a browser with its token and its password, never with the token alone', async () => {
    const person = newPerson();
    const { token } = await signUpInBrowser(person);
    expect(code(await redeem(token))).toMatchObject(PASSWORD_REQUIRED);
    expect((await redeem(token, person.password)).status).toBe(200);
  });

  test('a browser\u2019s script as that browser: its cookie counts, and another\u2019s does not', async () => {
    const { owner, stranger } = ownerAndStranger();
    const own = await signUpInBrowser(owner);
    const planted = await signUpByProgram(stranger);
    const page = await own.browser.get('/confirm-email');
    own.browser.csrfToken = fieldValue(page.text, '_csrf');
    const send = (token: string) => own.browser.send('POST', '/api/email-confirmations', { token });
    expect(code(await send(planted))).toMatchObject(PASSWORD_REQUIRED);
    expect((await send(own.token)).status).toBe(200);
  });
});

describe('passwords tried beside a mailed token', () => {
  test('are five at most, also at the same moment; then the token is dead [R-50] [CWE-307]', async () => {
    const person = newPerson();
    const { browser, token } = await signUpInBrowser(person);
    const guess = (password: string) => ({
      path: '/api/email-confirmations',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, password }),
    });
    const answers = await sendAtOnce(
      server.origin,
      Array.from({ length: 20 }, (_, index) => guess(`violet kettle ${index} orbit`)),
    );
    expect(answers.filter((answer) => code(answer).code === 'invalid-fields')).toHaveLength(5);
    expect(answers.filter((answer) => code(answer).code === 'invalid-token')).toHaveLength(15);
    expect(
      await countRows(
        server.admin,
        `security_events WHERE kind = 'address-proof-failed'
        AND at > now() - INTERVAL '1 minute' AND reason = 'wrong-password'`,
      ),
    ).toBeGreaterThanOrEqual(5);
    const changed = await changedBy(server.admin, async () => {
      expect(code(await redeem(token, person.password))).toMatchObject({ code: 'invalid-token' });
      expect((await follow(new Visitor(server.origin), token)).status).toBe(400);
    });
    expect(changed).toEqual([]);
    // The control: the browser that signed up needs no password, and has lost nothing.
    expect((await follow(browser, token)).status).toBe(200);
    expect(await signIn(person)).toBe(200);
  });

  test('of a change of address do not matter: that is proved by its token', async () => {
    const person = await register(server.origin);
    const browser = new Visitor(server.origin);
    const { email, password } = person;
    await browser.send('POST', '/api/sign-in', { email, password });
    const moved = newPerson().email;
    await browser.send('POST', '/api/account/change-email', { email: moved });
    const token = await mailedToken(server.origin, moved);
    expect((await follow(new Visitor(server.origin), token)).status).toBe(200);
    expect(await signIn({ ...person, email: moved })).toBe(200);
  });
});

describe('a link opened from a mail that is read on another site', () => {
  const fromMail = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };

  test('comes without the browser\u2019s Strict cookie: the page first leads to itself, and keeps the cookie', async () => {
    const person = newPerson();
    const { browser, token } = await signUpInBrowser(person);
    const path = `/confirm-email?token=${token}`;
    const bare = await new Visitor(server.origin).get(path, fromMail);
    expect([bare.status, bare.setCookies]).toEqual([200, []]);
    expect(bare.text).toMatch(/http-equiv="refresh"/);
    expect(bare.text).not.toContain('<form');
    expect((await follow(browser, token)).status).toBe(200);
  });
});

test('the question for the password is asked in German too', async () => {
  const { token } = await signUpInBrowser(newPerson());
  const browser = new Visitor(server.origin);
  const page = await browser.get('/confirm-email');
  const form = { _csrf: fieldValue(page.text, '_csrf'), token };
  const german = { 'accept-language': 'de' };
  const asked = await browser.submit('/confirm-email', form, german);
  expect(asked.text).toContain('das Sie bei der Registrierung gewählt haben');
  const wrong = await browser.submit('/confirm-email', { ...form, password: 'x' }, german);
  expect(wrong.text).toContain('Das ist nicht Ihr Passwort.');
  for (const { text } of [asked, wrong]) expect(fieldValue(text, 'token')).toBe(token);
});
