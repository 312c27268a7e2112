import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Visitor } from '../support/client.ts';
import { mailedToken, mailsTo, newPerson, type Person } from '../support/people.ts';
import { changedBy, rowsOf } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const post = (path: string, body: unknown) => new Visitor(server.origin).send('POST', path, body);

async function signUp(person: Person): Promise<string> {
  expect((await post('/api/sign-up', person)).status).toBe(202);
  return await mailedToken(server.origin, person.email);
}

const redeem = async (token: string) => (await post('/api/email-confirmations', { token })).status;

const signIn = async ({ email, password }: Person) =>
  (await post('/api/sign-in', { email, password })).status;

/** The address of the owner, with what the attacker would like to get in with. */
function ownerAndAttacker() {
  const owner = newPerson('Owner');
  const attacker = {
    email: owner.email,
    password: 'eleven otters juggle lanterns',
    displayName: newPerson('Mallory').displayName,
  };
  return { owner, attacker };
}

/** What of the attacker's is stored anywhere: their name, and the hash of their password. */
async function traces(attacker: Person, hash: string): Promise<readonly string[]> {
  const rows = Object.values(await rowsOf(server.admin)).flat();
  return rows.filter((row) => row.includes(attacker.displayName) || row.includes(hash));
}

async function pendingHash(email: string): Promise<string> {
  const { rows } = await server.admin.query<{ password_hash: string }>(
    'SELECT password_hash FROM sallyport.sign_ups WHERE folded = $1',
    [email],
  );
  expect(rows).toHaveLength(1);
  return rows[0]?.password_hash ?? '';
}

describe('an attacker signs up with the address of somebody who comes later', () => {
  test('their password never works, their link is dead, nothing of theirs stays [R-43] [CWE-287]', async () => {
    const { owner, attacker } = ownerAndAttacker();
    const planted = await signUp(attacker);
    const hash = await pendingHash(owner.email);
    expect(await traces(attacker, hash)).toHaveLength(1);
    expect(await signIn(attacker)).toBe(401);

    const own = await signUp(owner);
    expect(await traces(attacker, hash)).toEqual([]);
    expect(await redeem(planted)).toBe(400);
    expect(await redeem(own)).toBe(200);

    expect(await signIn(owner)).toBe(200);
    expect(await signIn(attacker)).toBe(401);
    expect(await redeem(planted)).toBe(400);
    expect(await traces(attacker, hash)).toEqual([]);
  });

  test('in another spelling of the address: the same [R-43] [R-47]', async () => {
    const { owner, attacker } = ownerAndAttacker();
    const shouted = { ...attacker, email: attacker.email.toUpperCase() };
    expect((await post('/api/sign-up', shouted)).status).toBe(202);
    const hash = await pendingHash(owner.email);
    const own = await signUp(owner);
    expect(await traces(attacker, hash)).toEqual([]);
    expect(await redeem(own)).toBe(200);
    for (const spelling of [attacker, shouted]) expect(await signIn(spelling)).toBe(401);
    expect(await signIn(owner)).toBe(200);
    const browser = new Visitor(server.origin);
    await browser.send('POST', '/api/sign-in', { email: owner.email, password: owner.password });
    expect((await browser.get('/api/session')).json()).toMatchObject({
      identity: { email: owner.email, displayName: owner.displayName },
    });
  });

  test('many times over: the owner\u2019s own, last one counts [R-43]', async () => {
    const { owner, attacker } = ownerAndAttacker();
    const planted: string[] = [];
    for (let round = 0; round < 3; round++) planted.push(await signUp(attacker));
    const own = await signUp(owner);
    for (const token of planted) expect(await redeem(token)).toBe(400);
    expect(await redeem(own)).toBe(200);
    expect([await signIn(owner), await signIn(attacker)]).toEqual([200, 401]);
  });

  test('a session cannot be had before the address is proved', async () => {
    const { attacker } = ownerAndAttacker();
    await signUp(attacker);
    const changed = await changedBy(server.admin, async () => {
      expect(await signIn(attacker)).toBe(401);
    });
    expect(changed).toEqual(['security_events']);
  });
});

describe('an attacker signs up with the address of somebody who was there before', () => {
  test('and had proved it: only a mail to the owner comes of it [R-43]', async () => {
    const { owner, attacker } = ownerAndAttacker();
    expect(await redeem(await signUp(owner))).toBe(200);
    const changed = await changedBy(server.admin, async () => {
      expect((await post('/api/sign-up', attacker)).status).toBe(202);
    });
    // A row that expires as it is made, and a token that nobody is sent: the same work as for an
    // address that nobody has (CWE-208).
    expect(changed).toEqual(['one_time_tokens', 'outbox', 'security_events', 'sign_ups']);
    const [mail] = await mailsTo(server.origin, owner.email);
    expect(mail?.links).toEqual([`${server.origin}/sign-in`]);
    expect(mail?.text).not.toContain('Mallory');
    expect([await signIn(owner), await signIn(attacker)]).toEqual([200, 401]);
    expect(await traces(attacker, attacker.displayName)).toEqual([]);
  });

  // The owner's link answers that it does not work, and they sign up again. Whoever redeems the
  // attacker's link instead proves the address for what the attacker typed: the mail and the page
  // say to go on only if one has just signed up oneself.
  test('and had not: the owner\u2019s link never turns into the attacker\u2019s account [R-43]', async () => {
    const { owner, attacker } = ownerAndAttacker();
    const own = await signUp(owner);
    const planted = await signUp(attacker);
    const hash = await pendingHash(owner.email);
    const changed = await changedBy(server.admin, async () => {
      expect(await redeem(own)).toBe(400);
    });
    expect(changed).toEqual([]);
    expect([await signIn(owner), await signIn(attacker)]).toEqual([401, 401]);

    const again = await signUp(owner);
    expect(await redeem(planted)).toBe(400);
    expect(await redeem(again)).toBe(200);
    expect([await signIn(owner), await signIn(attacker)]).toEqual([200, 401]);
    expect(await traces(attacker, hash)).toEqual([]);
  });
});
