import { describe, expect, test } from 'vitest';
import { ageProof, countRows, whoIs } from '../support/accounts.ts';
import { ask, fieldValue, Visitor } from '../support/client.ts';
import {
  changeAddress,
  confirm,
  confirmToken,
  linkedTokens,
  ownerOf,
  requestChange,
  revert,
  revertToken,
  startEmailChangeServer,
} from '../support/email-changes.ts';
import { mailsTo, newcomer, newPerson, type Person, signedIn } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';

const server = await startEmailChangeServer();
const { origin } = server;

const fresh = () => newPerson('New').email;

/** Their password and their address: whoever has both can sign in. */
const at = (person: Person, email: string): Person => ({ ...person, email });

const letReservationsEnd = (folded: string) =>
  server.admin.query('UPDATE sallyport.email_reversions SET expires_at = now() WHERE folded = $1', [
    folded,
  ]);

describe('the way back that was mailed to the old address', () => {
  test('calls a change off that was not confirmed yet, and ends every session', async () => {
    const { person, browser } = await newcomer(origin);
    const bystander = await newcomer(origin, 'Grace');
    const thief = await signedIn(origin, person);
    const email = fresh();
    await requestChange(thief, email);
    const answer = await revert(origin, await revertToken(origin, person.email));
    expect([answer.status, answer.json()]).toEqual([200, { status: 'reverted' }]);

    for (const each of [browser, thief]) expect((await each.get('/api/session')).status).toBe(401);
    expect((await bystander.browser.get('/api/session')).status).toBe(200);
    const changed = await changedBy(server.admin, async () => {
      expect((await confirm(origin, await confirmToken(origin, email))).status).toBe(400);
    });
    expect(changed).toEqual([]);
    expect(await ownerOf(server, email)).toBeUndefined();
    await signedIn(origin, person);
  });

  test('gives the old address back after the change, once, and ends every session [R-39]', async () => {
    const { person, browser } = await newcomer(origin);
    const { identity } = await whoIs(browser);
    const email = fresh();
    await changeAddress(browser, email);
    const thief = await signedIn(origin, at(person, email));
    const token = await revertToken(origin, person.email);
    expect((await revert(origin, token)).status).toBe(200);

    expect([await ownerOf(server, person.email), await ownerOf(server, email)]).toEqual([
      identity.id,
      undefined,
    ]);
    for (const each of [browser, thief]) expect((await each.get('/api/session')).status).toBe(401);
    const changed = await changedBy(server.admin, async () => {
      expect((await revert(origin, token)).json().code).toBe('invalid-token');
    });
    expect(changed).toEqual([]);
    expect((await whoIs(await signedIn(origin, person))).identity.id).toBe(identity.id);
  });

  // Whoever took the account over changes the address twice, to get a way back of their own.
  test('closes the ways back to what came after it: the thief cannot undo the undoing [R-38]', async () => {
    const { person, browser } = await newcomer(origin);
    const { identity } = await whoIs(browser);
    const [second, third] = [newPerson('Mallory').email, newPerson('Mallory').email];
    await changeAddress(browser, second);
    await changeAddress(browser, third);
    const theirs = await revertToken(origin, second);
    expect((await revert(origin, await revertToken(origin, person.email))).status).toBe(200);
    const changed = await changedBy(server.admin, async () => {
      expect((await revert(origin, theirs)).status).toBe(400);
    });
    expect(changed).toEqual([]);
    expect(await ownerOf(server, person.email)).toBe(identity.id);
  });

  test('stays open when somebody goes back to a later address first', async () => {
    const { person, browser } = await newcomer(origin);
    const { identity } = await whoIs(browser);
    const [second, third] = [fresh(), fresh()];
    await changeAddress(browser, second);
    await changeAddress(browser, third);
    expect((await revert(origin, await revertToken(origin, second))).status).toBe(200);
    expect(await ownerOf(server, second)).toBe(identity.id);
    expect((await revert(origin, await revertToken(origin, person.email))).status).toBe(200);
    expect(await ownerOf(server, person.email)).toBe(identity.id);
  });

  test('expires after seven days, and is refused like an unknown one', async () => {
    const { person, browser } = await newcomer(origin);
    const email = fresh();
    await changeAddress(browser, email);
    const { rows } = await server.admin.query(
      'SELECT extract(epoch FROM expires_at - created_at)::INT4 AS s FROM sallyport.email_reversions WHERE folded = $1',
      [person.email],
    );
    expect(rows).toEqual([{ s: 7 * 24 * 3_600 }]);
    await letReservationsEnd(person.email);
    const changed = await changedBy(server.admin, async () => {
      for (const token of [await revertToken(origin, person.email), 'A'.repeat(43), 'x', '']) {
        const answer = await revert(origin, token);
        expect([answer.status, answer.json().code]).toEqual([400, 'invalid-token']);
      }
    });
    expect(changed).toEqual([]);
    expect((await browser.get('/api/session')).status).toBe(200);
  });
});

describe('an address that was given up', () => {
  test('stays reserved for seven days: nobody else signs up with it or moves to it [R-48]', async () => {
    const { person, browser } = await newcomer(origin);
    const { identity } = await whoIs(browser);
    const mallory = await newcomer(origin, 'Mallory');
    await changeAddress(browser, fresh());
    const heir = at(newPerson('Heir'), person.email);

    const signUp = await new Visitor(origin).send('POST', '/api/sign-up', heir);
    expect([signUp.status, signUp.json()]).toEqual([202, { status: 'check-mail' }]);
    const change = await requestChange(mallory.browser, person.email);
    expect([change.status, change.json()]).toEqual([202, { status: 'check-mail' }]);
    const mails = await mailsTo(origin, person.email);
    expect(mails.slice(0, 2).map(({ links }) => links)).toEqual([
      [`${origin}/sign-in`],
      [`${origin}/sign-in`],
    ]);
    // What was typed is kept for no time: its link is mailed to nobody.
    const kept = 'sign_ups WHERE folded = $1 AND expires_at > now()';
    expect(await countRows(server.admin, kept, [person.email])).toBe(0);

    expect((await revert(origin, await revertToken(origin, person.email))).status).toBe(200);
    expect(await ownerOf(server, person.email)).toBe(identity.id);
  });

  test('is not given to one whose link was mailed before it was reserved [R-38]', async () => {
    const { browser } = await newcomer(origin);
    const heir = await newcomer(origin, 'Heir');
    const wanted = fresh();
    await requestChange(heir.browser, wanted);
    const early = await confirmToken(origin, wanted);
    await changeAddress(browser, wanted);
    await changeAddress(browser, fresh());
    expect((await confirm(origin, early)).status).toBe(400);
    expect(await ownerOf(server, wanted)).toBeUndefined();
    expect((await whoIs(heir.browser)).identity.email).toBe(heir.person.email);
  });

  test('is free for its former owner, and for everybody after that', async () => {
    const { person, browser } = await newcomer(origin);
    const { identity } = await whoIs(browser);
    await changeAddress(browser, fresh());
    await changeAddress(browser, person.email);
    expect(await ownerOf(server, person.email)).toBe(identity.id);

    await changeAddress(browser, fresh());
    await letReservationsEnd(person.email);
    const heir = at(newPerson('Heir'), person.email);
    await new Visitor(origin).send('POST', '/api/sign-up', heir);
    const [link] = await linkedTokens(origin, person.email, '/confirm-email');
    expect((await confirm(origin, link ?? '')).status).toBe(200);
    expect((await whoIs(await signedIn(origin, heir))).identity.id).not.toBe(identity.id);
  });
});

describe('a request that is not the own page’s', () => {
  test('changes nothing: no token, one from the cookie alone, one of another session [trap 5a] [trap 5b] [CWE-352]', async () => {
    const { browser } = await newcomer(origin);
    const other = await newcomer(origin, 'Mallory');
    const headers: Record<string, string> = {
      ...browser.ownHeaders(),
      'content-type': 'application/json',
    };
    const cookieToken = browser.cookies.get('__Host-csrf') ?? '';
    const tokens: Record<string, string | undefined> = {
      missing: undefined,
      empty: '',
      short: 'x',
      'of another session': other.browser.csrfToken,
      'not ASCII': '\u00e9'.repeat(86),
      undefined: 'undefined',
    };
    const body = JSON.stringify({ email: fresh() });
    const changed = await changedBy(server.admin, async () => {
      for (const [what, token] of Object.entries(tokens)) {
        const { 'x-csrf-token': _, ...bare } = headers;
        const sent = { ...bare, ...(token === undefined ? {} : { 'x-csrf-token': token }) };
        const request = { method: 'POST', headers: sent, body };
        const answer = await ask(origin, '/api/account/change-email', request);
        expect([answer.status, answer.json().code], what).toEqual([
          403,
          'synchronizer-token-mismatch',
        ]);
      }
      const foreign = {
        ...headers,
        origin: 'https://evil.example',
        'sec-fetch-site': 'cross-site',
      };
      const request = { method: 'POST', headers: foreign, body };
      expect((await ask(origin, '/api/account/change-email', request)).status).toBe(403);
    });
    expect(changed).toEqual([]);
    // The token in the header is what counts; that it came from the readable cookie is no matter.
    browser.csrfToken = cookieToken;
    expect((await requestChange(browser, fresh())).status).toBe(202);
  });

  test('with a proof that is too old changes nothing [ASVS 7.5.1]', async () => {
    const { browser } = await newcomer(origin);
    await ageProof(server.admin, browser);
    const changed = await changedBy(server.admin, async () => {
      expect((await requestChange(browser, fresh())).json().code).toBe('step-up-required');
    });
    expect(changed).toEqual([]);
  });

  test('the links change nothing when they are only opened [R-11]', async () => {
    const { person, browser } = await newcomer(origin);
    const email = fresh();
    await requestChange(browser, email);
    const links = [
      `/confirm-email?token=${await confirmToken(origin, email)}`,
      `/revert-email?token=${await revertToken(origin, person.email)}`,
    ];
    const changed = await changedBy(server.admin, async () => {
      for (const link of links) {
        for (const method of ['GET', 'HEAD', 'OPTIONS']) {
          await ask(origin, link, { method });
          await ask(origin, link, { method, headers: browser.cookieHeader() });
        }
        const visitor = new Visitor(origin);
        const page = await visitor.get(link);
        expect([page.status, page.headers['referrer-policy']]).toEqual([200, 'same-origin']);
        // Nor without the page's own token.
        const { pathname, searchParams } = new URL(link, origin);
        const token = searchParams.get('token') ?? '';
        expect((await visitor.submit(pathname, { token, _csrf: '' })).status).toBe(403);
      }
    });
    expect(changed).toEqual([]);
    const visitor = new Visitor(origin);
    const page = await visitor.get(links[1] ?? '');
    const fields = { _csrf: fieldValue(page.text, '_csrf'), token: fieldValue(page.text, 'token') };
    expect((await visitor.submit('/revert-email', fields)).status).toBe(200);
    expect((await confirm(origin, await confirmToken(origin, email))).status).toBe(400);
  });
});
