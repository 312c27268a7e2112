import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { type Caller, EVENT_COLUMNS } from './security-events.ts';
import type { Tx } from './transaction.ts';

/** A request that was refused, and why. */
export interface Refusal {
  readonly caller: Caller;
  /** What the client was told. */
  readonly code: string;
  /** Of the proof that the request carried, null where it carried none. */
  readonly proofDigest: string | null;
  /** The slug of the tenant that the request named; null where its session says which it is. */
  readonly namedTenant: string | null;
  readonly decision: Decision;
}

/** What each check said of the request, and of which. */
export interface Decision {
  readonly request: {
    readonly method: string;
    readonly target: string;
    readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  };
  readonly from: Pick<Caller, 'address' | 'browser' | 'system'>;
  /** The route as it was declared, null where there is none; and who may call it. */
  readonly route: string | null;
  readonly access: string | null;
  readonly checks: readonly CheckVerdict[];
}

export interface CheckVerdict {
  readonly check: string;
  readonly verdict: 'passed' | 'failed' | 'not needed' | 'not reached';
  readonly reason: string;
}

/**
 * Keeps the decision for a week. Whose session or bearer credential it was, if anybody's, the
 * database looks up: the refused request never learnt it.
 */
export function insertRefusal(refusal: Refusal): Statement {
  const { caller, code, proofDigest, namedTenant, decision } = refusal;
  return sql`INSERT INTO sallyport.refusals
      (request_id, code, identity_id, session_id, tenant_id, role, decision, expires_at)
    SELECT ${caller.requestId}::UUID, ${code}::TEXT, COALESCE(s.identity_id, b.identity_id), s.id,
      m.tenant_id, m.role,
      ${JSON.stringify(decision)}::JSONB, now() + INTERVAL '7 days'
    FROM (SELECT ${proofDigest}::TEXT AS digest) AS presented
    LEFT JOIN sallyport.sessions AS s ON s.proof_digest = presented.digest
    LEFT JOIN sallyport.bearer_credentials AS b ON b.proof_digest = presented.digest
    LEFT JOIN sallyport.tenants AS t ON t.slug = ${namedTenant}::TEXT
    LEFT JOIN sallyport.memberships AS m ON m.identity_id = COALESCE(s.identity_id, b.identity_id)
      AND m.tenant_id = COALESCE(b.tenant_id,
        CASE WHEN ${namedTenant}::TEXT IS NULL THEN s.tenant_id ELSE t.id END)
    ON CONFLICT (request_id) DO NOTHING`.compile(build);
}

/** Behind the insert, in its batch: the event, where somebody was signed in (ASVS 16.3.2). */
export function eventOfRefusal({ caller, code }: Refusal): Statement {
  const { requestId, address, browser, system } = caller;
  return build
    .insertInto('sallyport.security_events')
    .columns([...EVENT_COLUMNS, 'reason', 'tenant_id'])
    .expression(
      sql`SELECT 'request-refused', 'failure', '{}'::JSONB, r.identity_id, r.identity_id,
        r.session_id, r.request_id, ${address}::TEXT, ${browser}::TEXT, ${system}::TEXT,
        ${code}::TEXT, r.tenant_id
        FROM sallyport.refusals AS r
        WHERE r.request_id = ${requestId}::UUID AND r.identity_id IS NOT NULL`,
    )
    .compile();
}

/** A decision as it was kept, for the operator. */
export interface KeptRefusal {
  readonly at: Date;
  readonly code: string;
  readonly identityId: string | null;
  readonly sessionId: string | null;
  readonly tenantId: string | null;
  readonly role: string | null;
  readonly decision: Decision;
}

export async function findRefusal(tx: Tx, requestId: string): Promise<KeptRefusal | undefined> {
  const row = await tx
    .selectFrom('sallyport.refusals')
    .where('request_id', '=', requestId)
    .selectAll()
    .executeTakeFirst();
  return (
    row && {
      at: row.at,
      code: row.code,
      identityId: row.identity_id,
      sessionId: row.session_id,
      tenantId: row.tenant_id,
      role: row.role,
      decision: row.decision,
    }
  );
}
