import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_TENANT } from './first-wall.ts';

export interface NewTransactionProof {
  readonly proofDigest: string;
  /** As whom the application signs in to the database. */
  readonly login: string;
  readonly seconds: number;
}

/**
 * For whoever the batch is for, in the tenant that its decision has found: it runs behind that, as
 * sallyport_identity. @param credentialDigest of the proof that the decision was asked about.
 */
export function insertTransactionProof(
  { proofDigest, login, seconds }: NewTransactionProof,
  of: 'session' | 'credential',
  credentialDigest: string,
): Statement {
  const column = of === 'session' ? 'session_id' : 'credential_id';
  const table = of === 'session' ? 'sallyport.sessions' : 'sallyport.bearer_credentials';
  return build
    .insertInto('sallyport.transaction_proofs')
    .columns(['proof_digest', 'login', 'tenant_id', 'expires_at', column])
    .expression((from) =>
      from
        .selectFrom(table)
        .where('proof_digest', '=', credentialDigest)
        .select([
          sql<string>`${proofDigest}::TEXT`.as('proof_digest'),
          sql<string>`${login}::TEXT`.as('login'),
          OWN_TENANT.as('tenant_id'),
          sql<Date>`now() + ${seconds} * INTERVAL '1 second'`.as('expires_at'),
          'id',
        ]),
    )
    .compile();
}
