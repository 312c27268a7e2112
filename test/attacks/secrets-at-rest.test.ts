import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSecret, proofOf, synchronizerTokenOf } from '../../src/core/secret.ts';
import { type TestApp, startTestApp } from '../support/apps.ts';
import { ask, fieldValue, Visitor, type Answer } from '../support/client.ts';
import { mailedToken, newPerson } from '../support/people.ts';
import { rowsOf } from '../support/rows.ts';

let app: TestApp;
let journey: Journey;
beforeAll(async () => {
  app = await startTestApp();
  journey = await travel();
});
afterAll(() => app.close());

interface Journey {
  /** What nobody may find again, by what it is. */
  readonly secrets: Readonly<Record<string, string | Buffer>>;
  readonly answers: readonly Answer[];
}

/** Everything that a person does, right and wrong, and what came back. */
async function travel(): Promise<Journey> {
  const answers: Answer[] = [];
  const noted = async (answer: Promise<Answer>) => {
    answers.push(await answer);
    return await answer;
  };
  const person = newPerson();
  const typo = `${person.password} with a slip`;
  const browser = new Visitor(app.origin);
  await noted(browser.send('POST', '/api/sign-up', person));
  const replaced = await mailedToken(app.origin, person.email);
  await noted(browser.send('POST', '/api/sign-up', person));
  const token = await mailedToken(app.origin, person.email);
  await browser.get(`/confirm-email?token=${token}`);
  await noted(browser.get(`/nowhere?token=${token}&password=${person.password.split(' ')[0]}`));
  for (const each of [replaced, token, token]) {
    await noted(new Visitor(app.origin).send('POST', '/api/email-confirmations', { token: each }));
  }
  const signIn = { email: person.email, password: person.password };
  await noted(new Visitor(app.origin).send('POST', '/api/sign-in', { ...signIn, password: typo }));
  await noted(new Visitor(app.origin).send('POST', '/api/sign-in', { ...signIn, x: typo }));
  await noted(new Visitor(app.origin).send('POST', '/api/sign-in', [typo, token]));
  const malformed = `{"password":"${person.password}`;
  const headers = { 'content-type': 'application/json' };
  await noted(ask(app.origin, '/api/sign-in', { method: 'POST', headers, body: malformed }));
  browser.cookies.clear();
  const signedIn = await browser.send('POST', '/api/sign-in', signIn);
  expect(signedIn.status).toBe(200);
  const cookie = browser.cookies.get('__Host-session') ?? '';
  const csrfToken = browser.csrfToken ?? '';
  await browser.get('/api/session');
  const page = await browser.get('/account');
  await browser.send('PATCH', '/api/account/profile', { displayName: 'Grace' });
  await noted(
    ask(app.origin, '/api/sign-out', {
      method: 'POST',
      headers: { ...browser.cookieHeader(), origin: 'http://evil.example', ...headers },
      body: JSON.stringify({ token: csrfToken }),
    }),
  );
  const secret = parseSecret(cookie);
  if (!secret) throw new Error('the session cookie is no secret');
  return {
    secrets: {
      password: person.password,
      'mistyped password': typo,
      'replaced token': replaced,
      token,
      cookie,
      'session secret': secret.bytes,
      proof: proofOf(secret),
      'synchronizer token': synchronizerTokenOf(secret, 1),
      'masked synchronizer token': csrfToken,
      'field token': fieldValue(page.text, '_csrf'),
      'encryption key': app.core.encryptionKey,
    },
    answers,
  };
}

/** Each way in which the secret could be written down. */
function encodings(secret: string | Buffer): readonly string[] {
  const forms = [Buffer.from(secret)];
  if (typeof secret === 'string' && /^[0-9a-f]{64}$/.test(secret)) {
    forms.push(Buffer.from(secret, 'hex'));
  }
  if (typeof secret === 'string' && /^[\w-]{43,}$/.test(secret)) {
    forms.push(Buffer.from(secret, 'base64url'));
  }
  return forms.flatMap((bytes) => [
    bytes.toString('latin1'),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    bytes.toString('base64').replaceAll('=', ''),
    bytes.toString('base64url'),
    JSON.stringify([...bytes]).slice(1, -1),
    encodeURIComponent(bytes.toString('latin1')),
    bytes.toString('latin1').replaceAll(' ', '+'),
  ]);
}

function found(text: string): readonly string[] {
  return Object.entries(journey.secrets).flatMap(([name, secret]) =>
    encodings(secret).some((form) => text.includes(form)) ? [name] : [],
  );
}

const SQL =
  /\b(select|insert into|update|delete from|begin|commit)\b.*\b(sallyport\.|from|set)\b/is;

describe('whoever reads the database finds nothing to come in with', () => {
  test('no password, token, cookie, proof or synchronizer token in any table, in any encoding [ASVS 14.2.4] [ASVS 11.5.1] [ASVS 7.2.2] [CWE-312] [CWE-522]', async () => {
    const rows = await rowsOf(app.admin);
    const text = Object.values(rows).flat().join('\n');
    expect(found(text)).toEqual([]);
    expect(rows['sessions']).toHaveLength(1);
    expect(text).toContain('$argon2id$');
    // The search finds what is there: the address, which is no secret.
    expect(text).toContain('@example.com');
  });

  test('not in what the server remembers of statements either: values are bind parameters [ASVS 1.2.4]', async () => {
    const { rows } = await app.admin.query<{ query: string }>('SELECT query FROM pg_stat_activity');
    expect(found(rows.map(({ query }) => query).join('\n'))).toEqual([]);
  });

  test('the digest of the proof is no proof: sent as a cookie it opens nothing', async () => {
    const { rows } = await app.admin.query<{ proof_digest: string; synchronizer_digest: string }>(
      'SELECT proof_digest, synchronizer_digest FROM sallyport.sessions',
    );
    const cookieOf = (value: string) => ({ headers: { cookie: `__Host-session=${value}` } });
    for (const digest of Object.values(rows[0] ?? {})) {
      const asSecret = Buffer.from(digest, 'hex').toString('base64url');
      for (const value of [digest, asSecret]) {
        expect((await ask(app.origin, '/api/session', cookieOf(value))).status).toBe(401);
      }
    }
    const cookie = cookieOf(String(journey.secrets['cookie']));
    expect((await ask(app.origin, '/api/session', cookie)).status).toBe(200);
  });

  test('nor does the proof itself, which the database gets to see', async () => {
    const proof = Buffer.from(String(journey.secrets['proof']), 'hex').toString('base64url');
    const headers = { cookie: `__Host-session=${proof}` };
    expect((await ask(app.origin, '/api/session', { headers })).status).toBe(401);
  });

  test('security events hold codes, and nothing that anybody typed [ASVS 16.2.5]', async () => {
    const { rows } = await app.admin.query<Record<string, unknown>>(
      'SELECT kind, reason FROM sallyport.security_events',
    );
    expect(rows.length).toBeGreaterThan(4);
    for (const { kind, reason } of rows) {
      expect(kind).toMatch(/^[a-z-]+$/);
      expect(reason ?? 'none').toMatch(/^[a-z-]+$/);
    }
  });
});

describe('whoever reads the log finds nothing to come in with [CWE-532] [ASVS 16.2.5]', () => {
  test('after a journey with every ordinary mistake, at the level that logs the most', () => {
    expect(found(app.log())).toEqual([]);
    expect(app.log()).not.toMatch(SQL);
    expect(app.log()).toContain('"level":');
  });

  test('when a statement fails whose row holds a hash: neither the row nor the SQL [ASVS 16.3.4]', async () => {
    const person = newPerson();
    await app.admin.query(
      `ALTER TABLE sallyport.sign_ups ADD CONSTRAINT broken CHECK (display_name <> 'broken')`,
    );
    const answer = await new Visitor(app.origin).send('POST', '/api/sign-up', {
      ...person,
      displayName: 'broken',
    });
    await app.admin.query('ALTER TABLE sallyport.sign_ups DROP CONSTRAINT broken');
    expect([answer.status, answer.json()]).toMatchObject([500, { code: 'internal' }]);
    expect(answer.text).not.toMatch(/argon2|constraint|broken|sign_ups/);

    const log = app.log();
    expect(log).toContain('request failed');
    expect(log).toContain('23514');
    expect(log).not.toContain('argon2id');
    expect(log).not.toContain(person.email);
    expect(log).not.toContain(person.password);
    expect(log).not.toMatch(SQL);
  });

  test('when a function of the database fails: not the statement that it was in', async () => {
    await app.admin.query('ALTER TABLE sallyport.email_addresses RENAME TO gone');
    const headers = { cookie: `__Host-session=${String(journey.secrets['cookie'])}` };
    const answer = await ask(app.origin, '/api/session', { headers });
    await app.admin.query('ALTER TABLE sallyport.gone RENAME TO email_addresses');
    expect(answer.status).toBe(500);
    expect(answer.text).not.toMatch(/email_addresses|sallyport\./);
    const log = app.log();
    expect(log).toContain('42P01');
    expect(found(log)).toEqual([]);
    expect(log).not.toMatch(SQL);
    expect((await ask(app.origin, '/api/session', { headers })).status).toBe(200);
  });
});

describe('whoever reads a refusal finds nothing that was sent', () => {
  test('no password, token or cookie comes back, and no SQL [CWE-209] [ASVS 16.5.1]', () => {
    const refusals = journey.answers.filter(({ status }) => status >= 400);
    expect(refusals.length).toBeGreaterThan(5);
    for (const { text, headers } of refusals) {
      expect(found(text + JSON.stringify(headers))).toEqual([]);
      expect(text).not.toMatch(SQL);
    }
  });
});
