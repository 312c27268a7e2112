// Signing in with an account elsewhere, in a browser: there and back again, with scripts and
// without. The provider is another site than the product.
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium, noChromium } from '../support/chromium.ts';
import { freePort } from '../support/ports.ts';
import {
  type ProviderAccount,
  providersFile,
  startProvider,
  stranger,
  type TestProvider,
} from '../support/providers.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let browser: Browser;
let server: TestServer;
let acme: TestProvider;
let other: TestProvider;

beforeAll(async () => {
  if (noChromium) return;
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  acme = await startProvider('acme', { origin }, '127.0.0.1');
  other = await startProvider('other', { origin }, '127.0.0.1');
  const file = providersFile([acme, other]);
  server = await startTestServer({
    SALLYPORT_PORT: String(port),
    SALLYPORT_PROVIDERS_FILE: file.path,
  });
  file.remove();
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await Promise.all([acme?.close(), other?.close()]);
});

/** A browser whose person has this account at each provider. */
async function open(account: ProviderAccount, javaScriptEnabled: boolean): Promise<BrowserContext> {
  const context = await browser.newContext({ javaScriptEnabled });
  const header = Buffer.from(JSON.stringify(account)).toString('base64url');
  await context.setExtraHTTPHeaders({ 'x-account': header });
  return context;
}

test.skipIf(noChromium).each([
  ['with scripts', true],
  ['without scripts', false],
])(
  'somebody new signs up with a provider, and gets their account in one go, %s',
  async (_, scripts) => {
    const account = stranger();
    const context = await open(account, scripts);
    const page = await context.newPage();
    await page.goto(`${server.origin}/sign-up`);
    await page.click('text=Sign up with Provider acme');
    if (!scripts) await page.click('form[action*="/providers/"] button');
    await page.waitForURL(`${server.origin}/account`);
    expect(await page.textContent('body')).toContain(account.email);
    await context.close();
  },
);

test.skipIf(noChromium).each([
  ['with scripts', true],
  ['without scripts', false],
])(
  'a person signs in with one provider, links another, and signs in with that, %s [ASVS 10.1.2]',
  async (_, scripts) => {
    const account = stranger();
    const context = await open(account, scripts);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    /** What a script does by itself. */
    const goOn = async () => {
      if (!scripts) await page.click('form[action*="/providers/"] button');
    };

    await page.goto(`${server.origin}/sign-in`);
    await page.click('text=Sign in with Provider acme');
    await goOn();
    await page.waitForURL(`${server.origin}/account`);
    expect(await page.textContent('body')).toContain(account.email);

    await page.goto(`${server.origin}/account/authenticators`);
    await page.click('text=Link Provider other');
    await goOn();
    await page.waitForURL('**/account/authenticators?notice=provider-linked');
    await page.click('text=Sign out');

    await page.goto(`${server.origin}/sign-in?return_to=/account/sessions`);
    await page.click('text=Sign in with Provider other');
    await goOn();
    await page.waitForURL(`${server.origin}/account/sessions`);
    expect(complaints).toEqual([]);
    await context.close();
  },
);
