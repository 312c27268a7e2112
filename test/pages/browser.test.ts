import type { Browser, BrowserContext, BrowserContextOptions, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ASSET_HEADERS, PAGE_HEADERS } from '../../src/http/security-headers.ts';
import { assets } from '../../src/pages/assets.ts';
import { languages } from '../../src/pages/texts.ts';
import type { Language } from '../../src/pages/texts.ts';
import { launchChromium, noChromium, picture, violationsOf } from '../support/chromium.ts';
import { everyPage, plainValues } from './samples.ts';

const ORIGIN = 'https://accounts.example';

/** Values as long as they come. */
const longValues = {
  ...plainValues,
  displayName:
    'Karl-Theodor Maria Nikolaus Johann Jacob Philipp Franz Joseph Sylvester Buhl-Freiherr',
  email: `${'a'.repeat(64)}@${'langer-name.'.repeat(12)}example.com`,
  browser: `Mozilla/5.0_${'KHTML'.repeat(20)}`,
  system: 'Windows NT 10.0; Win64; x64',
  text: `A line.\n\nhttps://accounts.example/confirm-email?token=${'abc123'.repeat(12)}\n`,
};

const LOOKS: readonly {
  name: string;
  language: Language;
  values: typeof plainValues;
  options: BrowserContextOptions;
}[] = [
  {
    name: 'wide, light, English',
    language: 'en',
    values: plainValues,
    options: { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  },
  {
    name: 'narrow, dark, German, the longest values',
    language: 'de',
    values: longValues,
    options: { viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
  },
];

describe.skipIf(noChromium)(`the pages in Chromium ${noChromium || ''}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
  });

  /** A browser to which our origin answers with these pages, under the product's own headers. */
  async function open(
    pages: Record<string, string>,
    options: BrowserContextOptions = {},
  ): Promise<BrowserContext> {
    const context = await browser.newContext(options);
    const visits = new Map<string, number>();
    await context.route('**/*', async (route) => {
      const { pathname } = new URL(route.request().url());
      const name = decodeURIComponent(pathname.slice(1));
      const visit = (visits.get(name) ?? 0) + 1;
      visits.set(name, visit);
      // A page that opens itself once more gets an answer that leaves it standing.
      const html = visit === 1 ? pages[name] : undefined;
      await answer(route, pathname, html);
    });
    return context;
  }

  it.each(LOOKS)('are accessible and fit: $name', { timeout: 600_000 }, async (look) => {
    const pages = everyPage(look.values, languages[look.language]);
    const context = await open(pages, { ...look.options, reducedMotion: 'reduce' });
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    // A page that sends its form at once stands still where it asks for a code.
    const staying = Object.keys(pages).filter((name) => !pages[name]?.includes('data-at-once'));
    for (const name of staying) {
      await page.goto(`${ORIGIN}/${encodeURIComponent(name)}`, { waitUntil: 'load' });
      await picture(page, pictureName(look.name, name));
      expect(await violationsOf(page), name).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth'), name).toBe(
        look.options.viewport?.width,
      );
    }
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('shows moments in the zone and the way of the reader, and keeps UTC as title', async () => {
    const context = await open(everyPage(plainValues), {
      locale: 'en-GB',
      timezoneId: 'America/New_York',
    });
    const page = await context.newPage();
    await page.goto(`${ORIGIN}/sessions`);
    const time = page.locator('.sessions time').first();
    expect(await time.textContent()).toMatch(/^1 March 2026 at 05:06 (?:GMT-5|EST)$/);
    expect(await time.getAttribute('title')).toBe('March 1, 2026 at 10:06 UTC');
    expect(await time.getAttribute('datetime')).toBe('2026-03-01T10:06:00.000Z');
    await context.close();
  });

  it('keeps the language of the page for a reader of another one', async () => {
    const context = await open(everyPage(plainValues, languages.de), {
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
    });
    const page = await context.newPage();
    await page.goto(`${ORIGIN}/sessions`);
    const time = page.locator('.sessions time').first();
    expect(await time.textContent()).toMatch(/^1\. März 2026 um 11:06 MEZ$/);
    await context.close();
  });

  it('shows a password on request, by keyboard, and hides it before it is sent', async () => {
    const context = await open(everyPage(plainValues));
    const page = await context.newPage();
    await page.goto(`${ORIGIN}/password`);
    const field = page.locator('#newPassword');
    const button = page.getByRole('button', { name: 'Show: New password' });
    expect(await page.getByRole('button', { name: /^Show/ }).count()).toBe(2);
    await page.fill('#currentPassword', 'the one before this');
    await field.fill('correct horse battery');
    expect(await button.getAttribute('aria-pressed')).toBe('false');
    await field.press('Tab');
    await page.keyboard.press('Space');
    expect(await button.getAttribute('aria-pressed')).toBe('true');
    expect(await field.getAttribute('type')).toBe('text');
    expect(await page.getAttribute('#currentPassword', 'type')).toBe('password');
    const types = page.evaluate(
      `new Promise((resolve) => document.querySelector('main form').addEventListener('submit', (event) => {
        event.preventDefault();
        resolve([...document.querySelectorAll('.secret input')].map((input) => input.type));
      }))`,
    );
    await page.click('main form [type=submit]');
    expect(await types).toEqual(['password', 'password']);
    expect(await button.getAttribute('aria-pressed')).toBe('false');
    await context.close();
  });

  it('sends neither the button nor the name for password managers', async () => {
    const context = await open(everyPage(plainValues));
    const page = await context.newPage();
    await page.goto(`${ORIGIN}/password`);
    const names = await page.evaluate(
      `[...new FormData(document.querySelector('main form')).keys()]`,
    );
    expect(names).toEqual(['_csrf', 'currentPassword', 'newPassword']);
    await context.close();
  });

  it('needs no script: without one there is neither button nor local time', async () => {
    const context = await open(everyPage(plainValues), { javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${ORIGIN}/password`);
    expect(await page.getByRole('button', { name: /^Show/ }).count()).toBe(0);
    await page.goto(`${ORIGIN}/sessions`);
    expect(await page.locator('time').first().textContent()).toMatch(/UTC$/);
    await context.close();
  });

  it('opens the address of a landing once more, by itself and without a script', async () => {
    const context = await open(everyPage(plainValues), { javaScriptEnabled: false });
    const page = await context.newPage();
    const requests: string[] = [];
    page.on('request', (request) => {
      if (request.isNavigationRequest()) requests.push(request.url());
    });
    await page.goto(`${ORIGIN}/landing`);
    await expect.poll(() => requests).toEqual([`${ORIGIN}/landing`, `${ORIGIN}/landing`]);
    const link = page.getByRole('link', { name: languages.en.landing.link });
    expect(await link.getAttribute('href')).toBe('/account?notice=saved');
    await context.close();
  });
});

async function answer(route: Route, pathname: string, html: string | undefined): Promise<void> {
  const asset = assets.find(({ path }) => path === pathname);
  if (asset) {
    const { body, contentType } = asset;
    await route.fulfill({ body, contentType, headers: { ...ASSET_HEADERS } });
  } else if (html !== undefined) {
    await route.fulfill({ body: html, contentType: 'text/html', headers: { ...PAGE_HEADERS } });
  } else {
    await route.fulfill({ status: 204 });
  }
}

function pictureName(look: string, name: string): string {
  return `${look} ${name}`.replaceAll(/[^a-z]+/gi, '-');
}

/** What the browser has to complain about, a breach of the content security policy above all. */
function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  return complaints;
}
