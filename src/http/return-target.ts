/**
 * Where to go on after signing in: a path of our own, or null. The text is parsed as a browser
 * would parse it against our origin and written anew, so what is judged is what is sent; everything
 * that leaves the origin, however it is spelt, is refused (R-87, CWE-601, ASVS 3.7.2).
 */
export function parseReturnTarget(text: string, origin: string): string | null {
  if (text.length > 2_000 || !text.startsWith('/') || FORBIDDEN.test(text)) return null;
  if (!URL.canParse(text, origin)) return null;
  const url = new URL(text, origin);
  if (url.origin !== origin || url.username !== '' || url.password !== '') return null;
  const path = `${url.pathname}${url.search}`;
  // What is written anew must lead where it was judged to lead, and not to another host.
  return path.startsWith('//') ? null : path;
}

/** Control characters and backslashes, which browsers drop or turn into slashes. */
const FORBIDDEN = /[\p{Cc}\\]/u;
