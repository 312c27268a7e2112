import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY } from './first-wall.ts';
import type { Tx } from './transaction.ts';

/**
 * The own profile, behind a decision (authorization.ts). The predicate is the first wall; the
 * table's policy, which asks the database's own function, is the second.
 */
export const ownProfile: Statement = build
  .selectFrom('sallyport.profiles')
  .where('identity_id', '=', OWN_IDENTITY)
  .select('display_name as displayName')
  .compile();

/** No row back: there is no such profile for this proof, which is a refusal and never a success. */
export function updateOwnProfile(displayName: string): Statement {
  return build
    .updateTable('sallyport.profiles')
    .set({ display_name: displayName, updated_at: sql<Date>`now()` })
    .where('identity_id', '=', OWN_IDENTITY)
    .returning('display_name as displayName')
    .compile();
}

export async function findDisplayName(tx: Tx, identityId: string): Promise<string> {
  const row = await tx
    .selectFrom('sallyport.profiles')
    .where('identity_id', '=', identityId)
    .select('display_name')
    .executeTakeFirstOrThrow();
  return row.display_name;
}
