import { sql } from 'kysely';
import type { Tx } from './transaction.ts';

export interface SignUp {
  readonly folded: string;
  readonly address: string;
  readonly displayName: string;
  readonly passwordHash: string;
}

/** Keeps this sign-up until the address is proved; an earlier one for the address is gone. */
export async function replaceSignUp(tx: Tx, signUp: SignUp, hours: number): Promise<void> {
  const row = {
    address: signUp.address,
    display_name: signUp.displayName,
    password_hash: signUp.passwordHash,
    expires_at: sql<Date>`now() + ${`${hours} hours`}::INTERVAL`,
  };
  await tx
    .insertInto('sallyport.sign_ups')
    .values({ folded: signUp.folded, ...row })
    .onConflict((conflict) =>
      conflict.column('folded').doUpdateSet({ ...row, created_at: sql<Date>`now()` }),
    )
    .execute();
}

/** Takes the sign-up away; undefined when there is none that has not expired. */
export async function consumeSignUp(tx: Tx, folded: string): Promise<SignUp | undefined> {
  const row = await tx
    .deleteFrom('sallyport.sign_ups')
    .where('folded', '=', folded)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning(['folded', 'address', 'display_name', 'password_hash'])
    .executeTakeFirst();
  return (
    row && {
      folded: row.folded,
      address: row.address,
      displayName: row.display_name,
      passwordHash: row.password_hash,
    }
  );
}

/** The hash of the password that the pending sign-up would activate. */
export async function findSignUpHash(tx: Tx, folded: string): Promise<string | undefined> {
  const row = await tx
    .selectFrom('sallyport.sign_ups')
    .where('folded', '=', folded)
    .where('expires_at', '>', sql<Date>`now()`)
    .select('password_hash')
    .executeTakeFirst();
  return row?.password_hash;
}

/** Takes away exactly the sign-up that would activate this hash; its link then makes no account. */
export async function deleteSignUp(tx: Tx, folded: string, passwordHash: string): Promise<void> {
  await tx
    .deleteFrom('sallyport.sign_ups')
    .where('folded', '=', folded)
    .where('password_hash', '=', passwordHash)
    .execute();
}
