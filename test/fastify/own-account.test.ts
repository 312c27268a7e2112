import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ageProof, countRows, whoIs } from '../support/accounts.ts';
import { ask, type Answer, Visitor } from '../support/client.ts';
import { mailsTo, newcomer, newPerson, register, signedIn } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const NEW_PASSWORD = 'copper lantern under 81 bridges';

function problemOf(answer: Answer): unknown {
  return [answer.status, answer.json().code];
}

const reauthenticate = (browser: Visitor, password: string) =>
  browser.send('POST', '/api/re-authentication', { password });

const changePassword = (browser: Visitor, currentPassword: string, newPassword = NEW_PASSWORD) =>
  browser.send('POST', '/api/account/change-password', { currentPassword, newPassword });

/** The same requests with the cookies and the token of an earlier moment. */
function copyOf(browser: Visitor): Visitor {
  const copy = new Visitor(browser.origin);
  for (const [name, value] of browser.cookies) copy.cookies.set(name, value);
  copy.csrfToken = browser.csrfToken;
  return copy;
}

describe('a sensitive change asks for a proof of the last five minutes', () => {
  const SENSITIVE: readonly {
    readonly name: string;
    readonly status: number;
    readonly send: (browser: Visitor, other: Visitor) => Promise<Answer>;
  }[] = [
    {
      name: 'DELETE /api/sessions/{id}',
      status: 204,
      send: async (browser, other) =>
        browser.send('DELETE', `/api/sessions/${(await whoIs(other)).session.id}`),
    },
    {
      name: 'DELETE /api/sessions',
      status: 204,
      send: (browser) => browser.send('DELETE', '/api/sessions'),
    },
    {
      name: 'POST /api/account/change-email',
      status: 202,
      send: (browser) =>
        browser.send('POST', '/api/account/change-email', { email: newPerson().email }),
    },
    {
      name: 'POST /api/account/delete',
      status: 202,
      send: (browser) => browser.send('POST', '/api/account/delete'),
    },
  ];

  test.each(SENSITIVE)('$name [ASVS 7.5.1] [ASVS 7.5.3] [CWE-306]', async ({ send, status }) => {
    const { person, browser } = await newcomer(server.origin);
    const other = await signedIn(server.origin, person);
    await ageProof(server.admin, browser);
    const changed = await changedBy(server.admin, async () => {
      expect(problemOf(await send(browser, other))).toEqual([401, 'step-up-required']);
    });
    expect(changed).toEqual([]);
    expect((await other.get('/api/session')).status).toBe(200);

    expect((await reauthenticate(browser, person.password)).status).toBe(200);
    expect((await send(browser, other)).status).toBe(status);
  });

  test('four minutes are fresh, and what asks for nothing passes after six', async () => {
    const { browser } = await newcomer(server.origin);
    await ageProof(server.admin, browser, 4);
    expect((await browser.send('DELETE', '/api/sessions')).status).toBe(204);
    await ageProof(server.admin, browser, 6);
    expect((await browser.get('/api/sessions')).status).toBe(200);
    const patch = await browser.send('PATCH', '/api/account/profile', { displayName: 'Ada' });
    expect(patch.status).toBe(200);
  });

  test("one browser's fresh proof is not another's [R-25]", async () => {
    const { person, browser } = await newcomer(server.origin);
    const stale = await signedIn(server.origin, person);
    await ageProof(server.admin, stale);
    expect((await reauthenticate(browser, person.password)).status).toBe(200);
    const changed = await changedBy(server.admin, async () => {
      const refused = await stale.send('DELETE', '/api/sessions');
      expect(problemOf(refused)).toEqual([401, 'step-up-required']);
    });
    expect(changed).toEqual([]);
  });
});

describe('POST /api/re-authentication', () => {
  test('gives the same session of the same identity a new secret and token; the old ones are dead [R-25] [ASVS 7.2.4] [ASVS 7.5.3]', async () => {
    const { person, browser } = await newcomer(server.origin);
    await ageProof(server.admin, browser);
    const before = await whoIs(browser);
    const old = copyOf(browser);

    const answer = await reauthenticate(browser, person.password);
    expect([answer.status, Object.keys(answer.json())]).toEqual([200, ['csrfToken']]);
    const after = await whoIs(browser);
    expect(after.identity).toEqual(before.identity);
    expect(after.session.id).toBe(before.session.id);
    expect(Date.parse(after.session.authenticatedAt)).toBeGreaterThan(Date.now() - 60_000);

    expect(browser.cookies.get('__Host-session')).not.toBe(old.cookies.get('__Host-session'));
    const changed = await changedBy(server.admin, async () => {
      expect((await old.get('/api/session')).status).toBe(401);
      const stolen = await old.send('PATCH', '/api/account/profile', { displayName: 'Old' });
      expect(stolen.status).toBe(401);
      // The new cookie with the token of before: an old tab reloads, and nothing is changed.
      const mixed = copyOf(browser);
      mixed.csrfToken = old.csrfToken;
      const refused = await mixed.send('PATCH', '/api/account/profile', { displayName: 'Old' });
      expect(problemOf(refused)).toEqual([403, 'synchronizer-token-mismatch']);
    });
    expect(changed).toEqual([]);
    const patch = await browser.send('PATCH', '/api/account/profile', { displayName: 'New' });
    expect(patch.status).toBe(200);
  });

  test('with a wrong password rotates nothing and proves nothing [R-25]', async () => {
    const { person, browser } = await newcomer(server.origin);
    const other = await newcomer(server.origin, 'Grace');
    await ageProof(server.admin, browser);
    const wrong = [`${person.password}!`, '', other.person.password, person.email];
    const changed = await changedBy(server.admin, async () => {
      for (const password of wrong) {
        const answer = await reauthenticate(browser, password);
        expect(problemOf(answer)).toEqual([401, 'wrong-credentials']);
        expect(answer.setCookies).toEqual([]);
      }
    });
    expect(changed).toEqual(['security_events']);
    expect(problemOf(await browser.send('DELETE', '/api/sessions'))).toEqual([
      401,
      'step-up-required',
    ]);
    expect((await reauthenticate(browser, person.password)).status).toBe(200);
  });

  test("never takes an identity from the request: another's address and password prove nothing [R-25] [CWE-639]", async () => {
    const { browser } = await newcomer(server.origin);
    const { person: other } = await newcomer(server.origin, 'Grace');
    const { email, password } = other;
    const before = await whoIs(browser);
    const changed = await changedBy(server.admin, async () => {
      const answer = await browser.send('POST', '/api/re-authentication', { email, password });
      expect(problemOf(answer)).toEqual([400, 'invalid-fields']);
    });
    expect(changed).toEqual([]);
    expect(await whoIs(browser)).toEqual(before);
  });

  test('sent 20 times at once rotates as often as it says so, and the last cookie works', async () => {
    const { person, browser } = await newcomer(server.origin);
    const copies = Array.from({ length: 20 }, () => copyOf(browser));
    const answers = await Promise.all(
      copies.map(async (copy) => (await reauthenticate(copy, person.password)).status),
    );
    // One found the secret that all of them had; 429 and 503 say that nothing was checked.
    expect(answers.filter((status) => status === 200)).toHaveLength(1);
    expect(answers.every((status) => [200, 401, 429, 503].includes(status))).toBe(true);
    const alive = await Promise.all(
      copies.map(async (copy) => (await copy.get('/api/session')).status),
    );
    expect(alive.filter((status) => status === 200)).toHaveLength(1);
  });
});

describe('POST /api/account/change-password', () => {
  test('replaces the hash, ends every other session, rotates this one, and tells the owner [ASVS 6.2.2] [ASVS 6.2.3] [ASVS 6.3.7] [ASVS 7.4.3] [R-25]', async () => {
    const { person, browser } = await newcomer(server.origin);
    const other = await signedIn(server.origin, person);
    const bystander = await newcomer(server.origin, 'Grace');
    const { identity, session } = await whoIs(browser);
    const hash = async () =>
      (
        await server.admin.query('SELECT hash FROM sallyport.passwords WHERE identity_id = $1', [
          identity.id,
        ])
      ).rows[0].hash as string;
    const before = await hash();
    const old = copyOf(browser);

    const answer = await changePassword(browser, person.password);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(answer.setCookies.join()).toMatch(/__Host-session=/);
    expect(await hash()).not.toBe(before);
    expect(await hash()).toMatch(/^\$argon2id\$/);

    expect((await old.get('/api/session')).status).toBe(401);
    expect((await other.get('/api/session')).status).toBe(401);
    expect((await bystander.browser.get('/api/session')).status).toBe(200);

    // The old token is dead here too; the new one came in the readable cookie.
    const stale = await browser.send('PATCH', '/api/account/profile', { displayName: 'Old tab' });
    expect(problemOf(stale)).toEqual([403, 'synchronizer-token-mismatch']);
    browser.csrfToken = browser.cookies.get('__Host-csrf');
    const patch = await browser.send('PATCH', '/api/account/profile', { displayName: 'Still me' });
    expect(patch.status).toBe(200);
    expect((await whoIs(browser)).session.id).toBe(session.id);

    const signIn = (password: string) =>
      new Visitor(server.origin).send('POST', '/api/sign-in', { email: person.email, password });
    expect((await signIn(person.password)).status).toBe(401);
    expect((await signIn(NEW_PASSWORD)).status).toBe(200);
    const mails = await mailsTo(server.origin, person.email);
    expect(mails.map(({ subject }) => subject).join()).toMatch(/password/i);
    for (const { text } of mails) expect(text).not.toContain(NEW_PASSWORD);
  });

  test('refuses a wrong current password, and changes nothing [ASVS 6.2.3] [CWE-620]', async () => {
    const { person, browser } = await newcomer(server.origin);
    const other = await signedIn(server.origin, person);
    const changed = await changedBy(server.admin, async () => {
      for (const wrong of [`${person.password}!`, '', NEW_PASSWORD]) {
        const answer = await changePassword(browser, wrong);
        expect(problemOf(answer)).toEqual([400, 'invalid-fields']);
        expect(answer.json().errors).toEqual([
          { field: 'currentPassword', reason: 'wrong-password' },
        ]);
        expect(answer.setCookies).toEqual([]);
      }
    });
    expect(changed).toEqual(['security_events']);
    expect((await other.get('/api/session')).status).toBe(200);
  });

  test.each([
    ['too short', 'short'],
    ['common', 'passwordpassword'],
    ['one’s own', (email: string) => `${email}${email}`],
  ])('refuses a new password that is %s, and changes nothing [ASVS 6.2.4]', async (_, given) => {
    const { person, browser } = await newcomer(server.origin);
    const next = typeof given === 'string' ? given : given(person.email);
    const changed = await changedBy(server.admin, async () => {
      const answer = await changePassword(browser, person.password, next);
      expect(problemOf(answer)).toEqual([400, 'invalid-fields']);
      expect(answer.json().errors).toMatchObject([{ field: 'newPassword' }]);
    });
    expect(changed).toEqual([]);
    expect((await changePassword(browser, person.password)).status).toBe(204);
  });

  test('from two browsers at once succeeds in one, and the other has ended [CWE-362]', async () => {
    const person = await register(server.origin);
    const browsers = [
      await signedIn(server.origin, person),
      await signedIn(server.origin, person),
    ] as const;
    const passwords = [`${NEW_PASSWORD} a`, `${NEW_PASSWORD} b`] as const;
    const answers = await Promise.all([
      changePassword(browsers[0], person.password, passwords[0]),
      changePassword(browsers[1], person.password, passwords[1]),
    ]);
    const statuses = answers.map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)[0]).toBe(204);
    expect([400, 401]).toContain(Math.max(...statuses));
    const winner = statuses.indexOf(204);
    const { email } = person;
    for (const [index, password] of passwords.entries()) {
      const answer = await ask(server.origin, '/api/sign-in', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email, password }),
      });
      expect(answer.status).toBe(index === winner ? 200 : 401);
    }
    const mails = await mailsTo(server.origin, email);
    expect(mails.filter(({ subject }) => /password/i.test(subject))).toHaveLength(1);
    expect(
      await countRows(
        server.admin,
        `passwords AS w JOIN sallyport.email_addresses AS e USING (identity_id) WHERE e.folded = $1`,
        [email],
      ),
    ).toBe(1);
  });
});
