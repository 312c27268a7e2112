import { parseOrigin } from './origin.ts';

/** The hosts of tenants: a tenant's slug as one label before a configured domain. */
export interface TenantHosts {
  /** Such as `https://*.example.com`. */
  readonly pattern: string;
  /** What stands behind the slug, with and without the scheme's default port. */
  readonly suffixes: readonly string[];
}

/**
 * The form of a tenant's slug, which no encoded label has (RFC 5891 4.2.3.1). One label and never
 * more: what is below a tenant's host is nobody's.
 */
const SLUG = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const SLUG_LENGTH_MAX = 40;

/**
 * The origins of tenants from configuration, `https://*.example.com` or with a port, in the exact
 * form that a browser serialises; or what is wrong, as a sentence for the person who wrote it.
 *
 * The star is the whole first label. A domain of one label is refused, for its owner is a registry;
 * `localhost` is not, for development. Who else has names below the domain this cannot know: it
 * must be the operator's own (a public suffix such as `github.io` is not).
 */
export function parseTenantOrigins(
  text: string,
): { readonly tenantHosts: TenantHosts } | { readonly problem: string } {
  const [, scheme, domain] = /^(https?:\/\/)\*\.([^*]+)$/.exec(text) ?? [];
  const parsed = scheme && domain ? parseOrigin(scheme + domain) : null;
  if (parsed === null || 'problem' in parsed) {
    return {
      problem:
        'The origins of tenants are written like https://*.example.com: https, a star, a domain in lower case, and no path.',
    };
  }
  const { hostname } = new URL(parsed.origin);
  if (hostname !== 'localhost' && !/^(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*$/.test(hostname)) {
    return { problem: 'The origins of tenants need a domain of your own behind the star.' };
  }
  return { tenantHosts: tenantHostsOf(text) };
}

/** @param pattern as parseTenantOrigins has accepted it; only its port may be another. */
export function tenantHostsOf(pattern: string): TenantHosts {
  const { host, port, protocol } = new URL(pattern.replace('*.', ''));
  const standard = protocol === 'https:' ? 443 : 80;
  const suffixes = port === '' ? [`.${host}`, `.${host}:${standard}`] : [`.${host}`];
  return { pattern, suffixes };
}

/** The slug in a host in lower case, with its port; null where it is no tenant's. */
export function slugInHost(host: string, { suffixes }: TenantHosts): string | null {
  for (const suffix of suffixes) {
    if (!host.endsWith(suffix)) continue;
    const label = host.slice(0, -suffix.length);
    if (label.length <= SLUG_LENGTH_MAX && SLUG.test(label)) return label;
  }
  return null;
}

/** The origin of a tenant's host. */
export function tenantOrigin(slug: string, { pattern }: TenantHosts): string {
  return pattern.replace('*', slug);
}
