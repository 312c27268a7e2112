import { sql } from 'kysely';
import type { Tx } from './transaction.ts';

export interface OutboxRow {
  readonly id: string;
  readonly body: string;
  readonly attempts: number;
  /** For how long nobody else takes it. */
  readonly heldSeconds: number;
}

export async function insertOutboxMail(
  tx: Tx,
  mail: { readonly id: string; readonly body: string },
  expiresInMinutes: number,
): Promise<void> {
  await tx
    .insertInto('sallyport.outbox')
    .values({
      ...mail,
      expires_at: sql<Date>`now() + ${`${expiresInMinutes} minutes`}::INTERVAL`,
      sent_at: null,
    })
    .execute();
}

/**
 * Takes mails that are due for sending, and puts their next attempt off, so that a second process
 * does not send them too, and one that dies over them has them tried again. The delay doubles.
 */
export async function claimDueMails(tx: Tx, limit: number): Promise<readonly OutboxRow[]> {
  const due = await tx
    .selectFrom('sallyport.outbox')
    .where('sent_at', 'is', null)
    .where('next_attempt_at', '<=', sql<Date>`now()`)
    .where('expires_at', '>', sql<Date>`now()`)
    .orderBy('next_attempt_at')
    .limit(limit)
    .select(['id', 'attempts'])
    .execute();
  const claimed: OutboxRow[] = [];
  for (const { id, attempts } of due) {
    const heldSeconds = delaySeconds(attempts);
    const row = await tx
      .updateTable('sallyport.outbox')
      .set({
        attempts: attempts + 1,
        next_attempt_at: sql<Date>`now() + ${`${heldSeconds} seconds`}::INTERVAL`,
      })
      .where('id', '=', id)
      .where('sent_at', 'is', null)
      .where('next_attempt_at', '<=', sql<Date>`now()`)
      .returning(['id', 'body', 'attempts'])
      .executeTakeFirst();
    if (row?.body) claimed.push({ ...row, body: row.body, heldSeconds });
  }
  return claimed;
}

/** Half a minute, doubled with each attempt, an hour at the most. */
function delaySeconds(attempts: number): number {
  return Math.min(30 * 2 ** attempts, 3_600);
}

/** Marks a mail as sent and erases its body. */
export async function markMailSent(tx: Tx, id: string): Promise<void> {
  await tx
    .updateTable('sallyport.outbox')
    .set({ sent_at: sql<Date>`now()`, body: null })
    .where('id', '=', id)
    .execute();
}

/** The mails that have not been sent, newest first: what the development mailbox shows. */
export async function selectUnsentMails(
  tx: Tx,
  limit: number,
): Promise<readonly { readonly id: string; readonly body: string }[]> {
  const rows = await tx
    .selectFrom('sallyport.outbox')
    .where('sent_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .limit(limit)
    .select(['id', 'body'])
    .execute();
  return rows.flatMap(({ id, body }) => (body === null ? [] : [{ id, body }]));
}
