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
