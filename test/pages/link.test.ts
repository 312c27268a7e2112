import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkLink, checkPath } from '../../src/pages/link.ts';
import { hostileText } from './samples.ts';

/** The checked link, or that it was refused with a TypeError that does not repeat it. */
function outcome(link: string): string {
  try {
    return checkLink(link);
  } catch (error) {
    if (!(error instanceof TypeError)) return 'failed';
    return link.length > 20 && error.message.includes(link) ? 'repeated' : 'refused';
  }
}

describe('a link that arrives as a value', () => {
  it.each([
    'https://accounts.example/confirm-email?token=a-_b&x=1#top',
    'http://127.0.0.1:3000/sign-in',
  ])('stays as it is: %s', (link) => {
    expect(checkLink(link)).toBe(link);
  });

  it.each([
    ['a script', 'javascript:alert(1)'],
    ['a script behind white space', ' javascript:alert(1)'],
    ['a script with a comment that looks like an address', 'javascript://https://a.example'],
    ['data', 'data:text/html,<script>alert(1)</script>'],
    ['a relative path', '/sign-in'],
    ['another origin without a scheme', '//evil.example'],
    ['no host', 'https://'],
    ['nothing', ''],
    ['a second line', 'https://a.example/\nBcc: all@example.com'],
    ['a space, where a mail client ends the link', 'https://a.example/ b'],
    ['letters that look like others', 'https://аpple.example/'],
    ['a name that looks like the host', 'https://accounts.example@evil.example/'],
    ['a password', 'https://a:b@accounts.example/'],
  ])('is refused if it is %s [ASVS 1.2.2] [CWE-79]', (_, link) => {
    expect(() => checkLink(link)).toThrow(TypeError);
  });

  it('is http or https on one line, or refused without being repeated [ASVS 1.2.2]', () => {
    const link = fc.oneof(
      hostileText,
      hostileText.map((text) => `https://a.example/${text}`),
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
    );
    fc.assert(
      fc.property(link, (value) => {
        const told = outcome(value);
        expect(told).toMatch(/^(?:https?:\/\/[!-~]+|refused)$/);
        expect(told).not.toMatch(/["<>]/);
      }),
    );
  });
});

describe('a path that arrives as a value', () => {
  it.each([
    '/',
    '/account',
    '/account?notice=saved',
    '/a#b',
    '/.//evil.example',
    '/%2f/evil.example',
  ])('stays as it is: %s', (path) => {
    expect(checkPath(path)).toBe(path);
  });

  it.each([
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '///evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    'account',
    ' //evil.example',
    '',
  ])('is refused if it leads to another origin: %j [CWE-601] [ASVS 3.7.2]', (path) => {
    expect(() => checkPath(path)).toThrow(TypeError);
  });

  it('leads to our own origin or is refused [CWE-601]', () => {
    const accepted = (path: string): string => {
      try {
        return checkPath(path);
      } catch {
        return '/';
      }
    };
    fc.assert(
      fc.property(hostileText, (text) => {
        const url = new URL(accepted(`/${text}`), 'https://accounts.example');
        expect(url.origin).toBe('https://accounts.example');
      }),
    );
  });
});
