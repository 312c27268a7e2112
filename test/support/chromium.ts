import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';

/** Debian's Chromium; `.ci/run` installs it. */
const EXECUTABLE = '/usr/bin/chromium';

/** Why the browser tests cannot run here, or false: they are then reported as skipped. */
export const noChromium = existsSync(EXECUTABLE) ? false : `${EXECUTABLE} is not installed`;

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function launchChromium(): Promise<Browser> {
  return await chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });
}

/** A folder to look at pages in, for a person; pictures take as long as all the rest. */
const SCREENSHOTS = process.env['SALLYPORT_SCREENSHOTS'];

/** Keeps a picture of the whole page under this name, where a person has asked for pictures. */
export async function picture(page: Page, name: string): Promise<void> {
  if (!SCREENSHOTS) return;
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong with the page as it stands. */
export async function violationsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const run = `axe.run({ resultTypes: ['violations'] })`;
  const { violations } = (await page.evaluate(run)) as AxeResults;
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary = '' }) => `${id}: ${html} ${failureSummary}`),
  );
}

/**
 * Does what leads to another document, and waits until that is there with all that belongs to it: a
 * click alone may be done while the document before it still stands.
 */
export async function untilLoaded(page: Page, act: () => Promise<unknown>): Promise<void> {
  const loaded = page.waitForEvent('load', { timeout: 60_000 });
  await Promise.all([loaded, act()]);
}

/** A browser that sends cookies whose SameSite allows it with requests of other sites, too. */
export interface TrustingChromium {
  readonly browser: Browser;
  close(): Promise<void>;
}

/**
 * Chromium keeps third parties from cookies by default, as people's browsers do and do not. Here it
 * lets them, so that an attack is not stopped by the browser before it reaches the product. The
 * hosts that are named are found on this machine.
 */
export async function launchTrustingChromium(hosts: readonly string[]): Promise<TrustingChromium> {
  const profile = await mkdtemp(join(tmpdir(), 'sallyport-chromium-'));
  await mkdir(join(profile, 'Default'));
  const preferences = { profile: { cookie_controls_mode: 0, block_third_party_cookies: false } };
  await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
  const rules = hosts.map((host) => `MAP ${host} 127.0.0.1`).join(', ');
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: EXECUTABLE,
    args: [...ARGUMENTS, `--host-resolver-rules=${rules}`],
  });
  const browser = context.browser();
  if (!browser) throw new Error('the persistent context has no browser');
  const close = async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { browser, close };
}
