import { createTransport } from 'nodemailer';
import type { FastifyBaseLogger } from 'fastify';
import type { Core } from '../core/core.ts';
import { openMail } from '../core/mail.ts';
import { claimDueMails, markMailSent, type OutboxRow } from '../db/outbox.ts';
import { isLoopback } from './config.ts';
import { renderMessage } from './mail-rendering.ts';
import { repeat, type Repeated } from './repeat.ts';

const INTERVAL_MILLISECONDS = 1_000;
/** As many as the transport has connections: no mail that was claimed waits for another. */
const BATCH_SIZE = 5;
const SMTP_MILLISECONDS_MAX = 20_000;
/** A mail is given up so long before others may claim it. */
const MARGIN_MILLISECONDS = 5_000;

/**
 * Sends the mails that wait. A mail may be sent twice when a process dies between the server's
 * answer and the note of it, and is never lost: it is tried again, later each time, until it
 * expires.
 */
export function startMailer(
  core: Core,
  mail: { readonly smtpUrl: string; readonly from: string },
  origin: string,
  log: FastifyBaseLogger,
): Repeated {
  const transport = createTransport(
    {
      url: mail.smtpUrl,
      pool: true,
      maxConnections: BATCH_SIZE,
      // Tried again by us and not at once: a server that hangs up may have taken the mail.
      maxRequeues: 0,
      // In clear only to a mail server on this machine (ASVS 12.3.1).
      requireTLS: !isLoopback(new URL(mail.smtpUrl).hostname),
      connectionTimeout: SMTP_MILLISECONDS_MAX,
      greetingTimeout: SMTP_MILLISECONDS_MAX,
      socketTimeout: SMTP_MILLISECONDS_MAX,
      // The text of a mail names no file and no URL to be fetched.
      disableFileAccess: true,
      disableUrlAccess: true,
    },
    { from: mail.from },
  );

  async function send(row: OutboxRow): Promise<void> {
    const message = openMail(core.encryptionKey, row, core.previousKeys);
    const { subject, text, html } = renderMessage(message, origin);
    // One recipient as an object: a comma in an address is not a second one.
    const to = { name: '', address: message.to };
    const messageId = `<${row.id}@${new URL(origin).hostname}>`;
    const signal = AbortSignal.timeout(row.heldSeconds * 1_000 - MARGIN_MILLISECONDS);
    const sending = { to, subject, text, html, messageId, signal };
    await transport.sendMail(sending);
    await core.database.transaction((tx) => markMailSent(tx, row.id));
  }

  async function attempt(row: OutboxRow): Promise<void> {
    try {
      await send(row);
    } catch (error) {
      log.warn({ err: error, mail: row.id, attempts: row.attempts }, 'mail was not sent');
    }
  }

  const stopping = new AbortController();
  const repeated = repeat(INTERVAL_MILLISECONDS, log, 'mailer', async () => {
    let rows: readonly OutboxRow[];
    do {
      rows = await core.database.transaction((tx) => claimDueMails(tx, BATCH_SIZE));
      await Promise.all(rows.map(attempt));
    } while (rows.length === BATCH_SIZE && !stopping.signal.aborted);
  });
  return {
    async stop() {
      stopping.abort();
      await repeated.stop();
      transport.close();
    },
  };
}
