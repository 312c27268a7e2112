/** As much of it as lists are sorted by; the identity decides among those that begin alike. */
const CODE_POINTS_MAX = 100;

/** A name as members are sorted by it: without capitals, and one form for what is alike. */
export function sortNameOf(displayName: string): string {
  return [...displayName.normalize('NFKC').toLowerCase()].slice(0, CODE_POINTS_MAX).join('');
}
