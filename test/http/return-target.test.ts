import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseReturnTarget } from '../../src/http/return-target.ts';

// Where a person is led after signing in comes from the address bar, and so from anybody. What
// leaves our origin as a browser reads it (the WHATWG URL parser, which Node.js has too) is
// refused (R-87, CWE-601, ASVS 3.7.2).

const ORIGINS = ['http://localhost:4000', 'https://accounts.example.com', 'http://[::1]:4000'];
const [ORIGIN = ''] = ORIGINS;

/** Beginnings that some parser, proxy or filter has taken for the start of another host. */
const SLASHES = [
  '//',
  '///',
  '////',
  '/\\',
  '\\/',
  '\\\\',
  '/\\/',
  '//\\',
  '\\',
  '/\t/',
  '/\n/',
  '/\r\n/',
  '/\0/',
  '\t//',
  ' //',
  '\u00a0//',
  '\ufeff//',
  '/ /',
  '/%2f',
  '/%2F/',
  '/%5c',
  '/%5C%5C',
  '%2f%2f',
  '/%09/',
  '/%0d%0a/',
  '/%00/',
  '/%252f',
  '/%255c',
  '/%c0%af',
  '/%e2%88%95',
  '/\uff0f',
  '/\u2044',
  '/\u2215',
  '/\u29f8',
  '/\uff3c',
  '/.//',
  '/..//',
  '/a/..//',
  '/%2e//',
  '/%2e%2e//',
  '/.%2E//',
  '/a/%2e%2e//',
  '/././/',
  '/.\\/',
  '/..\\\\',
  '/;//',
  '/.',
  '//.',
  '//;@',
] as const;

const HOSTS = [
  'evil.example',
  'evil.example/sign-in?return_to=/',
  'user@evil.example',
  'localhost:4000@evil.example',
  'localhost:4000.evil.example',
  'evil\u3002example',
  '%65vil.example',
  '[::ffff:203.0.113.7]',
  '3405803783',
] as const;

const SCHEMES = [
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\tscript:alert(1)',
  'java\nscript:alert(1)',
  '\u0001javascript:alert(1)',
  ' javascript:alert(1)',
  'javascript://localhost:4000/%0aalert(1)',
  'javascript&colon;alert(1)',
  'javascript%3aalert(1)',
  '/javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  'blob:http://localhost:4000/6c3f0e47',
  'file:///etc/passwd',
  'view-source:http://localhost:4000/',
  'about:blank',
  'ws://evil.example',
  'https://evil.example',
  'HTTPS://EVIL.EXAMPLE',
  'https:/evil.example',
  'https:evil.example',
  'https:\\\\evil.example',
  'https:///evil.example',
  'http://localhost:4000@evil.example/',
  'http://localhost:4000:pass@evil.example/',
  'http://localhost:4000.evil.example/',
  'http://localhost:4000\\@evil.example/',
  'http://evil.example#@localhost:4000/',
  'http://evil.example?@localhost:4000/',
  'https://localhost:4000/account',
  'http://localhost:4001/account',
  'http://localhost/account',
  'http://user@localhost:4000/account',
  'http://localhost:4000/account',
  '?return_to=//evil.example',
  '#//evil.example',
  '@evil.example',
  ':80',
  '.evil.example',
  'evil.example',
  '',
  ' ',
] as const;

/** Each control character at each place in which it could be dropped to make two slashes. */
const CONTROLS = [...Array(0x20).keys(), ...Array.from({ length: 0x21 }, (_, i) => 0x7f + i)]
  .map((code) => String.fromCodePoint(code))
  .flatMap((control) => [`${control}//evil.example`, `/${control}/evil.example`, `/${control}`]);

const LONG = [
  `/${'a'.repeat(2_000)}`,
  `//${'a'.repeat(5_000)}.example`,
  `/${'/'.repeat(5_000)}evil.example`,
  `/${'../'.repeat(600)}/evil.example`,
  `/${'%2e%2e/'.repeat(250)}/evil.example`,
  `/account?${'a'.repeat(100_000)}`,
];

const families: Readonly<Record<string, readonly string[]>> = {
  'slashes and what has passed for them': SLASHES.flatMap((start) =>
    HOSTS.map((host) => start + host),
  ),
  'schemes, user names and other origins': SCHEMES,
  'control characters': CONTROLS,
  'very long ones': LONG,
};
const corpus = Object.values(families).flat();

/** Where a browser goes from the page that redirects, or null where it goes nowhere. */
function landsAt(target: string, origin: string): string | null {
  const page = `${origin}/sign-in`;
  return URL.canParse(target, page) ? new URL(target, page).origin : null;
}

/**
 * Whether what is made of this leads to our origin, whoever resolves it, says so in plain
 * characters, and is itself what would be made of it; or is nothing.
 */
function staysHome(given: string, origin: string): boolean {
  const target = parseReturnTarget(given, origin);
  if (target === null) return true;
  const plain = /^\/(?!\/)[!-[\]-~]*$/.test(target);
  return (
    plain && landsAt(target, origin) === origin && parseReturnTarget(target, origin) === target
  );
}

describe('a hostile target', () => {
  test('is one of at least 200, most of which a look at the first character would let leave', () => {
    expect(new Set(corpus).size).toBeGreaterThanOrEqual(200);
    const leave = corpus.filter((each) => landsAt(each, ORIGIN) !== ORIGIN);
    expect(leave.length).toBeGreaterThan(150);
    const naive = leave.filter((each) => each.startsWith('/'));
    const lessNaive = naive.filter((each) => !each.startsWith('//'));
    expect([naive.length > 50, lessNaive.length > 20]).toEqual([true, true]);
  });

  test.each(Object.entries(families))(
    'never leaves the origin: %s [R-87] [CWE-601] [ASVS 3.7.2]',
    (_, targets) => {
      for (const origin of ORIGINS) {
        const strayed = targets.filter((given) => !staysHome(given, origin));
        expect(strayed.map((given) => given.slice(0, 80))).toEqual([]);
      }
    },
  );

  test('that a browser would take to another origin is refused, not repaired [R-87] [CWE-601]', () => {
    for (const origin of ORIGINS) {
      for (const given of corpus.filter((each) => landsAt(each, origin) !== origin)) {
        expect(parseReturnTarget(given, origin), given.slice(0, 80)).toBeNull();
      }
    }
  });

  test.each([
    ['two slashes', '//evil.example'],
    ['a backslash', '/\\evil.example'],
    ['a backslash anywhere', '/account\\..\\evil'],
    ['a backslash in the query', '/account?\\'],
    ['a tab, which browsers drop', '/\t/evil.example'],
    ['a newline', '/account\nSet-Cookie: a=b'],
    ['dots that leave two slashes', '/.//evil.example'],
    ['encoded dots that leave two slashes', '/%2e%2e//evil.example'],
    ['a path of nothing but slashes', '//'],
    ['a user name before our own host', '//user@localhost:4000/account'],
    ['a relative path', 'account'],
    ['our own origin, spelt out', `${ORIGIN}/account`],
    ['a query alone', '?notice=saved'],
    ['a script', 'javascript:alert(1)'],
    ['nothing', ''],
    ['more than 2,000 characters', `/${'a'.repeat(2_000)}`],
  ])('%s: null', (_, given) => {
    expect(parseReturnTarget(given, ORIGIN)).toBeNull();
  });
});

describe('any text at all', () => {
  const piece = fc.oneof(
    fc.constantFrom('/', '\\', '.', '%2e', '%2f', '%5c', ':', '@', '?', '#', '\t', '\n', ' '),
    fc.constantFrom('evil.example', 'localhost:4000', 'http', 'javascript', '\u3002', '\uff0f'),
    fc.string({ maxLength: 3, unit: 'binary' }),
  );
  const text = fc
    .tuple(fc.constantFrom('', '/', '//'), fc.array(piece, { maxLength: 12 }))
    .map(([start, pieces]) => start + pieces.join(''));

  test('leads to our origin or nowhere [R-87] [CWE-601]', () => {
    let accepted = 0;
    fc.assert(
      fc.property(text, fc.constantFrom(...ORIGINS), (given, origin) => {
        if (parseReturnTarget(given, origin) !== null) accepted++;
        return staysHome(given, origin);
      }),
      { numRuns: 20_000 },
    );
    expect(accepted).toBeGreaterThan(1_000);
  });
});

describe('a path of our own', () => {
  test.each([
    '/',
    '/account',
    '/account/email?notice=email-requested',
    '/account?a=1&b=%2F%2Fevil.example&c=a+b',
    '/confirm-email?token=8TeF3ZDJ-_',
    '/account?return_to=//evil.example',
    '/a:b@c/d;e=f,g',
    '/caf%C3%A9',
    '/account//twice',
    '/account/?',
  ])('%s survives as it is, but for an empty query', (given) => {
    expect(parseReturnTarget(given, ORIGIN)).toBe(given.replace(/\?$/, ''));
  });

  test('is written as a browser would send it', () => {
    expect(parseReturnTarget('/caf\u00e9?q=\u00fc b', ORIGIN)).toBe('/caf%C3%A9?q=%C3%BC%20b');
    expect(parseReturnTarget('/a/../account', ORIGIN)).toBe('/account');
    expect(parseReturnTarget('/\uff0fevil.example', ORIGIN)).toBe('/%EF%BC%8Fevil.example');
  });

  test('loses its fragment, which is not for the server', () => {
    expect(parseReturnTarget('/account#//evil.example', ORIGIN)).toBe('/account');
  });

  test('may have 2,000 characters', () => {
    const given = `/${'a'.repeat(1_999)}`;
    expect(parseReturnTarget(given, ORIGIN)).toBe(given);
  });
});
