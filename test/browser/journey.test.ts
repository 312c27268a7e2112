import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, noChromium, picture, untilLoaded } from '../support/chromium.ts';
import { mailsTo, newPerson } from '../support/people.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { complaintsOf } from './complaints.ts';

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };
/** Each two of width, theme and script meet once. */
const LOOKS: readonly { name: string; options: BrowserContextOptions }[] = [
  { name: 'wide, light, with JavaScript', options: { viewport: WIDE, colorScheme: 'light' } },
  {
    name: 'wide, dark, without JavaScript',
    options: { viewport: WIDE, colorScheme: 'dark', javaScriptEnabled: false },
  },
  {
    name: 'narrow, light, without JavaScript',
    options: { viewport: NARROW, colorScheme: 'light', javaScriptEnabled: false },
  },
  { name: 'narrow, dark, with JavaScript', options: { viewport: NARROW, colorScheme: 'dark' } },
];

describe.skipIf(noChromium)(`the journey in Chromium ${noChromium || ''}`, () => {
  let server: TestServer;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer(), launchChromium()]);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test.each(LOOKS)(
    '$name: sign up, prove the address, sign in, rename, sign out',
    async ({ name, options }) => {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const complaints = complaintsOf(page);
      const look = async (step: string) => {
        await expectNoSidewaysScrolling(page);
        await picture(page, `${name.replaceAll(', ', '-').replaceAll(' ', '-')}-${step}`);
      };
      await walk(page, look);
      expect(complaints).toEqual([]);
      await context.close();
    },
  );

  async function walk(page: Page, look: (step: string) => Promise<void>): Promise<void> {
    const person = newPerson();
    await page.goto(server.origin);
    await look('1-home');
    await page.goto(`${server.origin}/sign-up`);
    await page.fill('[name=displayName]', person.displayName);
    await page.fill('[name=email]', person.email);
    await page.fill('[name=password]', 'passwordpassword');
    await untilLoaded(page, () => page.click('main form [type=submit]'));
    expect(await page.getAttribute('[name=password]', 'aria-invalid')).toBe('true');
    expect(await page.inputValue('[name=email]')).toBe(person.email);
    expect(await page.inputValue('[name=password]')).toBe('');
    await look('2-sign-up-refused');
    await page.fill('[name=password]', person.password);
    await untilLoaded(page, () => page.click('main form [type=submit]'));
    await look('3-check-mail');

    const [mail] = await mailsTo(server.origin, person.email);
    await page.goto(mail?.links[0] ?? '');
    await look('4-confirm');
    await untilLoaded(page, () => page.click('main form [type=submit]'));
    await look('5-confirmed');

    await page.goto(`${server.origin}/sign-in`);
    await page.fill('[name=email]', person.email);
    await page.fill('[name=password]', 'not the password at all');
    await untilLoaded(page, () => page.click('main form [type=submit]'));
    expect(await page.locator('[role=alert]').count()).toBe(1);
    await look('6-sign-in-failed');
    await page.fill('[name=password]', person.password);
    await untilLoaded(page, () => page.click('main form [type=submit]'));
    expect(page.url()).toBe(`${server.origin}/account`);
    await look('7-account');

    await page.fill('[name=displayName]', 'Grace Hopper');
    await untilLoaded(page, () => page.click('main form [type=submit]'));
    expect(await page.inputValue('[name=displayName]')).toBe('Grace Hopper');
    await look('8-renamed');
    await untilLoaded(page, () => page.click('form[action="/sign-out"] button'));
    await look('9-signed-out');
    await page.goto(`${server.origin}/account`);
    expect(page.url()).toBe(`${server.origin}/sign-in?return_to=%2Faccount`);
  }
});

async function expectNoSidewaysScrolling(page: Page): Promise<void> {
  const box = await page.locator('html').boundingBox();
  expect(box?.width).toBeLessThanOrEqual(page.viewportSize()?.width ?? 0);
}
