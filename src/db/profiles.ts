import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';

/**
 * The own profile. The predicate is the first wall; the table's policy, which says the same, is the
 * second (design: proof-carrying transactions).
 */
export function selectOwnProfile(): Statement {
  return build
    .selectFrom('sallyport.profiles')
    .where('identity_id', '=', OWN)
    .select('display_name as displayName')
    .compile();
}

/** No row back: there is no such profile for this proof, which is a refusal and never a success. */
export function updateOwnProfile(displayName: string): Statement {
  return build
    .updateTable('sallyport.profiles')
    .set({ display_name: displayName, updated_at: sql<Date>`now()` })
    .where('identity_id', '=', OWN)
    .returning('display_name as displayName')
    .compile();
}

const OWN = sql<string>`sallyport.current_identity()`;
