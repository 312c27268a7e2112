// Connections that leave the house: a certificate that nobody vouches for, and addresses that ask
// for less. Real servers of PostgreSQL and SMTP, with a certificate for the name localhost alone.
import { createServer, type AddressInfo } from 'node:net';
import { chmodSync, chownSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { destinationOf } from '../../src/db/destination.ts';
import { readConfig } from '../../src/server/config.ts';
import { migrateServer, openUnchanged } from '../../src/server/databases.ts';
import { findMissingProtection, writeProtection } from '../../src/server/protect.ts';
import { startServer } from '../../src/server/server.ts';
import { makeCertificate } from '../support/certificates.ts';
import { Visitor } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { type MailServer, startMailServer } from '../support/mail-servers.ts';
import { newPerson } from '../support/people.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { startServerProcess } from '../support/processes.ts';
import { REACHABLE, testConfig } from '../support/servers.ts';
import { TEST_KEY } from '../support/test-key.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-tls-'));
const { certificate, key } = makeCertificate(folder, ['localhost']);
// A process that runs as somebody else reads the certificate, too.
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the connections to the database', () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres({ shortLived: true });
    const admin = new pg.Client(postgres.url);
    await admin.connect();
    const { rows } = await admin.query<{ data_directory: string }>('SHOW data_directory');
    const data = rows[0]?.data_directory ?? '';
    const { uid, gid } = statSync(data);
    for (const [from, name] of [
      [certificate, 'server.crt'],
      [key, 'server.key'],
    ] as const) {
      cpSync(from, join(data, name));
      chownSync(join(data, name), uid, gid);
      chmodSync(join(data, name), 0o600);
    }
    await admin.query('ALTER SYSTEM SET ssl = on');
    await admin.query('SELECT pg_reload_conf()');
    const isOn = async () => (await admin.query<{ ssl: string }>('SHOW ssl')).rows[0]?.ssl === 'on';
    while (!(await isOn())) await sleep(20);
    await admin.end();
  });
  afterAll(() => postgres.stop());

  const urlOf = (host: string, parameters: string) => {
    const url = new URL(postgres.url);
    url.hostname = host;
    return `${url.href}?${parameters}`;
  };
  const start = async (url: string) => {
    const server = await startServer(testConfig({ DATABASE_URL: url }));
    await server.close();
  };

  test.each(['require', 'verify-ca', 'verify-full'])(
    'are not made where nobody vouches for the certificate, with sslmode=%s [ASVS 12.3.2] [CWE-295]',
    async (mode) => {
      const refused = start(urlOf('localhost', `sslmode=${mode}`));
      await expect(refused).rejects.toThrow(/certificate/i);
      await expect(refused).rejects.not.toThrow(/postgres:postgres/);
    },
  );

  test('are made where the certificate is one of those trusted for it, and not under another name [ASVS 12.3.4]', async () => {
    const trusting = `sslmode=verify-full&sslrootcert=${certificate}`;
    await expect(start(urlOf('127.0.0.1', trusting))).rejects.toThrow(/altname|certificate/i);
    await start(urlOf('localhost', trusting));
  });

  const WEAKENED = [
    '',
    'sslmode=disable',
    'sslmode=no-verify',
    'sslmode=require&uselibpqcompat=true',
    'uselibpqcompat=true&sslmode=prefer',
    'uselibpqcompat=true&sslmode=verify-ca&sslrootcert=CERTIFICATE',
    'sslmode=verify-full&sslmode=no-verify',
    'sslmode=verify-full&sslmode=disable',
    'ssl=0',
  ];

  test.each(WEAKENED)(
    'are refused by a process that others reach, with the parameters "%s" [ASVS 12.3.2] [CWE-295]',
    (parameters) => {
      const query = parameters.replace('CERTIFICATE', certificate);
      const problems = problemsOf({ DATABASE_URL: `postgresql://u:p@db.example/a?${query}` });
      expect(problems).toEqual(['DATABASE_URL must use TLS: add ?sslmode=verify-full to it.']);
    },
  );

  test.each([
    'postgresql://u:p@db.example/a',
    'postgresql://u:p@localhost/a?host=db.example',
    'postgresql://u:p@localhost/a?host=localhost&host=db.example',
    'postgresql://u:p@localhost/a?host=db.example&sslmode=require&uselibpqcompat=true',
  ])('are not made over the network without, however %s says where they lead', async (url) => {
    expect(destinationOf(url)).toEqual({ host: 'db.example', verifiesTls: false });
    await expect(migrateServer(url)).rejects.toThrow('DATABASE_URL must use TLS');
  });

  test('are not even begun without: no login is sent where everybody reads along [ASVS 12.3.1] [CWE-319]', async () => {
    let connections = 0;
    const listening = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => listening.listen(0, '0.0.0.0', resolve));
    // Loopback as every system has it, and not as we count it.
    const url = `postgresql://u:p@0.0.0.0:${(listening.address() as AddressInfo).port}/a`;
    const request = {
      tables: ['notes'],
      owner: null,
      read: null,
      write: null,
      form: 'functions',
    } as const;
    const logins = { SALLYPORT_APP_DATABASE_URL: url, SALLYPORT_IDENTITY_DATABASE_URL: url };
    for (const [begin, name] of [
      [() => start(url), 'DATABASE_URL'],
      [() => startServer(testConfig(logins)), 'SALLYPORT_APP_DATABASE_URL'],
      [() => migrateServer(url), 'DATABASE_URL'],
      [() => writeProtection(url, request), 'DATABASE_URL'],
      [() => findMissingProtection(url, request), 'DATABASE_URL'],
      [() => openUnchanged(testConfig({ DATABASE_URL: url }), [TEST_KEY]), 'DATABASE_URL'],
    ] as const) {
      await expect(begin()).rejects.toThrow(`${name} must use TLS`);
    }
    expect(connections).toBe(0);
    await new Promise((resolve) => listening.close(resolve));
  });

  test('with a certificate that is not there, or a parameter that the driver refuses, are no start', () => {
    for (const parameters of [
      'sslmode=verify-full&sslrootcert=/nowhere/ca.crt',
      'sslmode=verify-ca&uselibpqcompat=true',
      'sslmode=verify-full&sslnegotiation=odd',
    ]) {
      const problems = problemsOf({ DATABASE_URL: `postgresql://u:p@db.example/a?${parameters}` });
      expect(problems[0]).toMatch(/^DATABASE_URL has a parameter that the driver refuses, or/);
    }
  });
});

describe('the connections to the mail server', () => {
  let database: TestDatabase;
  let mailServer: MailServer | null = null;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    await mailServer?.stop();
    await database.admin.query('DELETE FROM sallyport.outbox');
  });
  afterAll(() => database.drop());

  test.each([
    ['TLS from the beginning', true],
    ['STARTTLS', false],
  ])(
    'carry no mail where nobody vouches for the certificate, with %s, and do where somebody does [ASVS 12.3.2] [CWE-295]',
    async (_how, secure) => {
      const tls = { key: readFileSync(key), cert: readFileSync(certificate), secure };
      mailServer = await startMailServer(0, tls);
      const settings = {
        DATABASE_URL: database.url,
        SALLYPORT_SMTP_URL: mailServer.url,
        SALLYPORT_MAIL_FROM: 'Sallyport <door@example.com>',
      };
      const distrusting = await startServerProcess(settings);
      const visitor = new Visitor(distrusting.origin);
      expect((await visitor.send('POST', '/api/sign-up', newPerson())).status).toBe(202);
      const attempted = 'SELECT attempts > 0 AS tried, sent_at FROM sallyport.outbox';
      await expect
        .poll(async () => (await database.admin.query(attempted)).rows)
        .toEqual([{ tried: true, sent_at: null }]);
      await sleep(300);
      expect([mailServer.attempts, mailServer.delivered]).toEqual([[], []]);
      await distrusting.stop();

      await database.admin.query(
        `UPDATE sallyport.outbox SET next_attempt_at = now() - INTERVAL '1 second'`,
      );
      const trusting = await startServerProcess({ ...settings, NODE_EXTRA_CA_CERTS: certificate });
      const { delivered } = mailServer;
      await expect.poll(() => delivered.length).toBe(1);
      await trusting.stop();
    },
  );

  test.each([
    'smtp://mail.example?requireTLS=false',
    'smtp://mail.example/?ignoreTLS=true',
    'smtps://mail.example?tls.rejectUnauthorized=false',
    'smtps://mail.example/path',
    'smtps://mail.example#fragment',
    'smtps:///',
    'http://mail.example',
  ])('ask for nothing less: %s is no address of a mail server [ASVS 12.3.1] [CWE-319]', (url) => {
    expect(problemsOf({ SALLYPORT_SMTP_URL: url })).toEqual([
      'SALLYPORT_SMTP_URL must look like smtps://user:password@mail.example.com, with no path and no parameters.',
    ]);
  });
});

/** What a process that others can reach is told about these settings; all others are in order. */
function problemsOf(settings: Readonly<Record<string, string>>): readonly string[] {
  const read = readConfig({ ...REACHABLE, ...settings });
  return 'problems' in read ? read.problems : [];
}
