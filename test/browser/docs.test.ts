import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, noChromium, picture, violationsOf } from '../support/chromium.ts';
import { newPerson, register } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

/**
 * Both widths and both themes: axe's verdict depends on either, and on nothing of the two together.
 */
const LOOKS: readonly { name: string; options: BrowserContextOptions }[] = [
  {
    name: 'wide-light',
    options: { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  },
  {
    name: 'narrow-dark',
    options: { viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
  },
];

describe.skipIf(noChromium)(`the documentation in Chromium ${noChromium || ''}`, () => {
  let server: TestServer;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer(), launchChromium()]);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  /** The page in a browser of its own; the test fails on anything that the browser complains of. */
  async function withDocs(
    options: BrowserContextOptions,
    look: (page: Page) => Promise<void>,
    expected: readonly RegExp[] = [],
  ): Promise<void> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await page.goto(`${server.origin}/docs`);
    await look(page);
    const unexpected = complaints.filter((text) => !expected.some((known) => known.test(text)));
    expect(unexpected).toEqual([]);
    await context.close();
  }

  test('Try it alone, with all protection on: sign up, confirm, sign in, read, rename, sign out [CWE-352]', async () => {
    await withDocs({}, async (page) => {
      const person = newPerson();
      const { email, password } = person;
      expect(await tryIt(page, 'POST', '/api/sign-up', person)).toMatchObject({ status: '202' });
      const mailbox = await tryIt(page, 'GET', '/development/mailbox.json');
      const mail = (mailbox.body as { to: string; links: string[] }[]).find(
        ({ to }) => to === email,
      );
      const token = new URL(mail?.links[0] ?? '').searchParams.get('token');
      const confirmed = await tryIt(page, 'POST', '/api/email-confirmations', { token });
      expect(confirmed).toEqual({ status: '200', body: { status: 'confirmed' } });
      const signedIn = await tryIt(page, 'POST', '/api/sign-in', { email, password });
      expect(signedIn.status).toBe('200');
      const session = await tryIt(page, 'GET', '/api/session');
      expect(session.body).toMatchObject({ identity: { email } });

      const rename = async () => {
        const displayName = 'Grace Hopper';
        const renamed = await tryIt(page, 'PATCH', '/api/account/profile', { displayName });
        expect(renamed).toEqual({ status: '200', body: { displayName } });
      };
      expect(await changedBy(server.admin, rename)).toEqual(['profiles']);

      expect((await tryIt(page, 'POST', '/api/sign-out')).status).toBe('204');
      expect((await tryIt(page, 'GET', '/api/session')).body).toMatchObject({
        code: 'not-signed-in',
      });
    });
  });

  test('without its token the same request is refused and changes nothing [CWE-352]', async () => {
    await withDocs({}, async (page) => {
      const { email, password } = await register(server.origin);
      await tryIt(page, 'POST', '/api/sign-in', { email, password });
      const token = article(page, 'PATCH', '/api/account/profile').getByRole('checkbox');
      const rename = () =>
        tryIt(page, 'PATCH', '/api/account/profile', { displayName: 'Grace Hopper' });

      await token.uncheck();
      const attack = async () => {
        expect(await rename()).toMatchObject({
          status: '403',
          body: { code: 'synchronizer-token-mismatch' },
        });
      };
      expect(await changedBy(server.admin, attack)).toEqual([]);

      await token.check();
      expect(await changedBy(server.admin, rename)).toEqual(['profiles']);
    });
  });

  test('a visitor who has met the pages signs in, also where a session has ended before', async () => {
    await withDocs({}, async (page) => {
      const { email, password } = await register(server.origin);
      const credentials = { email, password };
      expect((await tryIt(page, 'POST', '/api/sign-in', credentials)).status).toBe('200');
      await server.admin.query('DELETE FROM sallyport.sessions');
      await page.goto(`${server.origin}/sign-in`);
      await page.goto(`${server.origin}/docs`);
      const names = (await page.context().cookies()).map(({ name }) => name);
      expect(names.toSorted()).toEqual([
        '__Host-csrf',
        '__Host-device',
        '__Host-presession',
        '__Host-session',
      ]);
      expect((await tryIt(page, 'POST', '/api/sign-in', credentials)).status).toBe('200');
    });
  });

  test('a part of a path is filled in, and cannot lead elsewhere', async () => {
    await withDocs({}, async (page) => {
      const form = article(page, 'DELETE', '/api/sessions/{id}').locator('form');
      await form.getByLabel('id', { exact: true }).fill('../session?x');
      const answer = page.waitForResponse((response) => response.request().method() === 'DELETE');
      await form.getByRole('button').click();
      expect((await answer).url()).toBe(`${server.origin}/api/sessions/..%2Fsession%3Fx`);
    });
  });

  test('what an answer says is shown as text, never as markup [CWE-79]', async () => {
    await withDocs({}, async (page) => {
      const displayName = '<img src=x onerror=alert(1)>';
      const { email, password } = await register(server.origin);
      await tryIt(page, 'POST', '/api/sign-in', { email, password });
      const renamed = await tryIt(page, 'PATCH', '/api/account/profile', { displayName });
      expect(renamed).toEqual({ status: '200', body: { displayName } });
      expect(await page.locator('img').count()).toBe(0);
    });
  });

  test('says so when the server does not answer', async () => {
    await withDocs(
      {},
      async (page) => {
        await page.route('**/health', (route) => route.abort());
        const form = article(page, 'GET', '/health').locator('form');
        await form.getByRole('button').click();
        await expect.poll(() => form.getByRole('status').textContent()).toContain('No answer');
        await page.unrouteAll();
        expect((await tryIt(page, 'GET', '/health')).status).toBe('200');
      },
      [/net::ERR_FAILED/],
    );
  });

  test.each(LOOKS)(
    '$name: fits, and axe finds nothing',
    { timeout: 600_000 },
    async ({ name, options }) => {
      await withDocs(options, async (page) => {
        await picture(page, `docs-${name}`);
        const operations = await expectOperations(page);
        expect(await page.locator('form').count()).toBe(operations);
        const width = 'document.documentElement.scrollWidth';
        expect(await page.evaluate(width)).toBe(options.viewport?.width);
        await tryIt(page, 'GET', '/health');
        await tryIt(page, 'GET', '/api/session');
        expect(await violationsOf(page)).toEqual([]);
      });
    },
  );

  // Only forms come with the script: what axe and the width say above holds without it, too.
  test('without JavaScript: reads fine, with no form', async () => {
    await withDocs({ javaScriptEnabled: false }, async (page) => {
      await picture(page, 'docs-without');
      await expectOperations(page);
      expect(await page.locator('form').count()).toBe(0);
    });
  });

  /** The page lists them, and leads to its other part. @returns how many they are. */
  async function expectOperations(page: Page): Promise<number> {
    const operations = await page.locator('article').count();
    expect(operations).toBeGreaterThan(10);
    await page.locator('nav a', { hasText: 'Problems' }).click();
    await page.waitForURL(`${server.origin}/docs#problems`);
    return operations;
  }
});

function article(page: Page, method: string, path: string): Locator {
  const title = page.getByRole('heading', { level: 3, name: `${method} ${path}`, exact: true });
  return page.locator('article').filter({ has: title });
}

/** Presses Send under an operation; the body is typed over the example where one is given. */
async function tryIt(page: Page, method: string, path: string, body?: unknown) {
  const form = article(page, method, path).locator('form');
  if (body !== undefined) await form.getByLabel('Body', { exact: true }).fill(JSON.stringify(body));
  const answered = page.waitForResponse(
    (response) =>
      new URL(response.url()).pathname === path && response.request().method() === method,
  );
  const status = form.getByRole('status');
  // What an earlier try has left there is no answer to this one.
  await status.evaluate((outcome) => (outcome.textContent = ''));
  await form.getByRole('button').click();
  await answered;
  await expect.poll(() => status.textContent()).toMatch(/^\d{3}/);
  const text = await form.locator('.answer').textContent();
  return {
    status: (await status.textContent())?.slice(0, 3),
    body: text === null || text === '' ? null : (JSON.parse(text) as unknown),
  };
}

function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    // Chromium notes every answer with status 400 and above as an error.
    const refusal = message.text().includes('the server responded with a status of 40');
    if (message.type() === 'error' && !refusal) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return complaints;
}
