import type { Credential } from './actor.ts';
import type { Answer } from './exchange.ts';
import { type Json, type JsonPath, leavesOf } from './json.ts';
import { parseToken } from './token.ts';
import { snake } from './words.ts';

/** Fields that name one account, and no other. */
const IDENTITY_FIELD =
  /^(id|_id|uuid|guid|sub|pk|user_?id|user_?uuid|account_?id|identity_?id|username|user_?name|login|email|e_?mail|mail|email_address|slug|handle|nick_?name|phone(_number)?|name|full_?name|display_?name|number|customer_?id|member_?id|profile_?id)$/;

/** Fields that name the tenant of whoever is described. */
export const TENANT_FIELD =
  /^(tenant|org|organi[sz]ation|company|workspace|team|group|account)(_?(id|uuid|slug|name|key|code))?$/;

/** What an answer says about the account whose name stands in it. */
export interface Portrait {
  /** Values of identifying fields beside the name, longest first. */
  readonly identity: readonly string[];
  readonly tenant: string | null;
}

/** The portrait that an answer gives of this account, or null where its name is not in it. */
export function portraitOf(answer: Answer | null, username: string): Portrait | null {
  if (answer?.json === undefined) return null;
  const leaves = leavesOf(answer.json);
  const named = leaves.filter(({ value }) => sameName(value, username));
  if (named.length === 0) return null;
  // A list of everybody has the name too; a portrait has one account.
  const isList = named.some(({ path }) => path.some((step) => typeof step === 'number'));
  if (isList) return null;
  const beside = named[0]?.path.slice(0, -1) ?? [];
  const near = leaves.filter(
    ({ path }) =>
      !path.some((step) => typeof step === 'number') && path.length <= beside.length + 2,
  );
  return portraitFrom(near.map(({ key, path, value }) => [nameUnderTenant(key, path), value]));
}

/** `tenant: { id }` is a tenant's id and not the account's. */
function nameUnderTenant(key: string, path: JsonPath): string {
  const above = path.at(-2);
  return typeof above === 'string' && TENANT_FIELD.test(snake(above)) ? `${above}_${key}` : key;
}

/** What the tokens of a credential say about their account, where they can be read. RFC 7519. */
export function portraitOfTokens(credential: Credential): Portrait {
  return portraitFrom(portraitClaims(credential));
}

/** The claims of a credential's tokens, where they can be read: nothing of them is verified. */
export function portraitClaims(credential: Credential): readonly (readonly [string, Json])[] {
  const values = [
    ...Object.values(credential.headers),
    ...Object.values(credential.cookies),
    ...Object.values(credential.query),
  ];
  return values.flatMap((value) => claimsOf(value.replace(/^[A-Za-z]+ /, '')));
}

function claimsOf(token: string): (readonly [string, Json])[] {
  const claims = parseToken(token)?.claims;
  return leavesOf(claims).map(({ key, value }) => [key, value]);
}

function portraitFrom(fields: readonly (readonly [key: string, value: Json])[]): Portrait {
  const identity = new Set<string>();
  let tenant: string | null = null;
  for (const [key, value] of fields) {
    if (typeof value !== 'string' && typeof value !== 'number') continue;
    const name = snake(key);
    const text = String(value);
    if (text === '' || text.length > 200) continue;
    if (TENANT_FIELD.test(name) && name !== 'account') tenant ??= text;
    else if (IDENTITY_FIELD.test(name)) identity.add(text);
  }
  return { identity: [...identity].toSorted((one, other) => other.length - one.length), tenant };
}

function sameName(value: Json, username: string): boolean {
  return typeof value === 'string' && value.toLowerCase() === username.toLowerCase();
}
