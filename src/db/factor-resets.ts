import { sql } from 'kysely';
import type { Recovery } from './recoveries.ts';
import type { Tx } from './transaction.ts';

/** What was granted: by an owner of which tenant, to whom, and to which address it was mailed. */
export interface FactorReset {
  readonly tenantId: string;
  readonly identityId: string;
  readonly folded: string;
}

/** Notes the token that was mailed, in place of an earlier one of the same member. */
export async function replaceFactorReset(
  tx: Tx,
  reset: FactorReset,
  tokenDigest: string,
  hours: number,
): Promise<void> {
  const row = {
    folded: reset.folded,
    token_digest: tokenDigest,
    created_at: sql<Date>`now()`,
    expires_at: sql<Date>`now() + ${`${hours} hours`}::INTERVAL`,
  };
  await tx
    .insertInto('sallyport.factor_resets')
    .values({ tenant_id: reset.tenantId, identity_id: reset.identityId, ...row })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'identity_id']).doUpdateSet(row))
    .execute();
}

/**
 * Whom the token is for, while it works: its address is still theirs, they are not disabled, and of
 * no tenant but the one whose owner granted it.
 */
export async function findFactorReset(
  tx: Tx,
  tokenDigest: string,
): Promise<(Recovery & Pick<FactorReset, 'tenantId'>) | undefined> {
  return await tx
    .selectFrom('sallyport.factor_resets as r')
    .innerJoin('sallyport.email_addresses as e', (join) =>
      join.onRef('e.identity_id', '=', 'r.identity_id').onRef('e.folded', '=', 'r.folded'),
    )
    .innerJoin('sallyport.identities as i', 'i.id', 'r.identity_id')
    .innerJoin('sallyport.profiles as p', 'p.identity_id', 'i.id')
    .where('r.token_digest', '=', tokenDigest)
    .where('r.expires_at', '>', sql<Date>`now()`)
    .where('i.disabled_at', 'is', null)
    .where(
      sql<boolean>`NOT EXISTS (SELECT 1 FROM sallyport.memberships AS m
        WHERE m.identity_id = r.identity_id AND m.tenant_id <> r.tenant_id)`,
    )
    .select(['i.id as identityId', 'e.address as email', 'p.display_name as displayName'])
    .select('r.tenant_id as tenantId')
    .executeTakeFirst();
}

/** Consumes the token in one statement; of parallel redemptions one gets the row (R-39). */
export async function consumeFactorReset(tx: Tx, tokenDigest: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('sallyport.factor_resets')
    .where('token_digest', '=', tokenDigest)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning('identity_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether the identity is a member of any tenant but this one. */
export async function isMemberElsewhere(
  tx: Tx,
  identityId: string,
  tenantId: string,
): Promise<boolean> {
  const row = await tx
    .selectFrom('sallyport.memberships')
    .where('identity_id', '=', identityId)
    .where('tenant_id', '<>', tenantId)
    .select('tenant_id')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Takes every authenticator of the identity away but its password. */
export async function deleteFactors(tx: Tx, identityId: string): Promise<void> {
  const tables = [
    'sallyport.totp_authenticators',
    'sallyport.totp_enrolments',
    'sallyport.passkeys',
    'sallyport.recovery_codes',
  ] as const;
  for (const table of tables) {
    await tx.deleteFrom(table).where('identity_id', '=', identityId).execute();
  }
}
