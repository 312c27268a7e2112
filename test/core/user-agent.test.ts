import { describe, expect, test } from 'vitest';
import { describeUserAgent } from '../../src/core/user-agent.ts';

const WEBKIT = 'AppleWebKit/605.1.15 (KHTML, like Gecko)';
const BLINK = 'AppleWebKit/537.36 (KHTML, like Gecko)';
const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64';
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1_1 like Mac OS X)';

const NOTHING = { browser: null, system: null };

describe('a browser is named as its owner knows it', () => {
  test.each([
    [`${WINDOWS}) ${BLINK} Chrome/131.0.0.0 Safari/537.36`, 'Chrome 131', 'Windows'],
    [
      `Mozilla/5.0 (X11; Linux x86_64) ${BLINK} Chrome/131.0.0.0 Safari/537.36`,
      'Chrome 131',
      'Linux',
    ],
    [`${WINDOWS}; rv:133.0) Gecko/20100101 Firefox/133.0`, 'Firefox 133', 'Windows'],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:133.0) Gecko/20100101 Firefox/133.0',
      'Firefox 133',
      'macOS',
    ],
    [
      `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Version/18.1 Safari/605.1.15`,
      'Safari 18',
      'macOS',
    ],
    [
      `${WINDOWS}) ${BLINK} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0`,
      'Microsoft Edge 131',
      'Windows',
    ],
    [`${IPHONE} ${WEBKIT} Version/18.1.1 Mobile/15E148 Safari/604.1`, 'Safari 18', 'iOS'],
    [`${IPHONE} ${WEBKIT} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1`, 'Chrome 131', 'iOS'],
    [
      `Mozilla/5.0 (Linux; Android 10; K) ${BLINK} Chrome/131.0.0.0 Mobile Safari/537.36`,
      'Chrome 131',
      'Android',
    ],
    [
      'Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0',
      'Firefox 133',
      'Android',
    ],
  ])('%s', (header, browser, system) => {
    expect(describeUserAgent(header)).toEqual({ browser, system });
  });
});

describe('what is no browser that is known has no name', () => {
  test.each([undefined, '', ' ', '\t', 'x', 'curl/8.5.0', 'python-requests/2.32.3'])(
    '%j',
    (header) => {
      expect(describeUserAgent(header)).toEqual(NOTHING);
    },
  );

  // Whoever signed in with a stolen password must not choose the words of the owner's list.
  test.each([
    'Your own device (trusted)/1 x',
    '<script>alert(1)</script>/9 x',
    '"><img src=x onerror=alert(1)>/1 x',
    '\u009b31mred/1 x',
    '__proto__/1 x',
    'constructor/1 x',
    'toString/1 (x',
    `${'A'.repeat(400)}/1 x`,
    `Sallyport support/1 (call 555)`,
  ])('%j [CWE-451]', (header) => {
    expect(describeUserAgent(header)).toEqual(NOTHING);
  });

  test('nor is a version that is none', () => {
    const chrome = (version: string) =>
      describeUserAgent(`${WINDOWS}) ${BLINK} Chrome/${version} Safari/537.36`).browser;
    expect(chrome('131.0.0.0')).toBe('Chrome 131');
    expect(chrome('9'.repeat(300))).toBe('Chrome');
    expect(chrome('<b>')).toBe('Chrome');
  });
});

test('a header of a megabyte costs no more than a short one [CWE-1333]', () => {
  const hostile = ['A', '/', ' ', '(', 'Chrome/', '/ ', '\u00ff', 'Mozilla/5.0 (', '; rv:'];
  let spent = 0;
  for (const piece of hostile) {
    const header = piece.repeat(1_048_576 / piece.length);
    const before = process.cpuUsage();
    const { browser, system } = describeUserAgent(header);
    const { user, system: kernel } = process.cpuUsage(before);
    spent += user + kernel;
    expect(`${browser}${system}`.length).toBeLessThan(60);
  }
  // Time of the processor, which a loaded machine does not stretch as it does the clock's.
  expect(spent).toBeLessThan(1_000_000);
});

test('what stands behind the first 512 characters is not read', () => {
  const known = `${WINDOWS}) ${BLINK} Chrome/131.0.0.0 Safari/537.36`;
  expect(describeUserAgent(`${known} ${'x'.repeat(600)} Edg/131.0.0.0`).browser).toBe('Chrome 131');
});
