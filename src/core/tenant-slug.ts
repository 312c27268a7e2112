import { randomBytes } from 'node:crypto';

export type SlugProblem = 'required' | 'too-short' | 'too-long' | 'malformed-slug' | 'slug-taken';

const CHARACTERS_MIN = 3;
const CHARACTERS_MAX = 40;

/**
 * A tenant's slug may become a subdomain, so it is a DNS label in lower case. Names that
 * infrastructure commonly has are nobody's, nor are those that begin as an encoded label does (RFC
 * 5891 4.2.3.1). A team's slug looks the same, and may be any: it stands behind its tenant's.
 */
const SLUG = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const RESERVED: ReadonlySet<string> = new Set(
  [
    'www api app admin mail smtp imap ftp dns cdn assets static status support help docs blog',
    'account accounts auth login sign-in sign-up sallyport localhost autoconfig autodiscover',
  ].flatMap((names) => names.split(' ')),
);

/** Of what a slug is. */
export type Slugged = 'tenant' | 'team';

/** What a person typed as a slug; capitals are folded, and nothing else is corrected. */
export function parseSlug(
  text: string,
  of: Slugged,
): { readonly slug: string } | { readonly problem: SlugProblem } {
  const slug = text.trim().toLowerCase();
  if (slug === '') return { problem: 'required' };
  if (slug.length > CHARACTERS_MAX) return { problem: 'too-long' };
  if (!SLUG.test(slug)) return { problem: 'malformed-slug' };
  if (slug.length < CHARACTERS_MIN) return { problem: 'too-short' };
  return of === 'tenant' && RESERVED.has(slug) ? { problem: 'slug-taken' } : { slug };
}

/** A slug made of a name, and with something random behind it once that was taken. */
export function slugOf(name: string, of: Slugged, taken: boolean): string {
  const words = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  const readable = words
    .join('-')
    .slice(0, CHARACTERS_MAX - 7)
    .replace(/-$/, '');
  const tag = randomBytes(3).toString('hex');
  if (readable === '') return `${of}-${tag}`;
  const alone = !taken && 'slug' in parseSlug(readable, of);
  return alone ? readable : `${readable}-${tag}`;
}
