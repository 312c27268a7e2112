import { expect, test } from 'vitest';
import { parseTrustedProxy } from '../../src/http/source.ts';
import { namedTenant } from '../../src/http/tenant-header.ts';

const proxy = parseTrustedProxy('10.0.0.0/8');
const policy = { tenantHeader: 'x-tenant', trustedProxies: proxy ? [proxy] : [] };
const named = (rawHeaders: readonly string[], peer = '10.1.2.3', with_ = policy) =>
  namedTenant({ rawHeaders: [...rawHeaders] }, peer, with_);

test('a configured peer names the tenant, in the configured header', () => {
  expect(named(['X-Tenant', 'acme'])).toBe('acme');
  expect(named([])).toBeNull();
  expect(named(['X-Other', 'acme'])).toBeNull();
});

test('anybody else names nothing [CWE-290] [CWE-348]', () => {
  expect(named(['X-Tenant', 'acme'], '192.0.2.1')).toBeNull();
  expect(namedTenant({ rawHeaders: ['X-Tenant', 'acme'] }, undefined, policy)).toBeNull();
  expect(named(['X-Tenant', 'acme'], '10.1.2.3', { ...policy, trustedProxies: [] })).toBeNull();
  const { tenantHeader: _, ...none } = policy;
  expect(namedTenant({ rawHeaders: ['X-Tenant', 'acme'] }, '10.1.2.3', none)).toBeNull();
});

test.each([
  [['X-Tenant', 'acme', 'X-Tenant', 'globex']],
  [['X-Tenant', 'acme, globex']],
  [['X-Tenant', 'acme:proof']],
  [['X-Tenant', '']],
  [['X-Tenant', 'ACME']],
])('%j is for no tenant that there can be [CWE-444]', (rawHeaders) => {
  expect(named(rawHeaders)).toBe('-');
});
