// Linking and unlinking an account elsewhere, and proving again who is there with it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ageProof, whoIs } from '../support/accounts.ts';
import { sendAtOnce } from '../support/at-once.ts';
import { setUpTotp } from '../support/authenticators.ts';
import { type Answer, fieldValue, Visitor } from '../support/client.ts';
import { mailsTo, newcomer } from '../support/people.ts';
import {
  atProvider,
  backFrom,
  leavingTo,
  linksOf,
  linkTo,
  openReturn,
  signInWith,
  stranger,
  type ProviderAccount,
} from '../support/providers.ts';
import { type ProviderWorld, startProviderWorld } from '../support/provider-world.ts';
import { changedBy } from '../support/rows.ts';

let world: ProviderWorld;
let server: ProviderWorld['server'];

beforeAll(async () => {
  world = await startProviderWorld();
  ({ server } = world);
});
afterAll(() => world.close());

const AUTHENTICATORS = '/account/authenticators';
const changed = (act: () => Promise<unknown>) => changedBy(server.admin, act);

describe('linking', () => {
  test('adds a way in to the account of this session, whatever the other address is, and its owner hears of it [ASVS 6.3.7]', async () => {
    const { browser, person } = await newcomer(server.origin);
    const account = stranger();
    const answer = await linkTo(browser, 'acme', account);
    expect(answer.headers.location).toBe(`${AUTHENTICATORS}?notice=provider-linked`);
    const [mail] = await mailsTo(server.origin, person.email);
    expect(mail?.subject).toContain('was linked');
    const page = await browser.get(AUTHENTICATORS);
    expect(page.text).toContain(account.email);
    const there = new Visitor(server.origin);
    await signInWith(there, 'acme', account);
    expect((await whoIs(there)).identity).toEqual((await whoIs(browser)).identity);
  });

  test('takes a fresh proof, before and after the visit [R-25] [ASVS 7.5.1] [CWE-306]', async () => {
    const { browser } = await newcomer(server.origin);
    await ageProof(server.admin, browser);
    const tables = await changed(async () => {
      const answer = await linkTo(browser, 'acme', stranger());
      expect(answer.headers.location).toMatch(/^\/re-authenticate/);
    });
    expect(tables).toEqual([]);

    const { browser: slow } = await newcomer(server.origin);
    const page = await slow.get(AUTHENTICATORS);
    const form = { _csrf: fieldValue(page.text, '_csrf'), provider: 'acme' };
    const left = await slow.submit(`${AUTHENTICATORS}/providers`, form);
    const back = await atProvider(leavingTo(left.text), stranger());
    const { path, fields } = await openReturn(slow, back);
    await ageProof(server.admin, slow);
    const late = await slow.submit(path, fields);
    expect(late.headers.location).toMatch(/^\/re-authenticate/);
    expect(await linksOf(slow)).toEqual([]);
  });

  test('goes to the session that began it: another’s answer links nothing to this one [R-14] [R-15] [CWE-352]', async () => {
    const attacker = (await newcomer(server.origin)).browser;
    const victim = (await newcomer(server.origin)).browser;
    const begin = async (browser: Visitor) => {
      const page = await browser.get(AUTHENTICATORS);
      const form = { _csrf: fieldValue(page.text, '_csrf'), provider: 'acme' };
      const left = await browser.submit(`${AUTHENTICATORS}/providers`, form);
      return await openReturn(browser, await atProvider(leavingTo(left.text), stranger()));
    };
    const theirs = await begin(attacker);
    const own = await begin(victim);
    const token = own.fields['_csrf'] ?? '';
    const tables = await changed(async () => {
      const sent = await victim.submit(theirs.path, { ...theirs.fields, _csrf: token });
      expect(sent.status).toBe(401);
      // Nor with the attacker's cookie planted beside the victim's session.
      const flow = victim.cookies.get('__Host-flow') ?? '';
      victim.cookies.set('__Host-flow', attacker.cookies.get('__Host-flow') ?? '');
      const planted = await victim.submit(theirs.path, { ...theirs.fields, _csrf: token });
      expect(planted.status).toBe(401);
      victim.cookies.set('__Host-flow', flow);
    });
    expect(tables).toEqual([]);
    expect((await victim.submit(own.path, own.fields)).status).toBe(303);
    expect((await attacker.submit(theirs.path, theirs.fields)).status).toBe(303);
  });

  test('and signing in are not each other: a visit serves what it was begun for [R-68]', async () => {
    const { browser } = await newcomer(server.origin);
    const { path, fields } = await backFrom(browser, 'acme', stranger());
    expect(path).toBe('/sign-in/providers/acme/callback');
    const token = fieldValue((await browser.get(AUTHENTICATORS)).text, '_csrf');
    const tables = await changed(async () => {
      const form = `${AUTHENTICATORS}/providers/acme/link`;
      expect((await browser.submit(form, { ...fields, _csrf: token })).status).toBe(401);
    });
    expect(tables).toEqual([]);
  });

  test('takes no account that somebody else has linked, and one of each provider', async () => {
    const account = stranger();
    const { browser: first } = await newcomer(server.origin);
    await linkTo(first, 'acme', account);
    const { browser: second } = await newcomer(server.origin);
    expect((await linkTo(second, 'acme', account)).status).toBe(409);
    expect(await linksOf(second)).toEqual([]);
    expect((await linkTo(first, 'acme', stranger())).status).toBe(409);
    expect((await linkTo(first, 'other', stranger())).status).toBe(303);
    expect(await linksOf(first)).toHaveLength(2);
  });

  test('takes no account whose address the provider has not proved [CWE-287]', async () => {
    const { browser } = await newcomer(server.origin);
    const answer = await linkTo(browser, 'acme', { ...stranger(), email_verified: false });
    expect(answer.status).toBe(403);
    expect(await linksOf(browser)).toEqual([]);
  });
});

describe('unlinking', () => {
  test('ends that way in, and its owner hears of it', async () => {
    const { browser, person } = await newcomer(server.origin);
    const account = stranger();
    await linkTo(browser, 'acme', account);
    const [linked] = await linksOf(browser);
    const question = await browser.get(`${AUTHENTICATORS}/providers/unlink?id=${linked?.id}`);
    const answer = await browser.submit(`${AUTHENTICATORS}/providers/unlink`, {
      _csrf: fieldValue(question.text, '_csrf'),
      id: linked?.id ?? '',
    });
    expect(answer.headers.location).toBe(`${AUTHENTICATORS}?notice=provider-unlinked`);
    const [mail] = await mailsTo(server.origin, person.email);
    expect(mail?.subject).toContain('was unlinked');
    // Whoever comes back with it is a stranger now.
    const later = new Visitor(server.origin);
    await signInWith(later, 'acme', account);
    expect((await whoIs(later)).identity.email).toBe(account.email);
  });

  test('of somebody else’s link is not possible [CWE-639]', async () => {
    const { browser: owner } = await newcomer(server.origin);
    await linkTo(owner, 'acme', stranger());
    const [linked] = await linksOf(owner);
    const { browser } = await newcomer(server.origin);
    const tables = await changed(async () => {
      const answer = await browser.send('DELETE', `/api/account/providers/${linked?.id}`);
      expect(answer.status).toBe(404);
    });
    expect(tables).toEqual([]);
  });

  test('never takes the only way in, also of fifty at once [ASVS 6.4.4] [CWE-362]', async () => {
    const browser = new Visitor(server.origin);
    await signInWith(browser, 'acme', stranger());
    await browser.get('/api/session');
    const [first] = await linksOf(browser);
    const path = `/api/account/providers/${first?.id}`;
    const refused = await browser.send('DELETE', path);
    expect(refused.json()).toMatchObject({ status: 409, code: 'last-way-in' });
    await linkTo(browser, 'other', stranger());
    const all = await linksOf(browser);
    expect(all).toHaveLength(2);
    await browser.get('/api/session');
    const requests = Array.from({ length: 50 }, (_, n) => ({
      method: 'DELETE',
      path: `/api/account/providers/${all[n % 2]?.id}`,
      headers: { ...browser.ownHeaders(), 'content-type': 'application/json' },
      body: '{}',
    }));
    const answers = await sendAtOnce(server.origin, requests);
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(await linksOf(browser)).toHaveLength(1);
  });
});

describe('proving again who is there, with a provider', () => {
  async function prove(
    browser: Visitor,
    account: ProviderAccount,
    code?: string,
  ): Promise<{ readonly answer: Answer; readonly url: string }> {
    const page = await browser.get('/re-authenticate?return_to=/account/email');
    const left = await browser.submit('/re-authenticate/provider', {
      _csrf: fieldValue(page.text, '_csrf'),
      provider: 'acme',
      return_to: '/account/email',
    });
    const url = leavingTo(left.text);
    const { path, fields } = await openReturn(browser, await atProvider(url, account));
    const sent = code === undefined ? fields : { ...fields, code };
    return { answer: await browser.submit(path, sent), url };
  }

  test('asks the provider to have it proved anew, and makes the session fresh [R-25] [ASVS 7.5.3]', async () => {
    const account = stranger();
    const browser = new Visitor(server.origin);
    await signInWith(browser, 'acme', account);
    await ageProof(server.admin, browser);
    const secret = browser.cookies.get('__Host-session');
    const { answer, url } = await prove(browser, account);
    expect(new URL(url).searchParams.get('prompt')).toBe('login');
    expect(new URL(url).searchParams.get('max_age')).toBe('300');
    expect(answer.headers.location).toBe('/account/email');
    expect(browser.cookies.get('__Host-session')).not.toBe(secret);
    const { session } = await whoIs(browser);
    expect(Date.now() - Date.parse(session.authenticatedAt)).toBeLessThan(60_000);
  });

  test('takes an account that this identity has linked and no other [CWE-287]', async () => {
    const browser = new Visitor(server.origin);
    await signInWith(browser, 'acme', stranger());
    const foreign = stranger();
    await signInWith(new Visitor(server.origin), 'acme', foreign);
    await ageProof(server.admin, browser);
    const before = await whoIs(browser);
    for (const account of [foreign, stranger()]) {
      expect((await prove(browser, account)).answer.status).toBe(401);
    }
    expect((await whoIs(browser)).session).toEqual(before.session);
  });

  test('takes the second factor of whoever has one with it [R-37] [CWE-308]', async () => {
    const account = stranger();
    const browser = new Visitor(server.origin);
    await signInWith(browser, 'acme', account);
    await browser.get('/api/session');
    const { totp } = await setUpTotp(browser);
    await ageProof(server.admin, browser);
    const before = await whoIs(browser);
    expect((await prove(browser, account)).answer.status).toBe(401);
    expect((await prove(browser, account, '000000')).answer.status).toBe(401);
    expect((await whoIs(browser)).session).toEqual(before.session);
    const { answer } = await prove(browser, account, totp.next());
    expect(answer.headers.location).toBe('/account/email');
    const { session } = (await browser.get('/api/account/authenticators')).json();
    expect(session).toMatchObject({ aal: 2, amr: ['provider', 'totp'] });
  });
});
