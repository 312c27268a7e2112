import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

/** Debian's Chromium; `.ci/run` installs it. */
const EXECUTABLE = '/usr/bin/chromium';

/** Why the browser tests cannot run here, or false: they are then reported as skipped. */
export const noChromium = existsSync(EXECUTABLE) ? false : `${EXECUTABLE} is not installed`;

export async function launchChromium(): Promise<Browser> {
  return await chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
