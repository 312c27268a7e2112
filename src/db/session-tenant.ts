import { sql } from 'kysely';
import { secretColumns, type SessionSecret } from './session-secret.ts';
import type { Tx } from './transaction.ts';

/** Whoever is a member of one tenant only is in that one from the first request on. */
export function onlyTenantOf(identityId: string) {
  return sql<string | null>`(SELECT CAST(min(CAST(m.tenant_id AS TEXT)) AS UUID)
    FROM sallyport.memberships AS m
    JOIN sallyport.tenants AS t ON t.id = m.tenant_id AND t.delete_after IS NULL
    WHERE m.identity_id = ${identityId} HAVING count(*) = 1)`;
}

/**
 * Copies what the membership in a session's tenant says into the session's row; from then on a
 * foreign key keeps that true (decisions/017). Of all sessions that have no copy.
 */
export const COPY_MEMBERSHIPS = `UPDATE sallyport.sessions AS s
    SET member_id = m.identity_id, member_role = m.role,
      member_kept = m.tenant_kept, member_policy = m.tenant_policy
    FROM sallyport.memberships AS m
    WHERE m.tenant_id = s.tenant_id AND m.identity_id = s.identity_id AND s.member_role IS NULL`;

export async function copyMembership(tx: Tx, sessionId: string): Promise<void> {
  await sql`${sql.raw(COPY_MEMBERSHIPS)} AND s.id = ${sessionId}`.execute(tx);
}

/** Takes the session into another tenant, or out of any, under a new secret. */
export async function switchSession(
  tx: Tx,
  sessionId: string,
  secret: SessionSecret,
  tenantId: string | null,
): Promise<void> {
  await tx
    .updateTable('sallyport.sessions')
    .set({
      ...secretColumns(secret),
      tenant_id: tenantId,
      member_id: null,
      member_role: null,
      member_kept: null,
      member_policy: null,
    })
    .where('id', '=', sessionId)
    .returning('id')
    .executeTakeFirstOrThrow();
  await copyMembership(tx, sessionId);
}
