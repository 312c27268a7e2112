import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, noChromium, untilLoaded } from '../support/chromium.ts';
import { mailedToken, newPerson, type Person, register, signedIn } from '../support/people.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

describe.skipIf(noChromium)(`coming from elsewhere, in Chromium ${noChromium || ''}`, () => {
  let server: TestServer;
  let browser: Browser;
  let elsewhere: Server;
  let person: Person;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer(), launchChromium()]);
    elsewhere = await startElsewhere();
    person = await register(server.origin);
  });
  afterAll(async () => {
    await browser.close();
    elsewhere.close();
    await server.close();
  });

  for (const javaScriptEnabled of [true, false]) {
    const script = javaScriptEnabled ? 'with' : 'without';

    test(`a link leads somebody who is signed in to their account, ${script} JavaScript`, async () => {
      const context = await browser.newContext({ javaScriptEnabled });
      const page = await context.newPage();
      await signIn(page, `${server.origin}/sign-in`);
      const asked = pathsAsked(context);
      await follow(page, '/account/sessions');
      await page.waitForURL(`${server.origin}/account/sessions`);
      await page.waitForSelector('form[action="/sign-out"]');
      // Once without the Strict cookie, and once, from our own page, with it.
      expect(asked.filter((path) => path === '/account/sessions')).toHaveLength(2);
      await context.close();
    });

    test(`somebody who is not signed in is asked to, and is then where the link led, ${script} JavaScript`, async () => {
      const context = await browser.newContext({ javaScriptEnabled });
      const page = await context.newPage();
      const asked = pathsAsked(context);
      await follow(page, '/account/sessions');
      await page.waitForURL(`${server.origin}/sign-in?return_to=%2Faccount%2Fsessions`);
      expect(asked.filter((path) => path === '/account/sessions')).toHaveLength(2);
      await signIn(page, page.url());
      expect(page.url()).toBe(`${server.origin}/account/sessions`);
      await context.close();
    });
  }

  test('a mailed link that is read on another site works, signed in or not, and keeps the session', async () => {
    for (const signedInBefore of [true, false]) {
      const owner = await register(server.origin);
      const moved = newPerson().email;
      const visitor = await signedIn(server.origin, owner);
      await visitor.send('POST', '/api/account/change-email', { email: moved });
      const context = await browser.newContext();
      const page = await context.newPage();
      if (signedInBefore) await signIn(page, `${server.origin}/sign-in`, owner);
      const token = await mailedToken(server.origin, moved);
      await follow(page, `/confirm-email?token=${token}`);
      const confirm = 'form[action="/confirm-email"] [type=submit]';
      await untilLoaded(page, () => page.click(confirm));
      await page.click('main a[href="/account"]');
      await page.waitForURL(`${server.origin}/${signedInBefore ? 'account' : 'sign-in?*'}`);
      if (!signedInBefore) await signIn(page, page.url(), { ...owner, email: moved });
      expect(await page.textContent('main')).toContain(moved);
      await context.close();
    }
  });

  test('what a link says about where to go on never leaves our origin [R-87] [CWE-601]', async () => {
    const hostile = [
      'https://evil.example/',
      '//evil.example/',
      '/\\evil.example/',
      '/%09/evil.example/',
      '\t//evil.example/',
      'javascript:alert(1)',
      '/..//evil.example/',
      '@evil.example/',
    ];
    for (const target of hostile) {
      const context = await browser.newContext();
      const page = await context.newPage();
      await signIn(page, `${server.origin}/sign-in?return_to=${encodeURIComponent(target)}`);
      expect([target, new URL(page.url()).origin]).toEqual([target, server.origin]);
      await context.close();
    }
  });

  async function signIn(page: Page, url: string, who = person): Promise<void> {
    await page.goto(url);
    await page.fill('[name=email]', who.email);
    await page.fill('[name=password]', who.password);
    await untilLoaded(page, () => page.click('main form [type=submit]'));
  }

  /** Clicks a link on a page of another site, as in a mail that is read in the browser. */
  async function follow(page: Page, path: string): Promise<void> {
    const { port } = elsewhere.address() as AddressInfo;
    const link = encodeURIComponent(server.origin + path);
    await page.goto(`http://127.0.0.1:${port}/?link=${link}`);
    await page.click('a');
  }

  function pathsAsked(context: BrowserContext): string[] {
    const paths: string[] = [];
    context.on('request', (request) => {
      const url = new URL(request.url());
      if (url.origin === server.origin) paths.push(url.pathname);
    });
    return paths;
  }
});

async function startElsewhere(): Promise<Server> {
  const elsewhere = createServer((request, response) => {
    const link = new URL(request.url ?? '/', 'http://elsewhere').searchParams.get('link') ?? '';
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><title>mail</title><a href="${encodeURI(link)}">the link</a>`);
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  return elsewhere;
}
