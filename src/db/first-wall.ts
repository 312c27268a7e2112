import { sql } from 'kysely';

/**
 * The identity that the decision of this batch was for (authorization.ts), for the predicate that
 * every statement on a person's own rows carries. NULL, and so no row, where nothing was decided.
 */
export const OWN_IDENTITY = sql<string>`NULLIF(current_setting('sallyport.identity', true), '')::UUID`;

/** The text of OWN_TENANT. */
export const TENANT_TEXT = `NULLIF(current_setting('sallyport.tenant', true), '')::UUID`;

/**
 * The tenant that the decision of this batch was for, for the predicate that every statement on a
 * tenant table carries (scoping.ts). Compared with `=`: where it is NULL no row matches.
 */
export const OWN_TENANT = sql.raw<string>(TENANT_TEXT);
