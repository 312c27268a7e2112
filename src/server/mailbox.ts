import type { Core } from '../core/core.ts';
import { openMail } from '../core/mail.ts';
import { selectUnsentMails } from '../db/outbox.ts';
import type { Mailbox } from '../fastify/routes/development.ts';
import { renderMessage } from './mail-rendering.ts';

const MAILS_MAX = 200;

/**
 * The mails that wait, newest first, for the mailbox of development. One that cannot be read, since
 * it was written with another key or by another version, is logged and hides no other.
 */
export function mailboxOf(core: Core, base: () => string): Mailbox {
  return async (log) => {
    const rows = await core.database.transaction((tx) => selectUnsentMails(tx, MAILS_MAX));
    return rows.flatMap((row) => {
      try {
        const message = openMail(core.encryptionKey, row, core.previousKeys);
        const { subject, text, links } = renderMessage(message, base());
        return [{ to: message.to, subject, text, links }];
      } catch (error) {
        log.warn({ err: error, mail: row.id }, 'mail cannot be read');
        return [];
      }
    });
  };
}
