import { runAuthorizedTransaction } from '../db/authorization.ts';
import {
  type ApiKeyRow,
  countApiKeys,
  deleteBearerCredential,
  insertApiKey,
} from '../db/bearer-credentials.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import { apiKeyHint, apiKeyText } from './api-key.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { bearerProofOf, digestOf, newSecret } from './secret.ts';

export const KEY_DAYS_MAX = 365;
/** A person who needs more has lost sight of what they have. */
const KEYS_MAX = 50;
const TITLE_CHARACTERS_MAX = 100;

export interface KeyProblem {
  readonly field: 'title' | 'permissions' | 'expiresInDays';
  readonly reason: 'required' | 'too-long' | 'not-permitted' | 'out-of-range' | 'too-many-keys';
}

export interface NewApiKey {
  /** What its maker knows it by. */
  readonly title: string;
  /** A subset of what its maker may do. */
  readonly permissions: readonly string[];
  readonly expiresInDays: number;
}

export interface MadeApiKey {
  readonly key: ApiKeyRow;
  /** The key itself, which exists here and with its maker alone. */
  readonly text: string;
}

/**
 * Makes a key with which a program acts for its maker in this one tenant. It can do what it names
 * and its maker may do at that moment, which the database finds out at each use; it makes no keys
 * and reaches none of the account's own routes (ASVS 9.2.1, 10.2.3).
 */
export async function createApiKey(
  core: Core,
  authority: Authority,
  input: NewApiKey,
): Promise<MadeApiKey | { readonly problem: KeyProblem } | Refused> {
  const { identityId, tenantId, permissions } = authority.principal;
  const problem = problemWith(input, permissions ?? []);
  if (problem) return { problem };
  if (tenantId === null) return { refusal: 'forbidden' };
  const secret = newSecret();
  const text = apiKeyText(secret);
  const outcome = await runAuthorizedTransaction(
    core.database,
    authority.requirement,
    async (tx) => {
      if ((await countApiKeys(tx, tenantId, identityId)) >= KEYS_MAX) return 'too-many-keys';
      const key = await insertApiKey(tx, tenantId, {
        identityId,
        proofDigest: digestOf(bearerProofOf(secret)),
        title: input.title.trim(),
        hint: apiKeyHint(text),
        permissions: [...new Set(input.permissions)].toSorted(),
        days: input.expiresInDays,
      });
      const details = { key: key.id };
      const { caller } = authority;
      await insertSecurityEvent(tx, {
        kind: 'api-key-made',
        identityId,
        tenantId,
        caller,
        details,
      });
      return key;
    },
  );
  if ('refusal' in outcome) return outcome;
  if (outcome.result === 'too-many-keys') {
    return { problem: { field: 'title', reason: 'too-many-keys' } };
  }
  return { key: outcome.result, text };
}

/** Ends a key of the tenant, whoever made it: it is refused from the commit on. */
export async function revokeApiKey(
  core: Core,
  authority: Authority,
  keyId: string,
): Promise<'revoked' | 'not-found' | Refused> {
  const { identityId, tenantId } = authority.principal;
  if (tenantId === null) return { refusal: 'forbidden' };
  const outcome = await runAuthorizedTransaction(
    core.database,
    authority.requirement,
    async (tx) => {
      const owner = await deleteBearerCredential(tx, tenantId, keyId, 'api-key');
      if (owner === undefined) return 'not-found';
      const details = { key: keyId };
      const { caller } = authority;
      await insertSecurityEvent(tx, {
        kind: 'api-key-revoked',
        identityId,
        tenantId,
        caller,
        details,
      });
      return 'revoked';
    },
  );
  return 'refusal' in outcome ? outcome : outcome.result;
}

function problemWith(input: NewApiKey, permitted: readonly string[]): KeyProblem | null {
  const title = input.title.trim();
  if (title === '') return { field: 'title', reason: 'required' };
  if (title.length > TITLE_CHARACTERS_MAX) return { field: 'title', reason: 'too-long' };
  // A key that makes keys would outlive its own end.
  const mayHave = (name: string) => permitted.includes(name) && !name.startsWith('keys:');
  if (!input.permissions.every(mayHave)) return { field: 'permissions', reason: 'not-permitted' };
  const { expiresInDays: days } = input;
  const inRange = Number.isInteger(days) && days >= 1 && days <= KEY_DAYS_MAX;
  return inRange ? null : { field: 'expiresInDays', reason: 'out-of-range' };
}
