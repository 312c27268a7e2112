import { type RequestHead, headerValues } from './request-head.ts';
import { slugInHost, type TenantHosts } from './tenant-host.ts';

/** The names under which we answer: lower case, `host` or `host:port`. */
export interface HostPolicy {
  readonly hosts: readonly string[];
  /** Under these, each tenant has one more; left out where they have none. */
  readonly tenantHosts?: TenantHosts | null;
}

/** Why a request's `Host` was refused. */
export type HostRejection = 'no-host' | 'repeated-host' | 'foreign-host';

/**
 * The hosts that belong to a configured origin, with and without its scheme's default port.
 *
 * `port` is the port that this process listens on. A process that listens on loopback is also
 * reachable by its three loopback names there; a rebinding attacker cannot obtain any of them.
 * Throws a TypeError if `origin` is not one that `parseOrigin` returned.
 */
export function hostsOf(
  origin: string,
  options: { readonly loopback: boolean; readonly port: number },
): HostPolicy {
  const url = new URL(origin);
  const hosts = withDefaultPort(url);
  if (!options.loopback) return { hosts };
  for (const name of ['localhost', '127.0.0.1', '[::1]']) {
    hosts.push(...withDefaultPort(new URL(`http://${name}:${options.port}`)));
  }
  return { hosts: [...new Set(hosts)] };
}

function withDefaultPort(url: URL): string[] {
  if (url.port !== '') return [url.host];
  return [url.hostname, `${url.hostname}:${url.protocol === 'https:' ? 443 : 80}`];
}

/**
 * Whether the request was addressed to us. Returns the reason to refuse it, or null.
 *
 * Compared in lower case, with the port, after taking off one trailing dot of the name.
 * A page under an attacker's name that now resolves to our address (DNS rebinding) is same-origin
 * with us in the browser's eyes and differs only here, so whatever is not on the list is refused.
 *
 * Judges the `Host` line alone: the caller refuses request targets in absolute form, which would
 * override it, and HTTP/2, which has no such line. RFC 9110 7.2, RFC 9112 3.2, CWE-350.
 */
export function checkHost(head: RequestHead, policy: HostPolicy): HostRejection | null {
  const values = headerValues(head, 'host');
  const value = values[0];
  if (value === undefined) return 'no-host';
  // Which of two would win differs between us and a proxy: refused. RFC 9112 3.2, CWE-444.
  if (values.length > 1) return 'repeated-host';
  const host = canonicalHost(value);
  if (host === null) return 'foreign-host';
  return policy.hosts.includes(host) || slugOf(host, policy) !== null ? null : 'foreign-host';
}

/**
 * The slug that the request's host names; null where it is one of the main names, or none of ours.
 * A main name is no tenant's, also where it is below the tenants' domain.
 */
export function tenantOfHost(head: RequestHead, policy: HostPolicy): string | null {
  if (!policy.tenantHosts) return null;
  const [value, ...more] = headerValues(head, 'host');
  if (value === undefined || more.length > 0) return null;
  const host = canonicalHost(value);
  return host === null || policy.hosts.includes(host) ? null : slugOf(host, policy);
}

function slugOf(host: string, { tenantHosts }: HostPolicy): string | null {
  return tenantHosts ? slugInHost(host, tenantHosts) : null;
}

/** Only ASCII names, so that lower case means one thing; an empty port or none is not equal. */
function canonicalHost(value: string): string | null {
  const parts = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$/i.exec(value);
  if (parts === null) return null;
  const name = (parts[1] ?? '').toLowerCase();
  const port = parts[2] ?? '';
  return name.endsWith('.') ? name.slice(0, -1) + port : name + port;
}
