import { sql } from 'kysely';

/**
 * The identity that the decision of this batch was for (authorization.ts), for the predicate that
 * every statement on a person's own rows carries. NULL, and so no row, where nothing was decided.
 */
export const OWN_IDENTITY = sql<string>`NULLIF(current_setting('sallyport.identity', true), '')::UUID`;
