/**
 * Who a request is sent as. `a` owns what is attacked; `b` is another account of the same tenant
 * (or simply another account); `stranger` is of another tenant; `superior` has a higher role.
 * The other two have no account: `anonymous` sends no credential, `bogus` one of A's form that
 * was never issued.
 */
export type ActorRole = 'a' | 'b' | 'stranger' | 'superior' | 'anonymous' | 'bogus';

/**
 * What a request carries to say who it is from. Plain data: a check changes a copy of it.
 */
export interface Credential {
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Fields that go into the body of every unsafe request, beside what the call has. */
  readonly fields: Readonly<Record<string, string>>;
  /**
   * The token that the target wants against cross-site requests with an unsafe method, or null.
   * Where `cookie` is given, that cookie carries the newest one.
   */
  readonly synchronizer: {
    readonly in: 'header' | 'field';
    readonly name: string;
    readonly value: string;
    readonly cookie: string | null;
  } | null;
}

export const NO_CREDENTIAL: Credential = {
  headers: {},
  cookies: {},
  query: {},
  fields: {},
  synchronizer: null,
};

/** What somebody signs in with, or the credential itself where none can be had from the target. */
export type Account =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'fixed'; readonly username: string | null; readonly credential: Credential };

/** An account of the target, signed in. */
export interface Actor {
  readonly role: ActorRole;
  readonly account: Account | null;
  /** The session that the audit works with. Checks that end sessions open one of their own. */
  readonly credential: Credential;
  /**
   * The cookies alone, where they alone sign this account in: what a browser sends by itself, to
   * other sites' requests too. Null where the target wants more, such as a header.
   */
  readonly ambient: Credential | null;
  /**
   * Values that are this account's and no other's (id, user name, address), from who-am-I and
   * the sign-in, longest first.
   */
  readonly identity: readonly string[];
  /** The tenant as the target names it, where it does. */
  readonly tenant: string | null;
}

/** No account, no credential. */
export const ANONYMOUS: Actor = {
  role: 'anonymous',
  account: null,
  credential: NO_CREDENTIAL,
  ambient: null,
  identity: [],
  tenant: null,
};

/**
 * The same places filled with values that were never issued: what a target must refuse exactly as
 * it refuses nothing at all.
 */
export function bogusOf(credential: Credential): Credential {
  const invent = (values: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, scramble(value)]));
  return {
    headers: invent(credential.headers),
    cookies: invent(credential.cookies),
    query: invent(credential.query),
    fields: {},
    synchronizer: null,
  };
}

/** Every letter and digit another one, so that length and form stay; a scheme's word stays too. */
function scramble(value: string): string {
  const [, scheme = '', secret = ''] = /^([A-Za-z]+ )?(.*)$/s.exec(value) ?? [];
  const shifted = secret.replaceAll(/[a-z0-9]/gi, (character) => {
    const next = String.fromCharCode(character.charCodeAt(0) + 1);
    return /[a-z0-9]/i.test(next) ? next : 'a';
  });
  return `${scheme}${shifted}`;
}
