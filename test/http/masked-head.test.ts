import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskHead } from '../../src/http/masked-head.ts';

const masked = (name: string, value: string, url = '/') =>
  maskHead({ method: 'GET', url, rawHeaders: [name, value] });

describe('a head is masked [CWE-532]', () => {
  test.each([
    ['Cookie', '__Host-session=abc; theme=dark', '__Host-session=[masked]; theme=[masked]'],
    ['Cookie', 'abc', '[masked]'],
    ['Authorization', 'Bearer abc', 'Bearer [masked]'],
    ['Authorization', 'abc', '[masked]'],
    ['X-Csrf-Token', 'abc', '[masked]'],
    ['Proxy-Authorization', 'Basic abc', '[masked]'],
    ['Referer', 'https://a.example/b?token=abc#abc', 'https://a.example/b?token=[masked]'],
    ['User-Agent', 'curl/8.5.0', 'curl/8.5.0'],
    ['User-Agent', `x ${'a'.repeat(43)}`, 'x [masked]'],
    ['Host', 'app.example:8443', 'app.example:8443'],
  ])('%s: %s', (name, value, shown) => {
    expect(masked(name, value).headers).toEqual([[name.toLowerCase(), shown]]);
  });

  test.each([
    ['/a?token=abc&b', '/a?token=[masked]&[masked]'],
    [`/confirm/${'A'.repeat(43)}`, '/confirm/[masked]'],
    [
      '/things/3f1c7a52-0d3e-4b6b-9d4f-2f1f0a3c5e77',
      '/things/3f1c7a52-0d3e-4b6b-9d4f-2f1f0a3c5e77',
    ],
  ])('the target %s', (url, shown) => {
    expect(masked('Host', 'a', url).target).toBe(shown);
  });
});

test('no head holds a secret or anything but printable ASCII, however it is built [CWE-117]', () => {
  const secret = 'k3Jx9'.repeat(9).slice(0, 43);
  const name = fc.constantFrom(
    'Cookie',
    'Authorization',
    'User-Agent',
    'X-Any',
    'Referer',
    'Accept',
  );
  const value = fc
    .tuple(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.constantFrom(' ', ';', '=', '/', '?t=', '\n', '\u009b'),
    )
    .map(([text, joint]) => `${text}${joint}${secret}${joint}${text}`);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 60 }), value, (headers, url) => {
      const text = JSON.stringify(maskHead({ method: 'GET', url, rawHeaders: headers.flat() }));
      expect(text).not.toContain(secret);
      expect(text).toMatch(/^[ -~]*$/);
      expect(text.length).toBeLessThan(32_768);
    }),
  );
});
