import { domainToASCII } from 'node:url';

/** An address as mail goes to it, and folded as it is compared and kept unique. */
export interface EmailAddress {
  readonly address: string;
  readonly folded: string;
}

export type EmailAddressProblem = 'malformed-address' | 'invisible-characters' | 'too-long';

/** RFC 5321 section 4.5.3.1: 64 octets before the @, 254 in all. */
const LOCAL_OCTETS_MAX = 64;
const ADDRESS_OCTETS_MAX = 254;

/**
 * Takes exactly one addr-spec without quotes, comments, lists or control characters, so that what
 * is stored is what is mailed (R-46). Folding is NFKC and lower case, once, for the whole address:
 * two addresses that differ only so belong to one person here (R-47).
 */
export function parseEmailAddress(
  text: string,
): { readonly email: EmailAddress } | { readonly problem: EmailAddressProblem } {
  const address = text.trim().normalize('NFC');
  if (INVISIBLE.test(address)) return { problem: 'invisible-characters' };
  if (Buffer.byteLength(address) > ADDRESS_OCTETS_MAX) return { problem: 'too-long' };
  const [local = '', domain = '', ...more] = address.split('@');
  if (more.length > 0 || !LOCAL.test(local)) return { problem: 'malformed-address' };
  if (Buffer.byteLength(local) > LOCAL_OCTETS_MAX) return { problem: 'too-long' };
  const foldedDomain = domain.normalize('NFKC');
  if (!DOMAIN_CHARACTERS.test(foldedDomain)) return { problem: 'malformed-address' };
  const asciiDomain = domainToASCII(foldedDomain);
  if (!DOMAIN.test(asciiDomain)) return { problem: 'malformed-address' };
  const foldedLocal = local.normalize('NFKC').toLowerCase();
  if (!LOCAL.test(foldedLocal)) return { problem: 'malformed-address' };
  const email = { address: `${local}@${asciiDomain}`, folded: `${foldedLocal}@${asciiDomain}` };
  // Once more: both conversions can make it longer, and these are the forms that are stored.
  const octets = Math.max(Buffer.byteLength(email.address), Buffer.byteLength(email.folded));
  return octets > ADDRESS_OCTETS_MAX ? { problem: 'too-long' } : { email };
}

/**
 * RFC 5322 atext and, for internationalised addresses, letters, marks and digits; single dots. No
 * beginning of an encoded word (RFC 2047), which some mail software decodes into another address.
 */
const LOCAL =
  /^(?!.*=\?)[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;

/**
 * What the conversion to ASCII may see: it reads a URL's host, so it would decode `%61` and stop at
 * `/`, `?`, `#` and `\`, and another address than the one typed would be stored (R-46). U+3002 is
 * the dot of Chinese and Japanese.
 */
const DOMAIN_CHARACTERS = /^[\p{L}\p{M}\p{N}.\u3002-]+$/u;

/** At least two labels of letters, digits and inner hyphens, and the last not a number. */
const DOMAIN =
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])$/;

/** Characters that show nothing, and so make two addresses look alike. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}|\p{Cc}|\p{Cf}/u;
