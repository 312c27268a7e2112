import ipaddr from 'ipaddr.js';

/**
 * A peer's address in its one canonical form: IPv4 in IPv6 as IPv4 (RFC 4291 2.5.5.2), IPv6 as RFC
 * 5952 writes it, without a zone. Null for what is no address, such as of a closed connection.
 */
export function canonicalAddress(text: string | undefined): string | null {
  const [address = ''] = (text ?? '').split('%');
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) && !ipaddr.IPv6.isValid(address)) return null;
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString();
}
