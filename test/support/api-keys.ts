import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { apiKeyHint, apiKeyText } from '../../src/core/api-key.ts';
import { bearerProofOf, digestOf, newSecret } from '../../src/core/secret.ts';

export interface TestKey {
  readonly id: string;
  /** What a program sends. */
  readonly text: string;
}

/** A key of this member, written as a row. */
export async function insertKey(
  admin: Pick<pg.Client, 'query'>,
  member: { readonly tenantId: string; readonly identityId: string },
  permissions: readonly string[],
): Promise<TestKey> {
  const secret = newSecret();
  const id = randomUUID();
  const text = apiKeyText(secret);
  await admin.query(
    `INSERT INTO sallyport.bearer_credentials
        (id, kind, proof_digest, tenant_id, identity_id, title, hint, permissions, expires_at, member_role)
      VALUES ($1, 'api-key', $2, $3, $4, 'a key', $5, $6, now() + INTERVAL '1 day',
        (SELECT m.role FROM sallyport.memberships AS m
          WHERE m.tenant_id = $3 AND m.identity_id = $4))`,
    [
      id,
      digestOf(bearerProofOf(secret)),
      member.tenantId,
      member.identityId,
      apiKeyHint(text),
      permissions,
    ],
  );
  return { id, text };
}
