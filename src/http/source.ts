import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { headerValues, type RequestHead } from './request-head.ts';

/** Proxies whose X-Forwarded-For is believed, each an address or a network of them. */
export type TrustedProxies = ReadonlyArray<readonly [ipaddr.IPv4 | ipaddr.IPv6, number]>;

/** Where a request comes from. */
export interface Source {
  /**
   * In the one canonical form of the address: dotted IPv4, or IPv6 in RFC 5952's spelling. Null
   * where there is none, such as of a closed connection or on a Unix socket.
   */
  readonly address: string | null;
  /** What guesses are counted by: the IPv4 address, or the /64 that one IPv6 customer has. */
  readonly network: string;
}

/** All peers without an address are one source. */
const UNKNOWN: Source = { address: null, network: 'unknown' };

/** More hops than any chain of proxies has; what stands further left is the client's invention. */
const HOPS_MAX = 32;

/**
 * Where the request comes from: the peer of the connection, or, where that is a trusted proxy, the
 * right-most address in X-Forwarded-For that is not one. Whatever stands further left was written
 * by the client. An entry that is no address ends the search at the hop that passed it on, so a
 * forged header can only make a request count for the proxy (CWE-348, R-53, R-81).
 *
 * @param peer the socket's remote address; undefined where it has none.
 */
export function sourceOf(
  head: RequestHead,
  peer: string | undefined,
  trusted: TrustedProxies,
): Source {
  // As the kernel writes it, it is canonical already; parsing it would cost each request more.
  if (trusted.length === 0 && peer !== undefined && isIPv4(peer)) {
    return { address: peer, network: peer };
  }
  let address = parseAddress(peer ?? '');
  if (!address) return UNKNOWN;
  if (trusted.length === 0) return { address: textOf(address), network: networkOf(address) };
  const hops = headerValues(head, 'x-forwarded-for')
    .flatMap((line) => line.split(','))
    .slice(-HOPS_MAX);
  for (const hop of hops.toReversed()) {
    if (!isTrusted(address, trusted)) break;
    const before = parseAddress(withoutPort(hop.trim()));
    if (!before) break;
    address = before;
  }
  return { address: textOf(address), network: networkOf(address) };
}

/** Whether the other end of the connection is a proxy whose word is taken. */
export function isTrustedPeer(peer: string | undefined, trusted: TrustedProxies): boolean {
  if (trusted.length === 0) return false;
  const address = parseAddress(peer ?? '');
  return address !== null && isTrusted(address, trusted);
}

/** Whether the header names addresses, and comes from a peer that nobody has said to believe. */
export function isUnbelieved(
  head: RequestHead,
  peer: string | undefined,
  trusted: TrustedProxies,
): boolean {
  return headerValues(head, 'x-forwarded-for').length > 0 && !isTrustedPeer(peer, trusted);
}

/** An address, or a network such as `10.0.0.0/8`, of a proxy; null where the text is neither. */
export function parseTrustedProxy(text: string): TrustedProxies[number] | null {
  const [address = '', bits, ...rest] = text.split('/');
  const parsed = parseAddress(address);
  if (!parsed || rest.length > 0) return null;
  const width = parsed.kind() === 'ipv4' ? 32 : 128;
  if (bits === undefined) return [parsed, width];
  return /^\d{1,3}$/.test(bits) && Number(bits) <= width ? [parsed, Number(bits)] : null;
}

function isTrusted(address: ipaddr.IPv4 | ipaddr.IPv6, trusted: TrustedProxies): boolean {
  return trusted.some(
    ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
  );
}

function networkOf(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  if (address instanceof ipaddr.IPv4) return address.toString();
  const parts = [...address.parts.slice(0, 4), 0, 0, 0, 0];
  return `${textOf(new ipaddr.IPv6(parts))}/64`;
}

function textOf(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}

/**
 * One address, whatever its spelling: an IPv4-mapped one is the IPv4 address, and a zone, which
 * only means something on one machine, is left out. Octal, hexadecimal and shortened IPv4, which
 * readers disagree about, is none.
 */
function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (!text.includes(':') || text.length > 100 || !ipaddr.IPv6.isValid(text)) return null;
  const parsed = ipaddr.IPv6.parse(text);
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address() : new ipaddr.IPv6(parsed.parts);
}

/** Some proxies write the client's port behind its address. */
function withoutPort(text: string): string {
  return (
    /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(text)?.[1] ?? text
  );
}
