import { randomUUID } from 'node:crypto';
import { insertOutboxMail } from '../db/outbox.ts';
import type { Tx } from '../db/transaction.ts';
import { decrypt, encrypt, type EncryptionKey } from './encryption.ts';
import type { Factor } from './guess-budget.ts';

/** The language in which the person who caused the mail reads the pages. */
export type MailLanguage = 'en' | 'de';

/** What has changed of the ways to prove who one is; the owner is told of each (ASVS 6.3.7). */
export type AuthenticatorChange =
  | 'totp-added'
  | 'totp-removed'
  | 'passkey-added'
  | 'passkey-removed'
  | 'passkey-suspected'
  | 'recovery-codes-replaced'
  | 'password-added'
  | 'password-removed'
  | 'provider-linked'
  | 'provider-unlinked'
  | 'factors-reset'
  | 'factors-kept';

interface Addressed {
  readonly to: string;
  readonly language: MailLanguage;
}

/** A mail to send, as data; pages/mail renders it and server/mailer sends it. */
export type MailMessage = Addressed &
  (
    | { readonly kind: 'sign-up'; readonly token: string; readonly expiresInHours: number }
    | { readonly kind: 'existing-account' }
    | { readonly kind: 'invitation'; readonly token: string; readonly expiresInHours: number }
    | { readonly kind: 'factor-reset'; readonly token: string; readonly expiresInHours: number }
    | { readonly kind: 'email-change'; readonly token: string; readonly expiresInHours: number }
    | {
        readonly kind: 'email-change-notice';
        readonly token: string;
        readonly newAddressMasked: string;
        readonly expiresInDays: number;
      }
    | { readonly kind: 'password-changed' | 'password-recovered' | 'password-compromised' }
    | {
        readonly kind: 'password-recovery';
        readonly token: string;
        readonly expiresInMinutes: number;
      }
    | {
        readonly kind: 'new-device';
        readonly browser: string | null;
        readonly system: string | null;
      }
    | { readonly kind: 'guesses-limited' | 'authenticator-closed'; readonly factor: Factor }
    | { readonly kind: 'authenticators-changed'; readonly change: AuthenticatorChange }
    | { readonly kind: 'recovery-code-used'; readonly left: number }
    | { readonly kind: 'account-deletion'; readonly deletesAt: string }
    | { readonly kind: 'tenant-deletion'; readonly slug: string; readonly deletesAt: string }
    | { readonly kind: 'tenant-restored'; readonly slug: string }
  );

/** A mail that could not be sent for this long is dropped; one with a link, when that expires. */
const MAIL_HOURS_MAX = 7 * 24;

/**
 * Queues the mail in the same transaction as what it tells of: no mail about a change rolled back.
 * One whose link works for no time is never sent: it is queued so that the work is the same.
 */
export async function queueMail(tx: Tx, key: EncryptionKey, message: MailMessage): Promise<void> {
  const id = randomUUID();
  const body = encrypt(key, `outbox ${id}`, JSON.stringify(message));
  await insertOutboxMail(tx, { id, body }, minutesOf(message));
}

/** For how long sending it makes sense. */
function minutesOf(message: MailMessage): number {
  if ('expiresInMinutes' in message) return message.expiresInMinutes;
  return 60 * ('expiresInHours' in message ? message.expiresInHours : MAIL_HOURS_MAX);
}

/** @throws Error when the row was written with another key, or moved from another row. */
export function openMail(
  key: EncryptionKey,
  row: { readonly id: string; readonly body: string },
  previous: readonly EncryptionKey[] = [],
): MailMessage {
  return JSON.parse(decrypt(key, `outbox ${row.id}`, row.body, previous)) as MailMessage;
}
