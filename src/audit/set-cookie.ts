/** What a Set-Cookie line says. RFC 6265 5.2. */
export interface SetCookie {
  readonly name: string;
  readonly value: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  /** Null where the attribute is absent or unknown: browsers then treat it as Lax, in part. */
  readonly sameSite: 'strict' | 'lax' | 'none' | null;
  readonly domain: string | null;
  readonly path: string | null;
  /** Seconds until it ends, by Max-Age or Expires; null where it ends with the browser. */
  readonly lifetimeSeconds: number | null;
}

/** Null where the line sets nothing. */
export function parseSetCookie(line: string, now: Date): SetCookie | null {
  const [pair = '', ...rest] = line.split(';');
  const at = pair.indexOf('=');
  if (at < 1) return null;
  const attributes = new Map(
    rest.map((part): [string, string] => {
      const [name = '', ...value] = part.split('=');
      return [name.trim().toLowerCase(), value.join('=').trim()];
    }),
  );
  const sameSite = attributes.get('samesite')?.toLowerCase();
  return {
    name: pair.slice(0, at).trim(),
    value: pair.slice(at + 1).trim(),
    secure: attributes.has('secure'),
    httpOnly: attributes.has('httponly'),
    sameSite: sameSite === 'strict' || sameSite === 'lax' || sameSite === 'none' ? sameSite : null,
    domain: attributes.get('domain')?.replace(/^\./, '').toLowerCase() || null,
    path: attributes.get('path') || null,
    lifetimeSeconds: lifetimeOf(attributes, now),
  };
}

/** Max-Age comes before Expires. RFC 6265 5.3. */
function lifetimeOf(attributes: ReadonlyMap<string, string>, now: Date): number | null {
  const age = attributes.get('max-age');
  if (age !== undefined && /^-?\d+$/.test(age)) return Number(age);
  const expires = Date.parse(attributes.get('expires') ?? '');
  return Number.isNaN(expires) ? null : Math.round((expires - now.getTime()) / 1000);
}
