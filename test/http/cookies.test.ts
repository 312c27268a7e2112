import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  PRESESSION_COOKIE,
  SESSION_COOKIE,
  SYNCHRONIZER_COOKIE,
  clearCookie,
  hasSallyportCookie,
  parseCookies,
  readCookie,
  setCookie,
} from '../../src/http/cookies.ts';
import { postWith } from './heads.ts';

const value = Buffer.alloc(32, 0xa5).toString('base64url');
const other = Buffer.alloc(32, 0x5a).toString('base64url');
const name = SESSION_COOKIE;
const pair = `${name}=${value}`;

function fill(bytes: number): string {
  return `a=${'x'.repeat(bytes - 2)}`;
}

function many(count: number): readonly string[] {
  return Array.from({ length: count }, () => 'a=1');
}

function read(cookie: string | readonly string[]) {
  return readCookie(parseCookies(postWith({ Cookie: cookie })), name);
}

function has(cookie: string | readonly string[]) {
  return hasSallyportCookie(parseCookies(postWith({ Cookie: cookie })));
}

describe('the names', () => {
  test('carry the prefix that browsers enforce, letter by letter [R-19] [R-24]', () => {
    expect(SESSION_COOKIE).toBe('__Host-session');
    expect(SYNCHRONIZER_COOKIE).toBe('__Host-csrf');
    expect(PRESESSION_COOKIE).toBe('__Host-presession');
  });
});

describe('readCookie', () => {
  test.each([
    `${name}=${value}`,
    `a=1; ${name}=${value}; b=2`,
    `a=1;${name}=${value}`,
    `a=1;\t ${name}=${value} \t;b`,
    `${name}x=1; x${name}=1; ${name}=${value}`,
  ])('reads the value from %j', (cookie) => {
    expect(read(cookie)).toEqual({ kind: 'present', value });
  });

  test('reads it from any of several Cookie lines, as HTTP/2 may split them', () => {
    expect(read(['a=1', `${name}=${value}`])).toEqual({ kind: 'present', value });
  });

  test.each([
    '',
    ';;;',
    'a=1',
    `x=${name}=${value}`,
    `__host-session=${value}`,
    `__HOST-SESSION=${value}`,
    `__Host-presession=${value}`,
    `${name} =${value}`,
    `"${name}"=${value}`,
    `%5F%5FHost-session=${value}`,
  ])('finds nothing in %j', (cookie) => {
    expect(read(cookie)).toEqual({ kind: 'absent' });
  });

  test('finds nothing where there is no Cookie header', () => {
    expect(readCookie(parseCookies(postWith({})), name)).toEqual({ kind: 'absent' });
  });

  // On https://evil.app.example: document.cookie = '=__Host-session=…; domain=app.example'
  // A nameless cookie, which older browsers send as `__Host-session=…` after an equals sign.
  test('finds nothing in a cookie without a name [R-24] [CWE-565]', () => {
    expect(read(`=${name}=${value}`)).toEqual({ kind: 'absent' });
    expect(read(`= ${name}=${value}`)).toEqual({ kind: 'absent' });
    expect(read(name)).toEqual({ kind: 'absent' });
  });

  // On https://evil.app.example: document.cookie = '\u00A0__Host-session=…; domain=app.example'
  // To the browser that is another name, without the prefix's protection.
  test.each(['\u00A0', '\u0085', '\u000B', '\u000C', '\uFEFF', '\u2003', '\r', '\n', '\0'])(
    'does not trim %j: only SP and HTAB are blanks [R-24] [CWE-565]',
    (space) => {
      expect(read(`${space}${name}=${value}`)).toEqual({ kind: 'absent' });
      expect(read(`${name}=${value}${space}`)).toEqual({ kind: 'malformed' });
    },
  );

  // On https://evil.app.example, in a browser that does not know the prefix:
  //   document.cookie = '__Host-session=<the attacker’s>; domain=app.example; path=/members'
  test.each([
    [`${name}=${value}; ${name}=${other}`],
    [`${name}=${value}; ${name}=${value}`],
    [`${name}=${value}; a=1; ${name}=`],
    [`${name}=; ${name}=${value}`],
    [`${name}=${value};${name}=junk junk`],
  ])('refuses to choose in %j [R-24] [CWE-384]', (cookie) => {
    expect(read(cookie)).toEqual({ kind: 'repeated' });
  });

  test('refuses to choose between two Cookie lines [R-24]', () => {
    expect(read([`${name}=${value}`, `${name}=${other}`])).toEqual({ kind: 'repeated' });
  });

  test.each([
    '',
    'x',
    value.slice(1),
    `${value}A`,
    `${value}=`,
    `"${value}"`,
    ` ${value}`,
    `${value.slice(0, 42)}=`,
    `${value.slice(0, 42)}+`,
    `${value.slice(0, 42)}/`,
    `${value.slice(0, 20)} ${value.slice(21)}`,
    `${value.slice(0, 42)}\u00E9`,
    `%41${value.slice(1)}`,
  ])('refuses the value %j: not 32 bytes of canonical base64url', (text) => {
    expect(read(`${name}=${text}`)).toEqual({ kind: 'malformed' });
  });

  test('takes one spelling of each secret: the spare bits are zero', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const accepted = alphabet
      .split('')
      .filter((last) => read(`${name}=${value.slice(0, 42)}${last}`).kind === 'present');
    expect(accepted.join('')).toBe('AEIMQUYcgkosw048');
  });

  test('gives up on more than 8 KiB of cookies, in one line or several', () => {
    const room = 8192 - pair.length;
    expect(read(`${pair};${fill(room - 1)}`)).toEqual({ kind: 'present', value });
    expect(read(`${pair};${fill(room)}`)).toEqual({ kind: 'malformed' });
    expect(read([pair, fill(room)])).toEqual({ kind: 'present', value });
    expect(read([pair, fill(room + 1)])).toEqual({ kind: 'malformed' });
    expect(read(fill(9000))).toEqual({ kind: 'malformed' });
  });

  test('gives up on more than 100 cookies, in one line or several', () => {
    expect(read([...many(99), pair].join(';'))).toEqual({ kind: 'present', value });
    expect(read([...many(100), pair].join(';'))).toEqual({ kind: 'malformed' });
    expect(read([...many(100), pair])).toEqual({ kind: 'malformed' });
  });

  const chunk = fc.oneof(
    fc.constantFrom(name, `${name}=`, `${name}=${value}`, value, '=', ';', '; ', ' ', '\t', '"'),
    fc.string({ unit: 'binary', maxLength: 3 }),
  );
  const text = fc.array(chunk, { maxLength: 8 }).map((chunks) => chunks.join(''));

  test('no header in which the name occurs twice reads as present [R-24]', () => {
    const twice = fc
      .tuple(text, text, fc.constantFrom(value, other, '', '""'))
      .map(
        ([before, between, second]) => `${before};${name}=${value};${between}; ${name}=${second}`,
      );
    fc.assert(
      fc.property(twice, fc.boolean(), (cookie, split) => {
        expect(read(split ? cookie.split(';') : cookie).kind).toBe('repeated');
      }),
    );
  });

  test('a value that is read stands in the header byte for byte, after the exact name', () => {
    fc.assert(
      fc.property(text, (cookie) => {
        const reading = read(cookie);
        if (reading.kind !== 'present') return;
        expect(cookie).toContain(`${name}=${reading.value}`);
        expect(Buffer.from(reading.value, 'base64url').toString('base64url')).toBe(reading.value);
        expect(Buffer.from(reading.value, 'base64url')).toHaveLength(32);
      }),
      { numRuns: 1000 },
    );
  });

  test('reads back whatever setCookie sets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const secret = Buffer.from(bytes).toString('base64url');
        const sent = setCookie(name, secret, {}).split(';')[0] ?? '';
        expect(read(sent)).toEqual({ kind: 'present', value: secret });
      }),
    );
  });
});

describe('hasSallyportCookie', () => {
  test.each([SESSION_COOKIE, SYNCHRONIZER_COOKIE, PRESESSION_COOKIE])(
    'sees %s, well formed or not, once or twice',
    (own) => {
      expect(has(`a=1; ${own}=${value}`)).toBe(true);
      expect(has(['a=1', `${own}=`])).toBe(true);
      expect(has(`${own}=junk; ${own}=junk`)).toBe(true);
    },
  );

  test.each(['', 'a=1', `__Host-other=${value}`, `=${name}=${value}`, `__host-session=${value}`])(
    'sees none in %j',
    (cookie) => {
      expect(has(cookie)).toBe(false);
    },
  );

  test('sees none where there is no Cookie header', () => {
    expect(hasSallyportCookie(parseCookies(postWith({})))).toBe(false);
  });

  test('supposes one in a header too large to be searched', () => {
    expect(has(`a=${'x'.repeat(9000)}`)).toBe(true);
    expect(has(Array.from({ length: 101 }, () => 'a=1').join(';'))).toBe(true);
  });
});

describe('setCookie', () => {
  test('is Secure, HttpOnly, SameSite=Strict, for this host only [R-19] [CWE-614]', () => {
    expect(setCookie(name, value, {})).toBe(
      `__Host-session=${value}; Path=/; Secure; HttpOnly; SameSite=Strict`,
    );
  });

  test('leaves out HttpOnly only for a cookie that scripts must read [CWE-1004]', () => {
    expect(setCookie(SYNCHRONIZER_COOKIE, value, { readable: true })).toBe(
      `__Host-csrf=${value}; Path=/; Secure; SameSite=Strict`,
    );
  });

  test('sets an age where one is given', () => {
    expect(setCookie(PRESESSION_COOKIE, value, { maxAgeSeconds: 3600 })).toBe(
      `__Host-presession=${value}; Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=Strict`,
    );
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 400 * 86_400 + 1])(
    'throws for an age of %s seconds',
    (maxAgeSeconds) => {
      expect(() => setCookie(name, value, { maxAgeSeconds })).toThrow(RangeError);
    },
  );

  test.each(['', `${value}; Domain=app.example`, `${value}\r\nX: y`, 'a b', '"a"', 'é', 'a\n'])(
    'throws for the value %j, and does not repeat it [CWE-113]',
    (text) => {
      const message = 'The value for the cookie __Host-session is not base64url.';
      expect(() => setCookie(name, text, {})).toThrow(new TypeError(message));
    },
  );
});

describe('clearCookie', () => {
  test('repeats the attributes, with no value and no time to live', () => {
    expect(clearCookie(name)).toBe(
      '__Host-session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict',
    );
    expect(clearCookie(SYNCHRONIZER_COOKIE)).toBe(
      '__Host-csrf=; Max-Age=0; Path=/; Secure; SameSite=Strict',
    );
  });
});
