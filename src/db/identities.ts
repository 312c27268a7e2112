import type { Tx } from './transaction.ts';

export interface NewIdentity {
  readonly folded: string;
  readonly address: string;
  readonly displayName: string;
  readonly passwordHash: string;
}

/** An identity with one proved address, a password and a profile. @returns its id. */
export async function insertIdentity(tx: Tx, identity: NewIdentity): Promise<string> {
  const { id } = await tx
    .insertInto('sallyport.identities')
    .values({ disabled_at: null })
    .returning('id')
    .executeTakeFirstOrThrow();
  await tx
    .insertInto('sallyport.email_addresses')
    .values({ folded: identity.folded, identity_id: id, address: identity.address })
    .execute();
  await tx
    .insertInto('sallyport.passwords')
    .values({ identity_id: id, hash: identity.passwordHash })
    .execute();
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
    .select(['e.identity_id', 'e.address', 'w.hash', 'i.disabled_at', 'p.display_name'])
    .executeTakeFirst();
  return (
    row && {
      identityId: row.identity_id,
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
