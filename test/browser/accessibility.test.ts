import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, noChromium, picture, violationsOf } from '../support/chromium.ts';
import { newPerson, type Person, register, signedIn } from '../support/people.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { complaintsOf } from './complaints.ts';
import { signInOnPage } from './victim.ts';

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };
/** The looks in which test/pages/browser.test.ts does not see every page. */
const LOOKS: readonly { name: string; options: BrowserContextOptions }[] = [
  { name: 'wide-dark', options: { viewport: WIDE, colorScheme: 'dark', locale: 'de-DE' } },
  { name: 'narrow-light', options: { viewport: NARROW, colorScheme: 'light', locale: 'en-US' } },
];

const VISITOR_PAGES = [
  '/',
  '/sign-up',
  '/sign-in',
  '/confirm-email',
  '/revert-email',
  '/forgot-password',
  '/reset-password',
  '/nowhere',
];
const OWN_PAGES = [
  '/account?notice=saved',
  '/account/email?notice=email-requested',
  '/account/password',
  '/account/sessions',
  '/account/data',
  '/re-authenticate',
  '/development/mailbox',
];

describe.skipIf(noChromium)(`the pages for everybody, in Chromium ${noChromium || ''}`, () => {
  let server: TestServer;
  let browser: Browser;
  let person: Person;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer(), launchChromium()]);
    person = await register(server.origin);
    // A second session, and an address on its way: lists and notices to look at.
    const visitor = await signedIn(server.origin, person);
    const { email } = newPerson();
    await visitor.send('POST', '/api/account/change-email', { email });
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test.each(LOOKS)(
    '$name: nothing for axe to find, nothing wider than the window, no complaint',
    { timeout: 600_000 },
    async ({ name, options }) => {
      // The product's policy would keep axe out. Everything else runs with the policy on.
      const context = await browser.newContext({ ...options, bypassCSP: true });
      const found: Record<string, readonly string[]> = {};
      const check = async (page: Page, path: string) => {
        await page.goto(server.origin + path);
        await picture(page, `axe-${name}${path.replaceAll(/\W+/g, '-')}`);
        const { width } = options.viewport ?? WIDE;
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        found[path] = [...(await violationsOf(page)), ...(wide > width ? [`${wide} wide`] : [])];
      };
      const visitor = await context.newPage();
      for (const path of VISITOR_PAGES) await check(visitor, path);
      await visitor.close();
      const page = await signInOnPage(context, server.origin, person);
      const complaints = complaintsOf(page);
      for (const path of OWN_PAGES) await check(page, path);
      expect(found).toEqual(
        Object.fromEntries([...VISITOR_PAGES, ...OWN_PAGES].map((path) => [path, []])),
      );
      expect(complaints).toEqual([]);
      await context.close();
    },
  );

  test('a refused form has nothing for axe to find either, and its first error is focused', async () => {
    const context = await browser.newContext({ bypassCSP: true, viewport: NARROW });
    const page = await signInOnPage(context, server.origin, {
      ...person,
      password: 'wrong'.repeat(4),
    });
    expect(await violationsOf(page)).toEqual([]);
    await page.goto(`${server.origin}/sign-up`);
    await fill(page, {
      displayName: 'Ada',
      email: 'ada@example.com',
      password: 'passwordpassword',
    });
    await page.press('[name=password]', 'Enter');
    await page.waitForSelector('[role=alert]');
    expect(await violationsOf(page)).toEqual([]);
    expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('alert');
    await context.close();
  });

  test('the keyboard reaches everything in the order of the page, and the focus is seen', async () => {
    const context = await browser.newContext();
    for (const path of ['/', '/sign-up', '/sign-in']) {
      const { expected, reached } = await byKeyboard(context, path);
      expect(reached).toEqual(expected);
    }
    await (await signInOnPage(context, server.origin, person)).close();
    for (const path of OWN_PAGES) {
      const { expected, reached } = await byKeyboard(context, path);
      expect(reached).toEqual(expected);
    }
    await context.close();
  });

  test('the first press leads past the top of the page to its content', async () => {
    const context = await browser.newContext();
    const page = await signInOnPage(context, server.origin, person);
    await page.goto(`${server.origin}/account/sessions`);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('content');
    await page.keyboard.press('Tab');
    const inMain = () => document.activeElement?.closest('main') !== null;
    expect(await page.evaluate(inMain)).toBe(true);
    await context.close();
  });

  test('Enter sends each form, also from a password that is shown, and a shown one leaves as a password', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const own = await register(server.origin);
    await page.goto(`${server.origin}/sign-in`);
    await fill(page, own);
    await page.press('[name=password]', 'Enter');
    await page.waitForURL(`${server.origin}/account`);
    await page.fill('[name=displayName]', 'Grace');
    await page.press('[name=displayName]', 'Enter');
    await page.waitForURL('**/account?notice=saved');

    await page.goto(`${server.origin}/account/password`);
    await page.fill('[name=currentPassword]', own.password);
    const changed = `${own.password} & more="<`;
    await page.fill('[name=newPassword]', changed);
    await page.click('[aria-controls=newPassword]');
    await page.click('[aria-controls=currentPassword]');
    expect(await page.getAttribute('[name=newPassword]', 'type')).toBe('text');
    expect(page.url()).toBe(`${server.origin}/account/password`);
    const sending = page.waitForRequest((request) => request.method() === 'POST');
    await page.press('[name=newPassword]', 'Enter');
    const sent = new URLSearchParams((await sending).postData() ?? '');
    expect([...sent.keys()].toSorted()).toEqual(['_csrf', 'currentPassword', 'newPassword']);
    expect(sent.get('newPassword')).toBe(changed);
    await page.waitForURL('**/account/password?notice=password-changed');
    await signedIn(server.origin, { ...own, password: changed });
    await context.close();
  });

  // ASVS 6.2.7: paste, password managers and long passwords are let in.
  test('a password can be pasted, whole, and managers are told which it is [ASVS 6.2.7] [ASVS 6.2.9]', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const long = `${'long pass phrase '.repeat(8)}end`;
    await page.goto(`${server.origin}/sign-up`);
    expect(await autocompleteOf(page)).toEqual({
      displayName: 'name',
      email: 'username',
      password: 'new-password',
    });
    await page.fill('[name=displayName]', long);
    await page.press('[name=displayName]', 'Control+a');
    await page.press('[name=displayName]', 'Control+c');
    await page.press('[name=password]', 'Control+v');
    expect(await page.inputValue('[name=password]')).toBe(long);

    await page.goto(`${server.origin}/sign-in`);
    expect(await autocompleteOf(page)).toEqual({
      email: 'username webauthn',
      password: 'current-password',
    });
    await page.press('[name=password]', 'Control+v');
    expect(await page.inputValue('[name=password]')).toBe(long);
    await fill(page, person);
    await page.press('[name=password]', 'Enter');
    await page.waitForURL(`${server.origin}/account`);
    const forms: Record<string, Record<string, string>> = {
      '/account/password': {
        username: 'username',
        currentPassword: 'current-password',
        newPassword: 'new-password',
      },
      '/account/email': { email: 'email' },
      '/re-authenticate': { username: 'username', password: 'current-password' },
    };
    for (const [path, expected] of Object.entries(forms)) {
      await page.goto(server.origin + path);
      expect(await autocompleteOf(page)).toEqual(expected);
    }
    await context.close();
  });

  /** What one can do something with, and where presses of Tab lead, with a focus to be seen. */
  async function byKeyboard(context: BrowserContext, path: string) {
    const page = await context.newPage();
    await page.goto(server.origin + path);
    const expected = await page.evaluate(() => {
      const all = document.querySelectorAll<HTMLElement>('a[href], button, input, [tabindex="0"]');
      const stops = [...all].filter((one) => one.checkVisibility() && one.tabIndex >= 0);
      stops.forEach((one, index) => one.setAttribute('data-stop', String(index)));
      return stops.map((_, index) => String(index));
    });
    const seen: (string | undefined)[] = [];
    // One press more than there are stops: it leads out of the page and in again.
    for (const _ of [...expected, 'out']) {
      await page.keyboard.press('Tab');
      seen.push(
        await page.evaluate(() => {
          const focused = document.activeElement as HTMLElement;
          if (focused === document.body) return 'out';
          const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(focused);
          const shown = (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
          const { width, height, bottom } = focused.getBoundingClientRect();
          return shown && width * height > 0 && bottom > 0 ? focused.dataset['stop'] : 'unseen';
        }),
      );
    }
    await page.close();
    // A notice or a field may have been focused on arrival: then the first stops come last.
    const stops = seen.filter((stop) => stop !== 'out');
    const top = stops.indexOf('0');
    const reached = [...stops.slice(top), ...stops.slice(0, top)];
    return { expected: [path, ...expected], reached: [path, ...reached] };
  }
});

async function fill(page: Page, fields: Partial<Person>): Promise<void> {
  for (const [name, value] of Object.entries(fields)) {
    const field = page.locator(`[name=${name}]`);
    if ((await field.count()) > 0) await field.fill(value);
  }
}

/** What the fields of the page's own form tell password managers. */
async function autocompleteOf(page: Page): Promise<Record<string, string>> {
  return await page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll<HTMLInputElement>('main input:not([type=hidden])')].map(
        ({ name, id, autocomplete }) => [name || id, autocomplete],
      ),
    ),
  );
}
