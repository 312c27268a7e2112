import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, noChromium, picture, untilLoaded } from '../support/chromium.ts';
import { mailsTo, newPerson, type Person, register } from '../support/people.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

const LOOKS: readonly { name: string; options: BrowserContextOptions }[] = [
  {
    name: 'wide-light-en',
    options: { viewport: { width: 1280, height: 800 }, colorScheme: 'light', locale: 'en-GB' },
  },
  {
    name: 'narrow-dark-de-without',
    options: {
      viewport: { width: 390, height: 844 },
      colorScheme: 'dark',
      locale: 'de-AT',
      javaScriptEnabled: false,
    },
  },
];

describe.skipIf(noChromium)(`the account's pages in Chromium ${noChromium || ''}`, () => {
  let server: TestServer;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer(), launchChromium()]);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  for (const { name, options } of LOOKS) {
    test(`${name}: sessions, password, address and back, data, deletion and keeping the account`, async () => {
      const person = await register(server.origin, newPerson());
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const look = async (step: string) => {
        const box = await page.locator('html').boundingBox();
        expect(box?.width).toBeLessThanOrEqual(page.viewportSize()?.width ?? 0);
        await picture(page, `account-${name}-${step}`);
      };
      await signIn(page, person);
      expect(await page.getAttribute('html', 'lang')).toBe(options.locale?.slice(0, 2));

      await otherSession(person, options);
      await page.goto(`${server.origin}/account/sessions`);
      expect(await page.locator('form[action="/account/sessions/end"]').count()).toBe(1);
      await look('1-sessions');
      await untilLoaded(page, () =>
        page.click('form[action="/account/sessions/end"] [type=submit]'),
      );
      expect(await page.locator('form[action="/account/sessions/end"]').count()).toBe(0);

      const changed = { ...person, password: `${person.password} anew` };
      await page.goto(`${server.origin}/account/password`);
      await page.fill('[name=currentPassword]', 'not the password at all');
      await page.fill('[name=newPassword]', changed.password);
      await submit(page);
      expect(await page.getAttribute('[name=currentPassword]', 'aria-invalid')).toBe('true');
      await look('2-password-refused');
      await page.fill('[name=currentPassword]', person.password);
      await page.fill('[name=newPassword]', changed.password);
      await submit(page);
      expect(page.url()).toContain('notice=password-changed');

      // The person last proved who they are a while ago: they are asked before they type anything.
      await server.admin.query(
        `UPDATE sallyport.sessions SET authenticated_at = now() - INTERVAL '6 minutes'`,
      );
      await page.goto(`${server.origin}/account/email`);
      expect(new URL(page.url()).pathname).toBe('/re-authenticate');
      await look('3-re-authenticate');
      await page.fill('[name=password]', changed.password);
      await submit(page);
      expect(page.url()).toBe(`${server.origin}/account/email`);

      const moved = newPerson('Grace').email;
      await page.fill('[name=email]', moved);
      await submit(page);
      await look('4-email-requested');
      await page.goto(await linkTo(moved));
      await submit(page);
      await page.goto(`${server.origin}/account`);
      expect(await page.textContent('body')).toContain(moved);

      await page.goto(`${server.origin}/account/data`);
      await look('5-data');
      await page.goto(`${server.origin}/account/delete`);
      await page.check('[name=confirm]');
      await untilLoaded(page, () => page.click('form[action="/account/delete"] [type=submit]'));
      await look('6-deletion-requested');
      await signIn(page, { ...changed, email: moved });
      await look('7-deletion-banner');
      await untilLoaded(page, () => page.click('form[action="/account/keep"] [type=submit]'));
      expect(await page.locator('form[action="/account/keep"]').count()).toBe(0);

      // The way back, from the notice that went to the old address.
      await page.goto(await linkTo(person.email, '/revert-email'));
      await look('8-revert');
      await submit(page);
      await signIn(page, changed);
      expect(await page.textContent('body')).toContain(person.email);
      await context.close();
    });
  }

  test("times are in the reader's zone with JavaScript and UTC without", async () => {
    const person = await register(server.origin, newPerson());
    for (const javaScriptEnabled of [true, false]) {
      const context = await browser.newContext({ javaScriptEnabled, timezoneId: 'Asia/Kolkata' });
      const page = await context.newPage();
      await signIn(page, person);
      await page.goto(`${server.origin}/account/sessions`);
      const shown = (await page.locator('time').first().textContent()) ?? '';
      expect(shown.includes('UTC')).toBe(!javaScriptEnabled);
      await context.close();
    }
  });

  async function signIn(page: Page, person: Person): Promise<void> {
    await page.goto(`${server.origin}/sign-in`);
    await page.fill('[name=email]', person.email);
    await page.fill('[name=password]', person.password);
    await submit(page);
    expect(page.url()).toBe(`${server.origin}/account`);
  }

  async function submit(page: Page): Promise<void> {
    await untilLoaded(page, () => page.locator('main form [type=submit]').last().click());
  }

  async function otherSession(person: Person, options: BrowserContextOptions): Promise<void> {
    const context = await browser.newContext(options);
    await signIn(await context.newPage(), person);
    await context.close();
  }

  async function linkTo(email: string, path = '/confirm-email'): Promise<string> {
    const links = (await mailsTo(server.origin, email)).flatMap((mail) => mail.links);
    return links.find((link) => new URL(link).pathname === path) ?? '';
  }
});
