/**
 * A link that arrives as a value, as it may stand in a mail: absolute, http or https, in ASCII, on
 * one line. Throws a TypeError for anything else, `javascript:` and addresses with a password in
 * them above all; nothing later would stop those, since escaping leaves them as they are. The
 * message does not repeat the link, which may carry a one-time token. ASVS 1.2.2.
 */
export function checkLink(link: string): string {
  if (!/^https?:\/\/[!-~]+$/i.test(link)) {
    throw new TypeError('A link must be an absolute http or https address in printable ASCII.');
  }
  const url = URL.parse(link);
  if (url === null) throw new TypeError('A link must be an address that can be parsed.');
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('A link must not carry a user name or a password.');
  }
  return url.href;
}

/**
 * A path of our own, with its query, as it may stand in a link. Throws a TypeError for anything
 * that a browser would take for another origin, such as `//evil.example` or `/\evil.example`
 * (CWE-601). It is given back as it came: what the parser makes of `/.//evil.example` begins with
 * two slashes.
 */
export function checkPath(path: string): string {
  const base = 'https://own.invalid';
  const url = path.startsWith('/') ? URL.parse(path, base) : null;
  if (url?.origin !== base) throw new TypeError('A path must start with one slash.');
  return path;
}

/** A path of the pages as it is reached, in an app that has mounted them somewhere. */
export function pathOf({ mount = '' }: { readonly mount?: string }, path: string): string {
  return mount + path;
}
