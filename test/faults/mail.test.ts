import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startServer, type RunningServer } from '../../src/server/server.ts';
import { Visitor } from '../support/client.ts';
import { countRows } from '../support/accounts.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { asText, type MailServer, startMailServer, wordsOf } from '../support/mail-servers.ts';
import { newPerson } from '../support/people.ts';
import { freePort } from '../support/ports.ts';
import { startServerProcess } from '../support/processes.ts';
import { testConfig } from '../support/servers.ts';

let database: TestDatabase;
let mailServer: MailServer;
const running: RunningServer[] = [];
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.admin.query('DELETE FROM sallyport.outbox');
  mailServer = await startMailServer(await freePort());
});
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
  await mailServer.stop();
});

const FROM = 'Sallyport <door@example.com>';

function mailSettings(smtpUrl = mailServer.url): Record<string, string> {
  return { DATABASE_URL: database.url, SALLYPORT_SMTP_URL: smtpUrl, SALLYPORT_MAIL_FROM: FROM };
}

async function start(smtpUrl?: string): Promise<string> {
  const server = await startServer(testConfig(mailSettings(smtpUrl)));
  running.push(server);
  return server.origin;
}

/** Has a mail queued by signing up; the address it goes to. */
async function signUp(origin: string, language = 'en'): Promise<string> {
  const person = newPerson();
  const visitor = new Visitor(origin);
  const headers = { 'accept-language': language };
  expect((await visitor.send('POST', '/api/sign-up', person, headers)).status).toBe(202);
  return person.email;
}

interface OutboxRow {
  readonly id: string;
  readonly body: string | null;
  readonly attempts: number;
  readonly sent: boolean;
  /** How long until the next attempt. */
  readonly seconds: number;
}

async function outbox(): Promise<readonly OutboxRow[]> {
  const { rows } = await database.admin.query<OutboxRow>(
    `SELECT id, body, attempts, sent_at IS NOT NULL AS sent,
        round(extract(epoch FROM next_attempt_at - now()))::INT4 AS seconds
      FROM sallyport.outbox ORDER BY created_at`,
  );
  return rows;
}

/** Lets the time until the next attempt pass. */
const letTimePass = () =>
  database.admin.query('UPDATE sallyport.outbox SET next_attempt_at = now() WHERE sent_at IS NULL');

const POLL = { timeout: 60_000, interval: 50 };

async function untilAllSent(): Promise<void> {
  await expect.poll(async () => (await outbox()).every(({ sent }) => sent), POLL).toBe(true);
}

async function untilAttempted(times: number): Promise<void> {
  await expect
    .poll(async () => (await outbox()).map(({ attempts }) => attempts), POLL)
    .toEqual([times]);
}

const recipients = () => mailServer.delivered.flatMap((each) => each.recipients);

const messageIds = () => mailServer.delivered.map(({ mail }) => mail.messageId);

const sorted = (texts: readonly string[]) => texts.toSorted((a, b) => a.localeCompare(b));

/** Waits so long that a mail sent twice would have come: the mailer looks each second. */
const aMoment = () => new Promise((resolve) => setTimeout(resolve, 1_500));

describe('a mail', () => {
  test('goes to one recipient, says the same as text and as HTML, and is erased once sent', async () => {
    const origin = await start();
    const [english, german] = [await signUp(origin), await signUp(origin, 'de')];
    await untilAllSent();
    expect(sorted(recipients())).toEqual(sorted([english, german]));
    for (const { recipients: envelope, mail } of mailServer.delivered) {
      expect(envelope).toHaveLength(1);
      expect(mail.to).toEqual([{ name: '', address: envelope[0] }]);
      expect([mail.cc, mail.bcc]).toEqual([undefined, undefined]);
      expect(mail.from?.address).toBe('door@example.com');
      const links = (text: string) => text.match(/https?:\/\/[^\s"<>]+/g) ?? [];
      expect(links(mail.text ?? '')).toHaveLength(1);
      expect(new Set(links(mail.html ?? ''))).toEqual(new Set(links(mail.text ?? '')));
      expect(links(mail.text ?? '')[0]).toMatch(new RegExp(`^${origin}/confirm-email\\?token=`));
      expect(wordsOf(asText(mail.html ?? ''))).toEqual(
        expect.arrayContaining([...wordsOf(mail.text ?? '')]),
      );
    }
    const subjects = mailServer.delivered.map(({ mail }) => mail.subject);
    expect(new Set(subjects).size).toBe(2);
    expect((await outbox()).map(({ body }) => body)).toEqual([null, null]);
  });

  test('is sent once by two processes on one database, also while the server is slow', async () => {
    mailServer.delayMilliseconds = 300;
    const origins = [await start(), await start()] as const;
    const emails: string[] = [];
    for (let index = 0; index < 24; index++) emails.push(await signUp(origins[index % 2 ? 1 : 0]));
    await untilAllSent();
    await aMoment();
    expect(sorted(recipients())).toEqual(sorted(emails));
    expect(new Set(messageIds()).size).toBe(emails.length);
    expect((await outbox()).map(({ attempts }) => attempts)).toEqual(emails.map(() => 1));
  });

  test('that cannot be read does not keep the others', async () => {
    const origin = await start();
    await database.admin.query(
      `INSERT INTO sallyport.outbox (body, expires_at, next_attempt_at)
        SELECT 'nonsense', now() + INTERVAL '1 hour', now() - INTERVAL '1 hour' FROM generate_series(1, 12)`,
    );
    const email = await signUp(origin);
    await expect.poll(recipients, POLL).toEqual([email]);
    await expect
      .poll(async () => (await outbox()).map(({ sent, attempts }) => [sent, attempts]), POLL)
      .toEqual([...Array.from({ length: 12 }, () => [false, 1]), [true, 1]]);
  });
});

describe('a mail server that misbehaves', () => {
  test.each([
    ['refuses the recipient for now', () => (mailServer.refusing.recipient = 451)],
    ['refuses the content for good', () => (mailServer.refusing.content = 554)],
    ['hangs up in the middle of the content', () => (mailServer.hangingUp = true)],
  ])('%s: the mail is kept, tried later each time, and delivered once', async (_, misbehave) => {
    misbehave();
    const email = await signUp(await start());
    const delays: number[] = [];
    for (let attempt = 1; attempt <= 3; attempt++) {
      await untilAttempted(attempt);
      await expect.poll(() => mailServer.attempts.length, POLL).toBe(attempt);
      delays.push((await outbox())[0]?.seconds ?? 0);
      expect((await outbox())[0]?.body).not.toBeNull();
      await letTimePass();
    }
    // Some of the time may have passed until we look.
    for (const [index, seconds] of [30, 60, 120].entries()) {
      expect(delays[index]).toBeLessThanOrEqual(seconds);
      expect(delays[index]).toBeGreaterThan(seconds / 2);
    }
    expect(recipients()).toEqual([]);

    // It fails until it is due again, and not once more before that.
    await untilAttempted(4);
    await expect.poll(() => mailServer.attempts.length, POLL).toBe(4);
    await aMoment();
    expect(mailServer.attempts).toHaveLength(4);

    mailServer.refusing = { recipient: 0, content: 0 };
    mailServer.hangingUp = false;
    await letTimePass();
    await untilAllSent();
    expect(recipients()).toEqual([email]);
    expect((await outbox())[0]?.body).toBeNull();
  });

  test('is down and comes back: every mail is delivered, once', async () => {
    const port = Number(new URL(mailServer.url).port);
    await mailServer.stop();
    const origin = await start();
    const emails = await Promise.all([signUp(origin), signUp(origin), signUp(origin)]);
    await expect
      .poll(async () => (await outbox()).map(({ attempts }) => attempts), POLL)
      .toEqual([1, 1, 1]);
    mailServer = await startMailServer(port);
    await letTimePass();
    await untilAllSent();
    await aMoment();
    expect(sorted(recipients())).toEqual(sorted(emails));
  });

  test('one recipient whom it refuses does not keep the others', async () => {
    mailServer.refusing.recipient = 550;
    const origin = await start();
    await signUp(origin);
    await untilAttempted(1);
    await expect.poll(() => mailServer.attempts.length, POLL).toBe(1);
    mailServer.refusing.recipient = 0;
    const other = await signUp(origin);
    await expect.poll(recipients, POLL).toEqual([other]);
  });

  test('never greets: no request waits for it, and nothing is lost [ASVS 16.5.2]', async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const origin = await start(`smtp://127.0.0.1:${port}`);
    await signUp(origin);
    await expect.poll(() => sockets.size, POLL).toBeGreaterThan(0);
    const started = performance.now();
    await signUp(origin);
    // The mail itself waits 20 seconds for a greeting.
    expect(performance.now() - started).toBeLessThan(15_000);
    expect((await outbox()).map(({ sent }) => sent)).toEqual([false, false]);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
    await running.splice(0)[0]?.close();

    await start();
    await letTimePass();
    await untilAllSent();
    expect(mailServer.delivered).toHaveLength(2);
  });

  test('hangs up before it greets: it is not asked again before the mail is due', async () => {
    let connections = 0;
    const rude = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => rude.listen(0, '127.0.0.1', resolve));
    const { port } = rude.address() as AddressInfo;
    await signUp(await start(`smtp://127.0.0.1:${port}`));
    await untilAttempted(1);
    await expect.poll(() => connections, POLL).toBeGreaterThan(0);
    await aMoment();
    expect(connections).toBe(1);
    await new Promise((resolve) => rude.close(resolve));
  });

  // Off this machine nothing is sent in clear (ASVS 12.3.1): this server offers no STARTTLS.
  test('somewhere else that offers no TLS gets no mail [ASVS 12.3.1] [CWE-319]', async () => {
    const { port } = new URL(mailServer.url);
    await signUp(await start(`smtp://0.0.0.0:${port}`));
    await untilAttempted(1);
    await aMoment();
    expect([mailServer.attempts, mailServer.delivered]).toEqual([[], []]);
  });
});

describe('a process that ends', () => {
  test('by a signal finishes the mail under way, and notes it', async () => {
    mailServer.delayMilliseconds = 1_500;
    const started = new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (mailServer.attempts.length === 0) return;
        clearInterval(timer);
        resolve();
      }, 20);
    });
    const email = await signUp(await start());
    await started;
    await running.splice(0)[0]?.close();
    expect(recipients()).toEqual([email]);
    expect(await outbox()).toMatchObject([{ sent: true, body: null, attempts: 1 }]);
  });

  // The window between the server's acceptance and our note of it can be made small, not nothing.
  test('by force between acceptance and note sends at most one duplicate, under the same Message-ID', async () => {
    const victim = await startServerProcess(mailSettings());
    const killed = new Promise<void>((resolve) => {
      mailServer.onDelivered = () => {
        mailServer.onDelivered = () => {};
        victim.child.once('exit', () => resolve());
        victim.child.kill('SIGKILL');
        return killed;
      };
    });
    const email = await signUp(victim.origin);
    await killed;
    await victim.stop();
    expect(await outbox()).toMatchObject([{ sent: false, attempts: 1 }]);

    await start();
    await aMoment();
    expect(recipients()).toEqual([email]);
    await letTimePass();
    await untilAllSent();
    await aMoment();
    expect(recipients()).toEqual([email, email]);
    expect(new Set(messageIds()).size).toBe(1);
    expect(await countRows(database.admin, 'outbox WHERE body IS NOT NULL')).toBe(0);
  });
});
