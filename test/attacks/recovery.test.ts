import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestApp, startTestApp } from '../support/apps.ts';
import { sendAtOnce } from '../support/at-once.ts';
import { type Answer, ask, fieldValue, Visitor } from '../support/client.ts';
import { queuedMails } from '../support/cores.ts';
import { newcomer, newPerson, type Person, register, signedIn } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());
beforeEach(() => app.admin.query('DELETE FROM sallyport.budgets'));

const NEW = 'quiet marble harbour lantern';
const json = (path: string, body: unknown) => ({
  path,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
const post = (path: string, body: unknown): Promise<Answer> => {
  const { path: to, ...rest } = json(path, body);
  return ask(app.origin, to, { method: 'POST', ...rest });
};
const signIn = (email: string, password: string) => post('/api/sign-in', { email, password });
const redeem = (token: string, password = NEW) =>
  post('/api/recoveries/confirmations', { token, password });

/** Mails that would be sent. */
async function sendable(to: string) {
  const { rows } = await app.admin.query<{ id: string }>(
    'SELECT id FROM sallyport.outbox WHERE expires_at > now()',
  );
  const live = new Set(rows.map(({ id }) => id));
  const { rows: all } = await app.admin.query<{ id: string }>(
    'SELECT id FROM sallyport.outbox WHERE body IS NOT NULL ORDER BY created_at',
  );
  const mails = await queuedMails(app);
  return mails.filter((mail, index) => mail.to === to && live.has(all[index]?.id ?? ''));
}

/** Asks for a link, and reads it in the mailbox. */
async function tokenFor(person: Person): Promise<string> {
  expect((await post('/api/recoveries', { email: person.email })).status).toBe(202);
  const mail = (await sendable(person.email)).findLast(({ kind }) => kind === 'password-recovery');
  if (mail?.kind !== 'password-recovery') throw new Error('no link was mailed');
  return mail.token;
}

describe('asking for a link', () => {
  test('is answered alike for every address; only the owner of one gets a mail [R-57] [CWE-204] [ASVS 6.3.8]', async () => {
    const known = await register(app.origin);
    const disabled = await register(app.origin);
    await app.admin.query(
      `UPDATE sallyport.identities SET disabled_at = now()
        WHERE id = (SELECT identity_id FROM sallyport.email_addresses WHERE folded = $1)`,
      [disabled.email],
    );
    const unproved = newPerson();
    await post('/api/sign-up', unproved);
    const before = (await sendable(unproved.email)).length;
    const unknown = newPerson();
    const seen: string[] = [];
    for (const { email } of [known, disabled, unproved, unknown]) {
      const changed = await changedBy(app.admin, async () => {
        const { status, text, headers } = await post('/api/recoveries', { email });
        seen.push(JSON.stringify([status, text, Object.keys(headers)]));
      });
      expect(changed).toEqual(['outbox', 'recoveries', 'security_events']);
    }
    expect(new Set(seen).size).toBe(1);
    expect(seen[0]).toContain('check-mail');
    const kinds = (await sendable(known.email)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'password-recovery')).toHaveLength(1);
    for (const { email } of [disabled, unknown]) {
      const mails = await sendable(email);
      expect(mails.filter(({ kind }) => kind === 'password-recovery')).toEqual([]);
    }
    expect(await sendable(unproved.email)).toHaveLength(before);
  });

  test('mails five links an hour to one address, and more only from a browser of the owner [CWE-799] [ASVS 2.3.2]', async () => {
    const { person, browser } = await newcomer(app.origin);
    const links = async () =>
      (await sendable(person.email)).filter(({ kind }) => kind === 'password-recovery').length;
    for (let time = 0; time < 7; time++) await post('/api/recoveries', { email: person.email });
    expect(await links()).toBe(5);
    await browser.send('POST', '/api/sign-out');
    expect((await browser.send('POST', '/api/recoveries', { email: person.email })).status).toBe(
      202,
    );
    expect(await links()).toBe(6);
  });

  test('ends for a network that asks for mails to whole lists [CWE-799]', async () => {
    await post('/api/recoveries', { email: newPerson().email });
    await app.admin.query(`UPDATE sallyport.budgets SET spent = quota WHERE kind = 'mail-network'`);
    for (const [path, body] of [
      ['/api/recoveries', { email: newPerson().email }],
      ['/api/confirmation-mails', { email: newPerson().email }],
      ['/api/sign-up', newPerson()],
    ] as const) {
      const answer = await post(path, body);
      expect([answer.status, answer.json().code], path).toEqual([429, 'too-many-attempts']);
    }
  });
});

describe('the mailed link', () => {
  test('chooses the password once, ends every session, and signs nobody in [R-37] [R-39] [ASVS 6.4.3] [ASVS 7.4.3]', async () => {
    const { person, browser } = await newcomer(app.origin);
    const bystander = await newcomer(app.origin);
    const token = await tokenFor(person);
    const answer = await redeem(token);
    expect([answer.status, answer.json()]).toEqual([200, { status: 'recovered' }]);
    expect(answer.setCookies).toEqual([]);
    expect((await browser.get('/api/session')).status).toBe(401);
    expect((await bystander.browser.get('/api/session')).status).toBe(200);
    expect((await signIn(person.email, person.password)).status).toBe(401);
    expect((await signIn(person.email, NEW)).status).toBe(200);
    const again = await redeem(token, newPerson().password);
    expect([again.status, again.json().code]).toEqual([400, 'invalid-token']);
    const kinds = (await sendable(person.email)).map(({ kind }) => kind);
    expect(kinds).toContain('password-recovered');
  });

  test('works for the newest request only, for 15 minutes, and not for another purpose [R-41] [ASVS 6.4.1]', async () => {
    const person = await register(app.origin);
    const [first, second] = [await tokenFor(person), await tokenFor(person)];
    expect((await redeem(first)).status).toBe(400);
    const { rows } = await app.admin.query<{ minutes: number }>(
      `SELECT round(extract(epoch FROM expires_at - created_at) / 60)::INT4 AS minutes
        FROM sallyport.recoveries WHERE folded = $1`,
      [person.email],
    );
    expect(rows).toEqual([{ minutes: 15 }]);
    for (const path of ['/api/email-confirmations', '/api/email-reversions'])
      expect((await post(path, { token: second })).status, path).toBe(400);
    await app.admin.query(`UPDATE sallyport.recoveries SET expires_at = now()`);
    expect((await redeem(second)).status).toBe(400);
    expect((await signIn(person.email, person.password)).status).toBe(200);
  });

  test('50 redemptions at the same moment: one succeeds [CWE-362] [CWE-294] [R-39]', async () => {
    const person = await register(app.origin);
    const token = await tokenFor(person);
    const passwords = Array.from({ length: 50 }, () => newPerson().password);
    const answers = await sendAtOnce(
      app.origin,
      passwords.map((password) => json('/api/recoveries/confirmations', { token, password })),
    );
    const won = answers.flatMap(({ status }, index) => (status === 200 ? [index] : []));
    expect(won).toHaveLength(1);
    for (const { status } of answers) expect([200, 400, 503]).toContain(status);
    expect((await signIn(person.email, passwords[won[0] ?? -1] ?? '')).status).toBe(200);
  });

  test('consumes nothing when it is opened, by whomever: only its form does [R-37] [CWE-294]', async () => {
    const person = await register(app.origin);
    const token = await tokenFor(person);
    const path = `/reset-password?token=${token}`;
    const opened = await changedBy(app.admin, async () => {
      for (const method of ['GET', 'HEAD']) {
        expect((await ask(app.origin, path, { method })).status).toBe(200);
        expect(
          (await ask(app.origin, path, { method, headers: { purpose: 'prefetch' } })).status,
        ).toBe(200);
      }
    });
    expect(opened).toEqual([]);
    const visitor = new Visitor(app.origin);
    const page = await visitor.get(path);
    expect(page.text).toContain('<meta name="referrer" content="strict-origin"');
    const fields = { token: fieldValue(page.text, 'token'), password: NEW };
    expect(
      (
        await new Visitor(app.origin).submit('/reset-password', {
          ...fields,
          _csrf: fieldValue(page.text, '_csrf'),
        })
      ).status,
    ).toBe(403);
    const weak = await visitor.submit('/reset-password', {
      ...fields,
      password: 'short',
      _csrf: fieldValue(page.text, '_csrf'),
    });
    expect(weak.status).toBe(400);
    expect(fieldValue(weak.text, 'token')).toBe(token);
    const done = await visitor.submit('/reset-password', {
      ...fields,
      _csrf: fieldValue(weak.text, '_csrf'),
    });
    expect([done.status, done.setCookies.join().includes('__Host-session')]).toEqual([200, false]);
    expect((await signIn(person.email, NEW)).status).toBe(200);
  });

  test('calls a pending change of address off, and dies with the address [R-38] [CWE-640]', async () => {
    const { person, browser } = await newcomer(app.origin);
    const target = newPerson();
    expect(
      (await browser.send('POST', '/api/account/change-email', { email: target.email })).status,
    ).toBe(202);
    const change = (await sendable(target.email)).findLast(({ kind }) => kind === 'email-change');
    const token = await tokenFor(person);
    expect((await redeem(token)).status).toBe(200);
    const confirm = { token: change?.kind === 'email-change' ? change.token : '' };
    expect((await post('/api/email-confirmations', confirm)).status).toBe(400);

    const stale = await tokenFor(person);
    await app.admin.query(
      `UPDATE sallyport.email_addresses SET folded = $2, address = $2 WHERE folded = $1`,
      [person.email, target.email],
    );
    expect((await redeem(stale)).status).toBe(400);
  });

  test('opens nothing that it cannot: no token, another one, one of a disabled identity', async () => {
    const person = await register(app.origin);
    const token = await tokenFor(person);
    await app.admin.query(
      `UPDATE sallyport.identities SET disabled_at = now()
        WHERE id = (SELECT identity_id FROM sallyport.email_addresses WHERE folded = $1)`,
      [person.email],
    );
    for (const each of [token, '', 'x', `${token.slice(0, -1)}A`, token.toUpperCase()])
      expect((await redeem(each)).status).toBe(400);
  });

  test('knows of other browsers no more: each is new again [ASVS 6.3.5]', async () => {
    const person = await register(app.origin);
    await signedIn(app.origin, person);
    expect((await redeem(await tokenFor(person))).status).toBe(200);
    const { rows } = await app.admin.query(
      `SELECT 1 FROM sallyport.devices AS d
        JOIN sallyport.email_addresses AS e ON e.identity_id = d.identity_id WHERE e.folded = $1`,
      [person.email],
    );
    expect(rows).toEqual([]);
  });
});

describe('the confirmation of a sign-up, mailed again', () => {
  const tokensTo = async (email: string) =>
    (await sendable(email)).flatMap((mail) => (mail.kind === 'sign-up' ? [mail.token] : []));

  test('has a new token, and the old one is dead; nothing lasts longer for it [R-41]', async () => {
    const person = newPerson();
    await post('/api/sign-up', person);
    const ends = `SELECT expires_at FROM sallyport.sign_ups WHERE folded = $1`;
    const before = await app.admin.query(ends, [person.email]);
    expect((await post('/api/confirmation-mails', { email: person.email })).status).toBe(202);
    expect((await app.admin.query(ends, [person.email])).rows).toEqual(before.rows);
    const [first = '', second = ''] = await tokensTo(person.email);
    expect(second).not.toBe('');
    expect((await post('/api/email-confirmations', { token: first })).status).toBe(400);
    expect((await post('/api/email-confirmations', { token: second })).status).toBe(200);
    expect((await signIn(person.email, person.password)).status).toBe(200);
  });

  test('goes to nobody who has not signed up there, with the same answer [R-57] [CWE-204] [R-43]', async () => {
    const owner = await register(app.origin);
    const pending = newPerson();
    const browser = new Visitor(app.origin);
    await browser.get('/sign-up');
    const page = await browser.get('/sign-up');
    await browser.submit('/sign-up', { ...pending, _csrf: fieldValue(page.text, '_csrf') });
    const expired = newPerson();
    await post('/api/sign-up', expired);
    await app.admin.query(`UPDATE sallyport.sign_ups SET expires_at = now() WHERE folded = $1`, [
      expired.email,
    ]);
    const answers = new Set<string>();
    for (const { email } of [owner, pending, expired, newPerson()]) {
      const sent = (await sendable(email)).length;
      const answer = await post('/api/confirmation-mails', { email });
      answers.add(JSON.stringify([answer.status, answer.text]));
      expect(await sendable(email)).toHaveLength(sent);
    }
    expect(answers.size).toBe(1);
    const again = await browser.submit('/resend-confirmation', {
      email: pending.email,
      _csrf: fieldValue((await browser.get('/sign-up')).text, '_csrf'),
    });
    expect(again.status).toBe(200);
    expect(await tokensTo(pending.email)).toHaveLength(2);
  });
});
