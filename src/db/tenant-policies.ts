import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_TENANT } from './first-wall.ts';
import type { Tx } from './transaction.ts';

/** What a tenant asks of the proofs of its members, as its row has it. */
export interface PolicyRow {
  readonly memberProof: 'any' | 'second-factor' | 'passkey';
  readonly idleMinutes: number;
  readonly proofMinutes: number;
  /** Methods of a session's proof, by commas; all where it is empty. */
  readonly authenticators: string;
}

/** That of the request's own tenant. */
export const currentPolicy: Statement = build
  .selectFrom('sallyport.tenants')
  .where('id', '=', OWN_TENANT)
  .select(['member_proof as memberProof', 'idle_minutes as idleMinutes'])
  .select(['proof_minutes as proofMinutes', 'authenticators'])
  .compile();

/** Asks that of the tenant's members from the commit on; it goes to each membership by itself. */
export async function updatePolicy(tx: Tx, tenantId: string, policy: PolicyRow): Promise<void> {
  await tx
    .updateTable('sallyport.tenants')
    .set({
      member_proof: policy.memberProof,
      idle_minutes: policy.idleMinutes,
      proof_minutes: policy.proofMinutes,
      authenticators: policy.authenticators,
    })
    .where('id', '=', tenantId)
    .returning('id')
    .executeTakeFirstOrThrow();
}

/** Whether the database still takes the transaction's own session for one of a member. */
export async function countsAsMember(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{ readonly tenant: string | null }>`
    SELECT sallyport.current_tenant() AS tenant`.execute(tx);
  return rows[0]?.tenant !== null;
}
