import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';

export interface Delivered {
  /** The recipients of the envelope. */
  readonly recipients: readonly string[];
  readonly mail: Email;
}

/** A real mail server that can be told to behave badly; what it has accepted is in `delivered`. */
export interface MailServer {
  readonly url: string;
  readonly delivered: Delivered[];
  /** How often a client came as far as the recipient, by the time of it. */
  readonly attempts: { readonly recipient: string; readonly at: number }[];
  /** The SMTP status with which the recipient, or the content, is refused; 0 accepts. */
  refusing: { recipient: number; content: number };
  /** For how long the end of the content goes unanswered. */
  delayMilliseconds: number;
  /** Ends the connection in the middle of the content. */
  hangingUp: boolean;
  /** Is told of each mail that was accepted, before the client is. */
  onDelivered: (delivered: Delivered) => void | Promise<void>;
  stop(): Promise<void>;
}

/**
 * On the given port, so that one that was stopped can come back; 0 takes a free one. With a
 * certificate it offers STARTTLS, and `secure` begins with TLS.
 */
export async function startMailServer(
  port = 0,
  tls?: { readonly key: Buffer; readonly cert: Buffer; readonly secure: boolean },
): Promise<MailServer> {
  const server = new SMTPServer({
    ...tls,
    disabledCommands: tls ? ['AUTH'] : ['AUTH', 'STARTTLS'],
    closeTimeout: 100,
    logger: false,
    onRcptTo({ address }, _session, done) {
      state.attempts.push({ recipient: address, at: Date.now() });
      done(refusal(state.refusing.recipient));
    },
    onData(stream, session, done) {
      if (state.hangingUp) {
        stream.once('data', () => cut(session.id));
        stream.resume();
        return;
      }
      void answer(
        stream,
        session.envelope.rcptTo.map(({ address }) => address),
        done,
      );
    },
  });
  server.on('error', () => {});

  // The socket itself: `close` would say 421 first, and not leave the client in the dark.
  function cut(id: string): void {
    for (const connection of server.connections as Set<{ readonly id: string }>) {
      if (connection.id === id) (Reflect.get(connection, '_socket') as Socket).destroy();
    }
  }

  async function answer(
    stream: AsyncIterable<Buffer>,
    recipients: string[],
    done: (error: Error | null) => void,
  ) {
    done(await accept(stream, recipients));
  }

  async function accept(stream: AsyncIterable<Buffer>, recipients: string[]) {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    if (state.delayMilliseconds > 0) await sleep(state.delayMilliseconds);
    if (state.refusing.content > 0) return refusal(state.refusing.content);
    const delivered = { recipients, mail: await PostalMime.parse(Buffer.concat(chunks)) };
    state.delivered.push(delivered);
    await state.onDelivered(delivered);
    return null;
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const bound = (server.server.address() as AddressInfo).port;
  const state: MailServer = {
    url: tls
      ? `${tls.secure ? 'smtps' : 'smtp'}://localhost:${bound}`
      : `smtp://127.0.0.1:${bound}`,
    delivered: [],
    attempts: [],
    refusing: { recipient: 0, content: 0 },
    delayMilliseconds: 0,
    hangingUp: false,
    onDelivered: () => {},
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return state;
}

function refusal(code: number): Error | null {
  return code === 0 ? null : Object.assign(new Error('refused'), { responseCode: code });
}

/** What is left of a mail's HTML without its markup. */
export function asText(html: string): string {
  const body = html.replaceAll(/<(head|style)[\s\S]*?<\/\1>/g, ' ').replaceAll(/<[^>]+>/g, ' ');
  return body.replaceAll(/&#39;|&#x27;/g, "'");
}

/** Its words, without the marks between them. */
export function wordsOf(text: string): readonly string[] {
  return text
    .split(/\s+/)
    .map((word) => word.replaceAll(/^\W+|\W+$/g, ''))
    .filter(Boolean);
}
