import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, noChromium } from '../support/chromium.ts';
import { newcomer } from '../support/people.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

describe.skipIf(noChromium)(`cookies in Chromium ${noChromium || ''}`, () => {
  let server: TestServer;
  let sibling: Server;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer(), launchChromium()]);
    sibling = await startSibling();
  });
  afterAll(async () => {
    await browser.close();
    sibling.close();
    await server.close();
  });

  test('a sibling host can neither set nor overwrite our cookies, though it can set others [R-19] [R-24] [CWE-384]', async () => {
    const { browser: visitor } = await newcomer(server.origin);
    const context = await browser.newContext();
    await context.addCookies(
      [...visitor.cookies].map(([name, value]) => ({
        name,
        value,
        url: server.origin.replace('http:', 'https:'),
        secure: true,
        sameSite: 'Strict' as const,
      })),
    );
    const before = await context.cookies();
    const page = await context.newPage();
    const { port } = sibling.address() as AddressInfo;
    await page.goto(`http://evil.localhost:${port}/`);
    const written = await page.evaluate(() => document.cookie);
    expect(written).toContain('control=1');

    const after = await context.cookies();
    const ours = (cookies: typeof after) =>
      cookies.filter(({ name }) => name.startsWith('__Host-'));
    expect(ours(before).length).toBeGreaterThan(0);
    expect(ours(after)).toEqual(ours(before));
    await context.close();
  });
});

/** Tries every way that a host beside ours has to put a cookie of ours into the browser. */
async function startSibling(): Promise<Server> {
  const attempts = ['__Host-session', '__Host-csrf', '__Host-presession'].flatMap((name) => [
    `${name}=${'A'.repeat(43)}; Path=/; Secure; Domain=localhost`,
    `${name}=${'A'.repeat(43)}; Path=/; Domain=localhost`,
    `${name.toLowerCase()}=${'A'.repeat(43)}; Path=/; Secure; Domain=localhost`,
    `=${name}=${'A'.repeat(43)}; Path=/; Secure; Domain=localhost`,
  ]);
  const script = attempts
    .map((cookie) => `document.cookie = ${JSON.stringify(cookie)};`)
    .join('\n');
  const sibling = createServer((_request, response) => {
    response.setHeader('set-cookie', [...attempts, 'control=1; Path=/']);
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><title>sibling</title><script>${script}</script>`);
  });
  await new Promise<void>((resolve) => sibling.listen(0, '127.0.0.1', resolve));
  return sibling;
}
