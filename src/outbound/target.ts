import { isIP } from 'node:net';
import { isLoopbackAddress, isPublicAddress } from './address.ts';
import { OutboundError } from './error.ts';

/** What may be asked, as it was configured. */
export interface TargetPolicy {
  /** The names that may be asked, lower case; null for all that are public. */
  readonly hosts: ReadonlySet<string> | null;
  readonly ports: ReadonlySet<number>;
  /** `host:port` each. */
  readonly insecureLoopbackHosts: ReadonlySet<string>;
}

/** CockroachDB's console and its SQL port: no web server that we ask is ever there. */
const PORTS_NEVER = new Set([8080, 26257]);

/** Names that public DNS does not have (RFC 6761, 6762, 8375, 9476), and two that are customary. */
const INSIDE =
  /(^|\.)(localhost|localdomain|local|internal|intranet|lan|home\.arpa|alt|onion|test|invalid)$/;

/**
 * Reads a URL that may be asked.
 *
 * It is read once, here, in the way of the WHATWG standard, which turns decimal, octal and
 * hexadecimal forms of an address into the one that is connected to; what is judged is what is used
 * (CWE-436). What readers disagree on is refused and not repaired: white space, control characters,
 * backslashes, a name and password before the host (CWE-522), a dot behind it.
 * @throws OutboundError
 */
export function parseTarget(text: string, policy: TargetPolicy): URL {
  if (/[\s\\\p{Cc}]/u.test(text) || !URL.canParse(text)) throw new OutboundError('malformed-url');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || /^[^/?#]*\/\/[^/?#]*@/.test(text)) {
    throw new OutboundError('credentials-in-url');
  }
  const port = portOf(url);
  const named = isNamedLoopback(url.hostname, port, policy);
  if (url.protocol !== 'https:' && !(named && url.protocol === 'http:')) {
    throw new OutboundError('scheme-refused');
  }
  if (PORTS_NEVER.has(port)) throw new OutboundError('port-refused');
  if (named) return url;
  if (!policy.ports.has(port)) throw new OutboundError('port-refused');
  if (policy.hosts && !policy.hosts.has(url.hostname)) throw new OutboundError('host-refused');
  checkHostname(url.hostname);
  return url;
}

/** An address is judged as one; a name must be one that public DNS could have. */
function checkHostname(hostname: string): void {
  const literal = literalOf(hostname);
  if (literal !== null) {
    if (!isPublicAddress(literal)) throw new OutboundError('address-refused');
    return;
  }
  const labels = hostname.split('.');
  const named = labels.length > 1 && labels.every((label) => /^[a-z0-9_-]{1,63}$/.test(label));
  if (!named || hostname.length > 253 || INSIDE.test(hostname)) {
    throw new OutboundError('host-refused');
  }
}

/** The address that a URL's host is, without the brackets of IPv6; null where it is a name. */
export function literalOf(hostname: string): string | null {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(bare) === 0 ? null : bare;
}

/** Whether a connection to this address may be had for this host. */
export function mayConnect(
  address: string,
  hostname: string,
  port: number,
  policy: TargetPolicy,
): boolean {
  if (PORTS_NEVER.has(port)) return false;
  if (isNamedLoopback(hostname, port, policy)) return isLoopbackAddress(address);
  return isPublicAddress(address);
}

function isNamedLoopback(hostname: string, port: number, policy: TargetPolicy): boolean {
  return policy.insecureLoopbackHosts.has(`${hostname}:${port}`);
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'http:' ? 80 : 443;
}
