import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, noChromium, untilLoaded } from '../support/chromium.ts';
import { mailedToken, newPerson, type Person } from '../support/people.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

describe.skipIf(noChromium)(`confirming a sign-up, in Chromium ${noChromium || ''}`, () => {
  let server: TestServer;
  let browser: Browser;
  let mailSite: Server;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer(), launchChromium()]);
    mailSite = createServer((request, response) => {
      const link = new URL(request.url ?? '/', 'http://mail').searchParams.get('link') ?? '';
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><title>mail</title><a href="${encodeURI(link)}">the link</a>`);
    });
    await new Promise<void>((resolve) => mailSite.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await browser.close();
    mailSite.close();
    await server.close();
  });

  async function newPage(options: BrowserContextOptions): Promise<Page> {
    return await (await browser.newContext(options)).newPage();
  }

  async function signUp(page: Page, person: Person): Promise<void> {
    await page.goto(`${server.origin}/sign-up`);
    for (const name of ['email', 'password', 'displayName'] as const) {
      await page.fill(`[name=${name}]`, person[name]);
    }
    await page.click('main form [type=submit]');
    await page.waitForSelector(`main :text("${person.email}")`);
  }

  /** From a mail that is read on another site, so that the first request has no Strict cookie. */
  async function followLink(page: Page, { email }: Person): Promise<void> {
    const link = `${server.origin}/confirm-email?token=${await mailedToken(server.origin, email)}`;
    const { port } = mailSite.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/?link=${encodeURIComponent(link)}`);
    await page.click('a');
    await untilLoaded(page, () => page.click('form[action="/confirm-email"] [type=submit]'));
  }

  for (const javaScriptEnabled of [true, false]) {
    const script = javaScriptEnabled ? 'with' : 'without';

    test(`takes one button in the browser that signed up, ${script} JavaScript`, async () => {
      const page = await newPage({ javaScriptEnabled });
      const person = newPerson();
      await signUp(page, person);
      await followLink(page, person);
      await page.waitForSelector('main a[href="/sign-in"]');
      expect(await page.textContent('h1')).toBe('Your address is confirmed');
      await page.context().close();
    });

    test(`takes the password in any other, ${script} JavaScript [R-43]`, async () => {
      const [laptop, phone] = [await newPage({}), await newPage({ javaScriptEnabled })];
      const person = newPerson();
      await signUp(laptop, person);
      await followLink(phone, person);
      await phone.fill('[name=password]', 'violet kettle wrong orbit');
      const send = 'form[action="/confirm-email"] [type=submit]';
      await untilLoaded(phone, () => phone.click(send));
      expect(await phone.textContent('#password-error')).toContain('This is not your password.');
      await phone.fill('[name=password]', person.password);
      await untilLoaded(phone, () => phone.click(send));
      await phone.waitForSelector('main a[href="/sign-in"]');
      expect(await phone.textContent('h1')).toBe('Your address is confirmed');
      await laptop.context().close();
      await phone.context().close();
    });
  }
});
