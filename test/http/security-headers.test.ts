import { describe, expect, test } from 'vitest';
import {
  API_HEADERS,
  ASSET_HEADERS,
  CONNECTING_PAGE_HEADERS,
  PAGE_HEADERS,
  transportSecurity,
} from '../../src/http/security-headers.ts';

const all = [
  ['API_HEADERS', API_HEADERS],
  ['PAGE_HEADERS', PAGE_HEADERS],
  ['CONNECTING_PAGE_HEADERS', CONNECTING_PAGE_HEADERS],
  ['ASSET_HEADERS', ASSET_HEADERS],
] as const;

function directives(headers: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const policy = headers['content-security-policy'] ?? '';
  return new Map(
    policy.split('; ').map((directive) => {
      const [name = '', ...sources] = directive.split(' ');
      return [name, sources.join(' ')];
    }),
  );
}

describe.each(all)('%s', (_name, headers) => {
  test('names are in lower case and values are legal', () => {
    for (const [name, value] of Object.entries(headers)) {
      expect(name).toMatch(/^[a-z-]+$/);
      expect(value).toMatch(/^[\x20-\x7e]+$/);
    }
  });

  test('cannot be weakened by whoever holds them', () => {
    expect(Object.isFrozen(headers)).toBe(true);
  });

  test('forbid sniffing, framing and embedding, and allow nothing by default [CWE-1021]', () => {
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
    expect(directives(headers).get('frame-ancestors')).toBe("'none'");
    expect(directives(headers).get('default-src')).toBe("'none'");
  });

  test('never allow inline code, eval, or another origin [CWE-79] [ASVS 1.3.2]', () => {
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|http|data:|blob:/);
  });
});

describe('API_HEADERS', () => {
  test('no cache keeps an answer, and a browser that opens one runs nothing [CWE-524]', () => {
    expect(API_HEADERS['cache-control']).toBe('no-store');
    expect(API_HEADERS['referrer-policy']).toBe('no-referrer');
    expect(directives(API_HEADERS).get('sandbox')).toBe('');
  });

  test('vary by everything that an answer may depend on', () => {
    expect(API_HEADERS['vary']).toBe('Authorization, Cookie, Origin');
  });
});

describe('PAGE_HEADERS', () => {
  test('the content security policy is exactly this', () => {
    expect(Object.fromEntries(directives(PAGE_HEADERS))).toEqual({
      'default-src': "'none'",
      'style-src': "'self'",
      'img-src': "'self'",
      'script-src': "'self'",
      'form-action': "'self'",
      'base-uri': "'none'",
      'frame-ancestors': "'none'",
      'require-trusted-types-for': "'script'",
      'trusted-types': "'none'",
    });
  });

  // Under no-referrer a browser sends `Origin: null` with our own forms, which we refuse.
  test('the referrer policy lets our own forms keep their Origin [R-05]', () => {
    expect(PAGE_HEADERS['referrer-policy']).toBe('same-origin');
  });

  test('no page is kept, shared with a window that another site opened, or powerful', () => {
    expect(PAGE_HEADERS['cache-control']).toBe('no-store');
    expect(PAGE_HEADERS['vary']).toBe('Cookie, Origin, Accept-Language');
    expect(PAGE_HEADERS['cross-origin-opener-policy']).toBe('same-origin');
    expect(PAGE_HEADERS['permissions-policy']).toBe(
      'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    );
  });
});

describe('CONNECTING_PAGE_HEADERS', () => {
  test('are those of every page, and its script may connect to our own origin only [ASVS 3.4.3]', () => {
    const policy = 'content-security-policy';
    expect({ ...CONNECTING_PAGE_HEADERS, [policy]: '' }).toEqual({ ...PAGE_HEADERS, [policy]: '' });
    expect(Object.fromEntries(directives(CONNECTING_PAGE_HEADERS))).toEqual({
      ...Object.fromEntries(directives(PAGE_HEADERS)),
      'connect-src': "'self'",
    });
  });
});

describe('ASSET_HEADERS', () => {
  test('may be cached, and an image opened by itself runs nothing', () => {
    expect(ASSET_HEADERS['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(directives(ASSET_HEADERS).get('sandbox')).toBe('');
  });
});

describe('transportSecurity', () => {
  test('https is promised for a year, with subdomains [CWE-319]', () => {
    expect(transportSecurity('https://app.example')).toEqual({
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
    });
  });

  test('nothing is promised over http', () => {
    expect(transportSecurity('http://localhost:3000')).toEqual({});
  });
});
