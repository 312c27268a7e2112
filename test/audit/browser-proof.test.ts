// What Chromium makes of a request that the server would accept: the browser has the last word.
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { account, auditTwin, findingsOf } from '../support/audit.ts';
import { noChromium } from '../support/chromium.ts';
import { type Flaw, PASSWORD, startTarget } from './target.ts';

const cases: readonly (readonly [flaws: readonly Flaw[], severity: string, confidence: string])[] =
  [
    // Chromium sends a cookie without SameSite with forms of other sites, for two minutes.
    [['cross-site-form', 'cookie-no-same-site'], 'high', 'confirmed'],
    [['cross-site-text', 'cookie-no-same-site'], 'high', 'confirmed'],
    // What is Lax goes with links, and with no form.
    [['cross-site-query'], 'high', 'confirmed'],
    [['cross-site-form'], 'low', 'probable'],
  ];

beforeEach(({ skip }) => {
  if (noChromium) skip(noChromium);
});

test.each(cases)(
  '[CWE-352] Chromium on a page of another site: %j is %s and %s',
  async (flaws, severity, confidence) => {
    const target = await startTarget('cookie', ...flaws);
    onTestFinished(() => target.close());
    const report = await auditTwin({
      url: target.origin,
      accounts: { a: account('ada', PASSWORD), b: account('bob', PASSWORD) },
      settings: { browser: true },
      checks: ['cross-site-request-forgery'],
    });
    expect(findingsOf(report)).toEqual([expect.objectContaining({ severity, confidence })]);
  },
);
