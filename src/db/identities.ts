import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY } from './first-wall.ts';
import type { LeakCheck } from './passwords.ts';
import { type Caller, EVENT_COLUMNS, eventsOfRows } from './security-events.ts';
import type { Tx } from './transaction.ts';

export interface NewIdentity {
  /** Where a passkey was made for it before it was there; else the database chooses one. */
  readonly identityId?: string;
  readonly folded: string;
  readonly address: string;
  readonly displayName: string;
  readonly passwordHash: string | null;
}

/** An identity with one proved address, a profile and maybe a password. @returns its id. */
export async function insertIdentity(tx: Tx, identity: NewIdentity): Promise<string> {
  const { id } = await tx
    .insertInto('sallyport.identities')
    .values({
      ...(identity.identityId === undefined ? {} : { id: identity.identityId }),
      disabled_at: null,
      delete_after: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await tx
    .insertInto('sallyport.email_addresses')
    .values({ folded: identity.folded, identity_id: id, address: identity.address })
    .execute();
  if (identity.passwordHash !== null) {
    await tx
      .insertInto('sallyport.passwords')
      .values({ identity_id: id, hash: identity.passwordHash })
      .execute();
  }
  await tx
    .insertInto('sallyport.profiles')
    .values({ identity_id: id, display_name: identity.displayName })
    .execute();
  return id;
}

/** What sign-in needs to know of the identity that has proved this address. */
export interface PasswordRow {
  readonly identityId: string;
  readonly displayName: string;
  readonly email: string;
  readonly hash: string;
  readonly leakCheck: LeakCheck;
  readonly disabled: boolean;
}

export async function findPasswordByAddress(
  tx: Tx,
  folded: string,
): Promise<PasswordRow | undefined> {
  const row = await tx
    .selectFrom('sallyport.email_addresses as e')
    .innerJoin('sallyport.identities as i', 'i.id', 'e.identity_id')
    .innerJoin('sallyport.passwords as w', 'w.identity_id', 'e.identity_id')
    .innerJoin('sallyport.profiles as p', 'p.identity_id', 'e.identity_id')
    .where('e.folded', '=', folded)
    .select([
      'e.identity_id',
      'e.address',
      'w.hash',
      'w.leak_check',
      'i.disabled_at',
      'p.display_name',
    ])
    .executeTakeFirst();
  return (
    row && {
      identityId: row.identity_id,
      displayName: row.display_name,
      email: row.address,
      hash: row.hash,
      leakCheck: row.leak_check,
      disabled: row.disabled_at !== null,
    }
  );
}

/** Who has proved this address, with a password or without. */
export async function findIdentityByAddress(
  tx: Tx,
  folded: string,
): Promise<Pick<PasswordRow, 'identityId' | 'email' | 'disabled'> | undefined> {
  const row = await tx
    .selectFrom('sallyport.email_addresses as e')
    .innerJoin('sallyport.identities as i', 'i.id', 'e.identity_id')
    .where('e.folded', '=', folded)
    .select(['e.identity_id', 'e.address', 'i.disabled_at'])
    .executeTakeFirst();
  return (
    row && {
      identityId: row.identity_id,
      email: row.address,
      disabled: row.disabled_at !== null,
    }
  );
}

/** What a sign-in under way needs to know of the identity that it is for. */
export interface AccountRow {
  readonly displayName: string;
  readonly email: string;
  /** Null where it has no password. */
  readonly hash: string | null;
  readonly disabled: boolean;
}

export async function findAccount(tx: Tx, identityId: string): Promise<AccountRow | undefined> {
  const row = await tx
    .selectFrom('sallyport.identities as i')
    .innerJoin('sallyport.email_addresses as e', 'e.identity_id', 'i.id')
    .innerJoin('sallyport.profiles as p', 'p.identity_id', 'i.id')
    .leftJoin('sallyport.passwords as w', 'w.identity_id', 'i.id')
    .where('i.id', '=', identityId)
    .select(['e.address', 'w.hash', 'i.disabled_at', 'p.display_name'])
    .executeTakeFirst();
  return (
    row && {
      displayName: row.display_name,
      email: row.address,
      hash: row.hash,
      disabled: row.disabled_at !== null,
    }
  );
}

/** The address as its owner wrote it, undefined where nobody has proved it. */
export async function findProvedAddress(tx: Tx, folded: string): Promise<string | undefined> {
  const row = await tx
    .selectFrom('sallyport.email_addresses')
    .where('folded', '=', folded)
    .select('address')
    .executeTakeFirst();
  return row?.address;
}

/** Gives the identity another address, in place of exactly this one; false when it has not that. */
export async function replaceAddress(
  tx: Tx,
  identityId: string,
  replaced: string,
  by: { readonly folded: string; readonly address: string },
): Promise<boolean> {
  const row = await tx
    .updateTable('sallyport.email_addresses')
    .set({ folded: by.folded, address: by.address, proved_at: sql<Date>`now()` })
    .where('identity_id', '=', identityId)
    .where('folded', '=', replaced)
    .returning('folded')
    .executeTakeFirst();
  return row !== undefined;
}

/** The identity's own address, undefined where it has none. */
export async function findOwnAddress(
  tx: Tx,
  identityId: string,
): Promise<{ readonly folded: string; readonly address: string } | undefined> {
  return await tx
    .selectFrom('sallyport.email_addresses')
    .where('identity_id', '=', identityId)
    .select(['folded', 'address'])
    .executeTakeFirst();
}

/** Whether the identity's address was proved within the hour. */
export async function isFresh(tx: Tx, identityId: string): Promise<boolean> {
  const row = await tx
    .selectFrom('sallyport.email_addresses')
    .where('identity_id', '=', identityId)
    .where('proved_at', '>', sql<Date>`now() - INTERVAL '1 hour'`)
    .select('folded')
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether nobody may be this identity at present. */
export async function isDisabled(tx: Tx, identityId: string): Promise<boolean> {
  const row = await tx
    .selectFrom('sallyport.identities')
    .where('id', '=', identityId)
    .select('disabled_at')
    .executeTakeFirst();
  return row?.disabled_at !== null;
}

/** The identity is deleted by the sweeper after so many days. @returns when. */
export async function scheduleDeletion(tx: Tx, identityId: string, days: number): Promise<Date> {
  const row = await tx
    .updateTable('sallyport.identities')
    .set({ delete_after: sql<Date>`now() + ${`${days} days`}::INTERVAL` })
    .where('id', '=', identityId)
    .returning('delete_after')
    .executeTakeFirstOrThrow();
  if (!row.delete_after) throw new Error('the deletion was not scheduled');
  return row.delete_after;
}

/** Calls the scheduled deletion of the request's own identity off, and notes it. */
export function keepOwnIdentity(caller: Caller): Statement {
  return build
    .with('kept', (db) =>
      db
        .updateTable('sallyport.identities')
        .set({ delete_after: null })
        .where('id', '=', OWN_IDENTITY)
        .where('delete_after', 'is not', null)
        .returning('id'),
    )
    .insertInto('sallyport.security_events')
    .columns(EVENT_COLUMNS)
    .expression(eventsOfRows('deletion-called-off', caller, 'kept'))
    .compile();
}

/** When the request's own identity will be deleted; null where it will not. */
export const ownDeletion: Statement = build
  .selectFrom('sallyport.identities')
  .where('id', '=', OWN_IDENTITY)
  .select('delete_after as deletesAt')
  .compile();
