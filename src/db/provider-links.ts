import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY } from './first-wall.ts';
import type { Tx } from './transaction.ts';

/** An account at a provider, as its owner here has linked it. */
export interface ProviderLink {
  readonly id: string;
  readonly identityId: string;
  readonly issuer: string;
}

const COLUMNS = ['id', 'identity_id as identityId', 'issuer'] as const;

/** Whose account this is: a provider never gives a subject to somebody else. */
export async function findProviderLink(
  tx: Tx,
  issuer: string,
  subject: string,
): Promise<ProviderLink | undefined> {
  return await tx
    .selectFrom('sallyport.provider_links')
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .select(COLUMNS)
    .executeTakeFirst();
}

export async function findProviderLinksOf(
  tx: Tx,
  identityId: string,
): Promise<readonly ProviderLink[]> {
  return await tx
    .selectFrom('sallyport.provider_links')
    .where('identity_id', '=', identityId)
    .select(COLUMNS)
    .orderBy('created_at')
    .execute();
}

/**
 * @returns its id; throws a unique violation where somebody has linked it, or has another account
 *   of this provider.
 */
export async function insertProviderLink(
  tx: Tx,
  link: {
    readonly identityId: string;
    readonly issuer: string;
    readonly subject: string;
    readonly address: string;
  },
): Promise<string> {
  const { id } = await tx
    .insertInto('sallyport.provider_links')
    .values({
      identity_id: link.identityId,
      issuer: link.issuer,
      subject: link.subject,
      address: link.address,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/** Notes that somebody has signed in with it; false where it is gone. */
export async function noteProviderUse(tx: Tx, id: string): Promise<boolean> {
  const row = await tx
    .updateTable('sallyport.provider_links')
    .set({ last_used_at: sql<Date>`now()` })
    .where('id', '=', id)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Removes one of the identity's links; false where it has no such one. */
export async function deleteProviderLink(tx: Tx, identityId: string, id: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('sallyport.provider_links')
    .where('id', '=', id)
    .where('identity_id', '=', identityId)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** The accounts that the request's own identity has linked, the oldest first. */
export const ownProviderLinks: Statement = build
  .selectFrom('sallyport.provider_links')
  .where('identity_id', '=', OWN_IDENTITY)
  .select(['id', 'issuer', 'address', 'created_at as createdAt'])
  .select('last_used_at as lastUsedAt')
  .orderBy('created_at')
  .compile();
