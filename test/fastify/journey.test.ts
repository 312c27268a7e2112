import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Visitor } from '../support/client.ts';
import { mailedToken, mailsTo, newPerson } from '../support/people.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

describe('the journey over the JSON API', () => {
  test('sign up, prove the address, sign in, read and edit the profile, sign out', async () => {
    const person = newPerson();
    const { email, password, displayName } = person;
    const browser = new Visitor(server.origin);

    const signUp = await browser.send('POST', '/api/sign-up', person);
    expect([signUp.status, signUp.json()]).toEqual([202, { status: 'check-mail' }]);
    expect(await browser.send('POST', '/api/sign-in', { email, password })).toHaveProperty(
      'status',
      401,
    );

    const token = await mailedToken(server.origin, email);
    expect(await mailsTo(server.origin, email)).toHaveLength(1);
    const confirmed = await browser.send('POST', '/api/email-confirmations', { token });
    expect(confirmed.status).toBe(200);

    const signIn = await browser.send('POST', '/api/sign-in', { email, password });
    expect(signIn.status).toBe(200);
    expect(Object.keys(signIn.json()).toSorted()).toEqual(['csrfToken', 'session']);

    const session = await browser.get('/api/session');
    expect(session.status).toBe(200);
    expect(session.json()).toMatchObject({
      identity: { email, displayName },
      session: signIn.json().session,
    });

    const patch = await browser.send('PATCH', '/api/account/profile', { displayName: 'Grace' });
    expect([patch.status, patch.json()]).toEqual([200, { displayName: 'Grace' }]);
    expect((await browser.get('/api/account/profile')).json()).toEqual({ displayName: 'Grace' });

    const copied = browser.cookieHeader();
    const signOut = await browser.send('POST', '/api/sign-out');
    expect(signOut.status).toBe(204);
    expect(signOut.headers['clear-site-data']).toBe('"cache", "storage"');
    expect([...browser.cookies.keys()]).toEqual(['__Host-device']);
    expect((await browser.get('/api/session', copied)).status).toBe(401);
  });
});
