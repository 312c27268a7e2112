import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Whether this is an address of the public network, and nobody's inside. Takes the textual form of
 * one address; anything else is not.
 *
 * Only what the registries call unicast passes, after an IPv4 address mapped into IPv6 has been
 * taken out of it: loopback, private, link-local (cloud metadata at 169.254.169.254), unique-local
 * (fd00:ec2::254), shared (100.100.100.200), multicast, reserved, NAT64, 6to4, Teredo and
 * IPv4-translated ranges are refused by not being named. Three things that the registries let
 * through are refused beside: IPv6 outside of 2000::/3, which has nothing public and the deprecated
 * `::127.0.0.1`; an ISATAP interface, which leads to the IPv4 address in it; and the address of
 * Azure's host, which is public in form only. RFC 6890, RFC 5214 6.1, CWE-918, R-95.
 */
export function isPublicAddress(text: string): boolean {
  if (isIP(text) === 0 || text.includes('%')) return false;
  const address = ipaddr.process(text);
  if (address.range() !== 'unicast') return false;
  if (address instanceof ipaddr.IPv4) return address.toString() !== AZURE_HOST;
  const [first = 0, , , , fifth = 0, sixth = 0] = address.parts;
  return (first & 0xe000) === 0x2000 && !(sixth === 0x5efe && (fifth === 0 || fifth === 0x200));
}

export function isLoopbackAddress(text: string): boolean {
  return isIP(text) !== 0 && ipaddr.process(text).range() === 'loopback';
}

/** Every Azure machine's way to its host: DNS, health and the agent's secrets. */
const AZURE_HOST = '168.63.129.16';
