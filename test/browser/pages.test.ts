import { readFileSync } from 'node:fs';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, noChromium, picture, untilLoaded } from '../support/chromium.ts';
import { newPerson, type Person, register } from '../support/people.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { complaintsOf } from './complaints.ts';
import { signInOnPage } from './victim.ts';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

const LOOKS: readonly { name: string; options: BrowserContextOptions }[] = [
  {
    name: 'narrow-light-de-with',
    options: { viewport: { width: 390, height: 844 }, colorScheme: 'light', locale: 'de-DE' },
  },
  {
    name: 'wide-dark-en-without',
    options: {
      viewport: { width: 1280, height: 800 },
      colorScheme: 'dark',
      locale: 'en-US',
      javaScriptEnabled: false,
    },
  },
];

interface Visit {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly person: Person;
  readonly look: (step: string) => Promise<void>;
}

describe.skipIf(noChromium)(`the account in Chromium ${noChromium || ''}`, () => {
  let server: TestServer;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer(), launchChromium()]);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  describe.each(LOOKS)('$name', ({ name, options }) => {
    /** Somebody signed in; fails on a complaint of the browser or a page wider than the window. */
    async function visit(walk: (visit: Visit) => Promise<void>): Promise<void> {
      const context = await browser.newContext(options);
      const person = await register(server.origin);
      const page = await signInOnPage(context, server.origin, person);
      const complaints = complaintsOf(page);
      const look = async (step: string) => {
        const box = await page.locator('html').boundingBox();
        expect(box?.width, step).toBeLessThanOrEqual(page.viewportSize()?.width ?? 0);
        await picture(page, `pages-${name}-${step}`);
      };
      await walk({ context, page, person, look });
      expect(complaints).toEqual([]);
      await context.close();
    }

    test('sessions: the other browser is named, ended, and signed out there and not here [ASVS 7.4.5] [ASVS 7.5.2]', () =>
      visit(async ({ page, person, look }) => {
        const other = await browser.newContext({ ...options, userAgent: FIREFOX });
        const elsewhere = await signInOnPage(other, server.origin, person);
        await open(page, 'sessions');
        const ends = page.locator('form[action="/account/sessions/end"]');
        expect(await ends.count()).toBe(1);
        const firefox = page.locator('li', { hasText: 'Firefox' });
        expect(await firefox.locator('form').count()).toBe(1);
        await look('sessions');
        // What was proved a while ago is asked for again, and asking ends nothing (ASVS 7.5.1).
        await proveLongAgo(person);
        await press(page, '/account/sessions/end');
        expect(pathOf(page)).toBe('/re-authenticate');
        await prove(page, person.password);
        expect(pathOf(page)).toBe('/account/sessions/end');
        expect(await page.textContent('main')).toContain('Firefox');
        await look('session-end');
        await press(page, '/account/sessions/end');
        expect(await ends.count()).toBe(0);
        expect(await page.locator('[role=status]').count()).toBe(1);
        await look('session-ended');
        await elsewhere.reload();
        expect(pathOf(elsewhere)).toBe('/sign-in');
        await other.close();
      }));

    test('sessions: all others end at once', () =>
      visit(async ({ page, person }) => {
        const others = await Promise.all([browser.newContext(options), browser.newContext()]);
        const pages = await Promise.all(
          others.map((other) => signInOnPage(other, server.origin, person)),
        );
        await open(page, 'sessions');
        await press(page, '/account/sessions/end-others');
        expect(await page.locator('form[action^="/account/sessions/end"]').count()).toBe(0);
        for (const other of pages) {
          await other.reload();
          expect(pathOf(other)).toBe('/sign-in');
        }
        await Promise.all(others.map((other) => other.close()));
      }));

    test('address: proved by the link in the mail, and taken back by the one in the notice', () =>
      visit(async ({ page, person, look }) => {
        const moved = newPerson('Grace').email;
        await open(page, 'email');
        await page.fill('[name=email]', 'nobody at example');
        await page
          .locator('main form')
          .evaluate((form: HTMLFormElement) => (form.noValidate = true));
        await press(page, '/account/email');
        expect(await page.getAttribute('[name=email]', 'aria-invalid')).toBe('true');
        expect(await page.inputValue('[name=email]')).toBe('nobody at example');
        await look('email-refused');
        await page.fill('[name=email]', moved);
        await press(page, '/account/email');
        expect(await page.textContent('[aria-labelledby=pending]')).toContain(moved);
        await look('email-pending');

        await followMailed(page, moved, '/confirm-email');
        await look('email-confirm');
        await open(page, 'email');
        expect(await page.textContent('main')).toContain(person.email);
        await followMailed(page, moved, '/confirm-email');
        await press(page, '/confirm-email');
        await look('email-changed');
        await untilLoaded(page, () => page.click('main a[href="/account"]'));
        expect(await page.textContent('main')).toContain(moved);

        await followMailed(page, person.email, '/revert-email');
        await look('revert');
        await press(page, '/revert-email');
        await look('reverted');
        await open(page, '');
        expect(pathOf(page)).toBe('/sign-in');
        const again = await signInOnPage(page.context(), server.origin, person);
        expect(await again.textContent('main')).toContain(person.email);
      }));

    test('password: the one before is asked for, and does not open the door any more', () =>
      visit(async ({ page, person, look }) => {
        await open(page, 'password');
        await page.fill('[name=currentPassword]', person.password);
        await page.fill('[name=newPassword]', 'passwordpassword');
        await press(page, '/account/password');
        expect(await page.getAttribute('[name=newPassword]', 'aria-invalid')).toBe('true');
        expect(await page.inputValue('[name=currentPassword]')).toBe('');
        await look('password-refused');
        const password = `${person.password} anew`;
        await page.fill('[name=currentPassword]', person.password);
        await page.fill('[name=newPassword]', password);
        await press(page, '/account/password');
        expect(page.url()).toContain('notice=password-changed');
        await look('password-changed');
        await press(page, '/sign-out');
        const refused = await signInOnPage(page.context(), server.origin, person);
        expect(await refused.locator('[role=alert]').count()).toBe(1);
        await refused.fill('[name=password]', password);
        await press(refused, '/sign-in');
        expect(pathOf(refused)).toBe('/account');
      }));

    test('data: downloaded as a file; deleted only on purpose; kept by whoever comes back', () =>
      visit(async ({ page, person, look }) => {
        await open(page, 'data');
        const coming = page.waitForEvent('download');
        await page.click('main a[href="/account/export"]');
        const download = await coming;
        expect(download.suggestedFilename()).toBe('account.json');
        const file = JSON.parse(readFileSync(await download.path(), 'utf8')) as object;
        expect(file).toMatchObject({ identity: { email: person.email }, sessions: [{}] });

        await page.click('main a[href="/account/delete"]');
        await look('delete');
        await page
          .locator('[name=confirm]')
          .evaluate((box: HTMLInputElement) => (box.required = false));
        await press(page, '/account/delete');
        expect(await page.getAttribute('[name=confirm]', 'aria-invalid')).toBe('true');
        await look('delete-refused');
        await proveLongAgo(person);
        await page.check('[name=confirm]');
        await press(page, '/account/delete');
        expect(pathOf(page)).toBe('/re-authenticate');
        await prove(page, 'not the password at all');
        expect(await page.locator('[role=alert]').count()).toBe(1);
        await look('re-authenticate-failed');
        await prove(page, person.password);
        expect(pathOf(page)).toBe('/account/delete');
        expect(await page.isChecked('[name=confirm]')).toBe(true);
        await press(page, '/account/delete');
        await look('deletion-requested');
        await untilLoaded(page, () => page.click('main a[href="/sign-in"]'));
        await page.fill('[name=email]', person.email);
        await page.fill('[name=password]', person.password);
        await press(page, '/sign-in');
        await open(page, 'data');
        expect(await page.locator('a[href="/account/delete"]').count()).toBe(0);
        await look('deletion-pending');
        await press(page, '/account/keep');
        expect(await page.locator('form[action="/account/keep"]').count()).toBe(0);
        await look('kept');
      }));
  });

  async function open(page: Page, section: string): Promise<void> {
    await page.goto(`${server.origin}/account${section && `/${section}`}`);
  }

  /** Presses the button of the form that goes there. */
  async function press(page: Page, action: string): Promise<void> {
    await untilLoaded(page, () => page.click(`form[action="${action}"] [type=submit]`));
  }

  async function prove(page: Page, password: string): Promise<void> {
    await page.fill('[name=password]', password);
    await press(page, '/re-authenticate');
  }

  /**
   * Looks into the mailbox of development for the newest mail to an address, and follows its link.
   */
  async function followMailed(page: Page, email: string, path: string): Promise<void> {
    await page.goto(`${server.origin}/development/mailbox`);
    const mail = page.locator('article', { hasText: email });
    const link = mail.locator(`a[href*="${path}?"]`).first();
    await untilLoaded(page, () => link.click());
    expect(pathOf(page)).toBe(path);
  }

  async function proveLongAgo({ email }: Person): Promise<void> {
    const { rowCount } = await server.admin.query(
      `UPDATE sallyport.sessions SET authenticated_at = now() - INTERVAL '6 minutes'
        WHERE identity_id = (SELECT identity_id FROM sallyport.email_addresses WHERE address = $1)`,
      [email],
    );
    expect(rowCount).toBeGreaterThan(0);
  }
});

function pathOf(page: Page): string {
  return new URL(page.url()).pathname;
}
