import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkHost, hostsOf, tenantOfHost } from '../../src/http/host.ts';
import { parseTrustedProxy } from '../../src/http/source.ts';
import { parseTenantOrigins, tenantHostsOf } from '../../src/http/tenant-host.ts';
import { originPolicyOf, selectedTenant } from '../../src/http/tenant-selection.ts';
import { postWith } from './heads.ts';

const tenantHosts = tenantHostsOf('https://*.example.com');
const { hosts } = hostsOf('https://accounts.example.com', { loopback: false, port: 3000 });
const policy = { hosts, tenantHosts };
const at = (host: string) => postWith({ Host: host });

describe('the host of a tenant', () => {
  test.each([
    ['acme.example.com', 'acme'],
    ['ACME.Example.com', 'acme'],
    ['acme.example.com.', 'acme'],
    ['acme.example.com:443', 'acme'],
    ['a-1.example.com', 'a-1'],
  ])('%s names %s [R-84]', (host, slug) => {
    expect(checkHost(at(host), policy)).toBeNull();
    expect(tenantOfHost(at(host), policy)).toBe(slug);
  });

  test('is not that of the main origin, though that is below the same domain', () => {
    for (const host of ['accounts.example.com', 'accounts.example.com:443']) {
      expect(checkHost(at(host), policy)).toBeNull();
      expect(tenantOfHost(at(host), policy)).toBeNull();
    }
  });

  test.each([
    'example.com',
    '.example.com',
    '*.example.com',
    'a.b.example.com',
    'accounts.example.com.example.com',
    'acme.example.com.evil.example',
    'acmeexample.com',
    'acme.example.com:80',
    'acme.example.com:8443',
    'acme.example.com:0443',
    'acme.example.com@evil.example',
    'acme_1.example.com',
    'acme-.example.com',
    '-acme.example.com',
    'xn--80ak6aa92e.example.com',
    'acme..example.com',
    'acme.example.com..',
    `${'a'.repeat(41)}.example.com`,
    'acme.example.com, evil.example',
    'acme%2eexample.com',
    ' acme.example.com',
    '\u212Aiosk.example.com',
  ])('is not %j [R-35] [R-84] [CWE-350]', (host) => {
    expect(checkHost(at(host), policy)).toBe('foreign-host');
    expect(tenantOfHost(at(host), policy)).toBeNull();
  });

  test('is nobody where none are configured, or where there are two lines of it [CWE-444]', () => {
    expect(checkHost(at('acme.example.com'), { hosts })).toBe('foreign-host');
    expect(tenantOfHost(at('acme.example.com'), { hosts })).toBeNull();
    const twice = postWith({ Host: ['acme.example.com', 'globex.example.com'] });
    expect(checkHost(twice, policy)).toBe('repeated-host');
    expect(tenantOfHost(twice, policy)).toBeNull();
    const claims = { 'X-Forwarded-Host': 'acme.example.com', Forwarded: 'host=acme.example.com' };
    expect(tenantOfHost(postWith({ Host: hosts[0] ?? '', ...claims }), policy)).toBeNull();
  });

  test('passes nothing but one slug before the domain, in any case, with or without one dot', () => {
    const near = fc.constantFrom(
      ...'acme ACME a - . example com .example.com .Example.COM :443 accounts xn--'.split(' '),
      ...'_ * : @ % evil [::1] 1 ,'.split(' '),
      ' ',
    );
    const host = fc.array(near, { maxLength: 7 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(host, (value) => {
        const [, label = ''] = /^([^.]*)\.example\.com\.?(?::443)?$/i.exec(value) ?? [];
        const name = label.toLowerCase();
        const isSlug = /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name) && name.length <= 40;
        expect(tenantOfHost(at(value), policy)).toBe(isSlug && name !== 'accounts' ? name : null);
        expect(checkHost(at(value), policy) === null).toBe(isSlug);
      }),
      { numRuns: 3000 },
    );
  });

  test('leads back to the slug that made it, whatever the slug', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,9}$/);
    const slugs = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('-'));
    const ports = fc.constantFrom('', ':8443');
    fc.assert(
      fc.property(slugs, ports, (slug, port) => {
        const there = tenantHostsOf(`https://*.example.com${port}`);
        const base = { hosts: [], tenantHosts: there };
        expect(tenantOfHost(at(`${slug}.example.com${port}`), base)).toBe(slug);
        const policyThere = {
          ...base,
          origin: 'https://accounts.example.com',
          trustedOrigins: [],
        };
        const { origin } = originPolicyOf(at(`${slug}.example.com${port}`), policyThere);
        expect(new URL(origin).origin).toBe(origin);
        expect(new URL(origin).host).toBe(`${slug}.example.com${port}`);
      }),
    );
  });
});

describe('what is configured', () => {
  test.each(['https://*.example.com', 'https://*.a.example:8443', 'http://*.localhost:4000'])(
    'may be %s',
    (text) => {
      expect(parseTenantOrigins(text)).toEqual({ tenantHosts: tenantHostsOf(text) });
    },
  );

  test.each([
    '*.example.com',
    'https://example.com',
    'https://*',
    'https://*.',
    'https://*.com',
    'https://*.*.example.com',
    'https://a*.example.com',
    'https://a.*.example.com',
    'https://*.example.com/',
    'https://*.example.com/path',
    'https://*.example.com:443',
    'https://*.Example.com',
    'https://*.example.com.',
    'https://*.127.0.0.1',
    'https://*.[::1]',
    'https://eve@*.example.com',
    'https://*.eve@example.com',
    'http://*.example.com',
    'ftp://*.example.com',
  ])('may not be %s [CWE-183]', (text) => {
    expect(parseTenantOrigins(text)).toHaveProperty('problem');
  });
});

describe('the tenant of a request', () => {
  const proxy = parseTrustedProxy('10.0.0.0/8');
  const both = { ...policy, tenantHeader: 'x-tenant', trustedProxies: proxy ? [proxy] : [] };
  const selected = (host: string, said?: string, peer = '10.1.2.3') =>
    selectedTenant(postWith({ Host: host, ...(said ? { 'X-Tenant': said } : {}) }), peer, both);

  test('is the one of its host, or the one of a trusted proxy, or none', () => {
    expect(selected('acme.example.com')).toBe('acme');
    expect(selected('accounts.example.com', 'globex')).toBe('globex');
    expect(selected('accounts.example.com')).toBeNull();
    expect(selected('acme.example.com', 'acme')).toBe('acme');
  });

  test('is nobody where the two disagree, and a stranger cannot make them [CWE-436] [CWE-290]', () => {
    expect(selected('acme.example.com', 'globex')).toBe('-');
    expect(selected('acme.example.com', 'globex', '192.0.2.1')).toBe('acme');
  });
});
