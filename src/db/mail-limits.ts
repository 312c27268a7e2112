import { sql } from 'kysely';
import type { Tx } from './transaction.ts';

/**
 * Counts one more mail to this recipient within the hour that the first one opened.
 * @returns how many that makes.
 */
export async function countMail(tx: Tx, recipientDigest: string): Promise<number> {
  const { mails } = await tx
    .insertInto('sallyport.mail_limits')
    .values({
      recipient_digest: recipientDigest,
      mails: 1,
      expires_at: sql<Date>`now() + INTERVAL '1 hour'`,
    })
    .onConflict((conflict) =>
      conflict.column('recipient_digest').doUpdateSet({
        mails: sql<number>`CASE WHEN mail_limits.expires_at > now() THEN mail_limits.mails + 1 ELSE 1 END`,
        expires_at: sql<Date>`CASE WHEN mail_limits.expires_at > now() THEN mail_limits.expires_at ELSE excluded.expires_at END`,
      }),
    )
    .returning('mails')
    .executeTakeFirstOrThrow();
  return mails;
}
