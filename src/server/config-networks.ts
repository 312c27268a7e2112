import { parseTenantOrigins, slugInHost, type TenantHosts } from '../http/tenant-host.ts';
import { parseTrustedProxy, type TrustedProxies } from '../http/source.ts';

export function readTrustedProxies(text: string | undefined, problems: string[]): TrustedProxies {
  return (text?.split(',') ?? []).flatMap((each) => {
    const proxy = parseTrustedProxy(each.trim());
    if (proxy) return [proxy];
    problems.push(
      'SALLYPORT_TRUSTED_PROXIES must be addresses or networks, such as 127.0.0.1,10.0.0.0/8.',
    );
    return [];
  });
}

export function readRangesUrl(text: string | undefined, problems: string[]): string | null {
  if (text === undefined) return null;
  if (/^https:\/\/[^?#]+\/$/.test(text) && URL.canParse(text)) return text;
  problems.push(
    'SALLYPORT_COMPROMISED_PASSWORDS_URL must be an https URL that ends with a slash, such as https://api.pwnedpasswords.com/range/.',
  );
  return null;
}

/** Only a proxy whose address is known can be told from a client that writes the header itself. */
export function readTenantHeader(
  value: (name: string) => string | undefined,
  problems: string[],
): string | null {
  const name = value('SALLYPORT_TENANT_HEADER')?.toLowerCase();
  if (name === undefined) return null;
  if (!/^x-[a-z0-9-]{1,60}$/.test(name)) {
    problems.push('SALLYPORT_TENANT_HEADER must be the name of a header such as X-Tenant.');
  }
  if (value('SALLYPORT_TRUSTED_PROXIES') === undefined) {
    problems.push('SALLYPORT_TENANT_HEADER needs SALLYPORT_TRUSTED_PROXIES: who may set it.');
  }
  return name;
}

export function readTenantHosts(text: string | undefined, problems: string[]): TenantHosts | null {
  if (text === undefined) return null;
  const parsed = parseTenantOrigins(text);
  if ('tenantHosts' in parsed) return parsed.tenantHosts;
  problems.push(`SALLYPORT_TENANT_ORIGINS: ${parsed.problem}`);
  return null;
}

/** What two settings say differently of one origin. */
export function refuseAmbiguousOrigins(
  {
    origin,
    trustedOrigins,
    tenantHosts,
  }: {
    readonly origin: string;
    readonly trustedOrigins: readonly string[];
    readonly tenantHosts: TenantHosts | null;
  },
  problems: string[],
): void {
  if (!tenantHosts) return;
  const { protocol } = new URL(origin);
  if (!tenantHosts.pattern.startsWith(protocol)) {
    problems.push('SALLYPORT_TENANT_ORIGINS must have the scheme of SALLYPORT_ORIGIN.');
  }
  // What runs on one tenant's host could then write in every other one.
  if (trustedOrigins.some((each) => slugInHost(new URL(each).host, tenantHosts) !== null)) {
    problems.push("SALLYPORT_TRUSTED_ORIGINS must not have the origin of a tenant's own host.");
  }
}
