import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { domainToASCII } from 'node:url';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../support/client.ts';
import { newPerson } from '../support/people.ts';
import { changedBy, rowsOf } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

interface Delivery {
  readonly recipients: readonly string[];
  readonly raw: string;
}

/** A mail server that takes everything, except for those whom it does not know. */
class Post {
  readonly deliveries: Delivery[] = [];
  readonly #server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onRcptTo: ({ address }, _session, done) =>
      done(address.startsWith('nobody') ? new Error('no such mailbox') : null),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const recipients = session.envelope.rcptTo.map(({ address }) => inAscii(address));
        this.deliveries.push({ recipients, raw: Buffer.concat(chunks).toString('utf8') });
        done();
      });
    },
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.server.address() as AddressInfo;
    return `smtp://127.0.0.1:${port}`;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(resolve));
  }
}

/** This server shows domains in Unicode, whatever came over the wire. */
function inAscii(address: string): string {
  const [local = '', ...domain] = address.split('@');
  return [local, ...domain.map(domainToASCII)].join('@');
}

const post = new Post();
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    SALLYPORT_SMTP_URL: await post.listen(),
    SALLYPORT_MAIL_FROM: 'Accounts <accounts@sallyport.example>',
  });
});
afterAll(async () => {
  await server.close();
  await post.close();
});

async function signUp(email: unknown, displayName = 'Ada') {
  const { password } = newPerson();
  return await ask(server.origin, '/api/sign-up', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password, displayName }),
  });
}

/** The mails that leave because of what is done, once no more wait than nobody takes. */
async function deliveriesOf(
  act: () => Promise<unknown>,
  undeliverable = 0,
): Promise<readonly Delivery[]> {
  const before = post.deliveries.length;
  await act();
  const waiting = 'SELECT 1 FROM sallyport.outbox WHERE sent_at IS NULL';
  const patience = performance.now() + 60_000;
  while (((await server.admin.query(waiting)).rowCount ?? 0) > undeliverable) {
    if (performance.now() > patience) throw new Error('a mail has waited for a minute');
    await sleep(20);
  }
  return post.deliveries.slice(before);
}

async function storedAddresses(): Promise<readonly string[]> {
  const { rows } = await server.admin.query<{ address: string }>(
    'SELECT address FROM sallyport.sign_ups ORDER BY created_at DESC',
  );
  return rows.map(({ address }) => address);
}

describe('one mail goes to one recipient, the address as it is stored [R-46]', () => {
  test.each([
    ['ordinary', 'ada@example.com', 'ada@example.com'],
    ['capitals', 'Ada.Lovelace@Example.COM', 'Ada.Lovelace@example.com'],
    ['a tag', 'ada+tag=1@example.com', 'ada+tag=1@example.com'],
    ['every sign that needs no quotes', "!#$%&'*+/?=^_`{|}~-@example.com", undefined],
    ['an IDN domain', 'ada@b\u00fccher.example', 'ada@xn--bcher-kva.example'],
    ['a full-width domain', 'ada@\uff45\uff58\uff0e\uff45\uff58\uff41', 'ada@ex.exa'],
    ['blanks around it', '  grace@example.com\r\n', 'grace@example.com'],
    ['a local part that is not ASCII', 'jos\u00e9@example.com', 'jos\u00e9@example.com'],
    ['a decomposed one', 'zoe\u0308@example.com', 'zo\u00eb@example.com'],
    ['another script', '\u7528\u6237@\u4f8b\u5b50.example', '\u7528\u6237@xn--fsqu00a.example'],
  ])('%s', async (_what, typed, expected) => {
    const address = expected ?? typed;
    const mails = await deliveriesOf(async () => {
      expect((await signUp(typed)).status).toBe(202);
    });
    expect((await storedAddresses())[0]).toBe(address);
    expect(mails.map(({ recipients }) => recipients)).toEqual([[address]]);
    const mail = await PostalMime.parse(mails[0]?.raw ?? '');
    expect(mail.to?.map((each) => inAscii(each.address ?? ''))).toEqual([address]);
    expect([mail.cc ?? [], mail.bcc ?? []].flat()).toEqual([]);
  });

  test('the body is erased from the database once the mail has left [CWE-312]', async () => {
    const mails = await deliveriesOf(() => signUp(newPerson().email));
    expect(mails).toHaveLength(1);
    const { rows } = await server.admin.query(
      'SELECT 1 FROM sallyport.outbox WHERE body IS NOT NULL OR sent_at IS NULL',
    );
    expect(rows).toEqual([]);
  });

  test('a mailbox that does not exist keeps no other mail from leaving', async () => {
    const { email } = newPerson();
    const mails = await deliveriesOf(async () => {
      expect((await signUp('nobody@example.com')).status).toBe(202);
      expect((await signUp(email)).status).toBe(202);
    }, 1);
    expect(mails.map(({ recipients }) => recipients)).toEqual([[email]]);
    const later =
      'SELECT attempts, next_attempt_at > now() AS waits FROM sallyport.outbox WHERE sent_at IS NULL';
    await expect
      .poll(async () => (await server.admin.query(later)).rows)
      .toEqual([{ attempts: 1, waits: true }]);
    await server.admin.query('DELETE FROM sallyport.outbox WHERE sent_at IS NULL');
  });
});

describe('nothing that is typed gets into the head of a mail [CWE-93] [ASVS 1.3.11] [ASVS 1.3.3]', () => {
  test('neither with the address nor with the name', async () => {
    const { email } = newPerson();
    const names = [
      'Ada <eve@evil.example>',
      'Ada, eve@evil.example',
      '=?utf-8?Q?Bcc:_eve=40evil.example?=',
      'Bcc: eve@evil.example',
    ];
    const mails = await deliveriesOf(async () => {
      for (const name of names) expect((await signUp(email, name)).status).toBe(202);
    });
    expect(mails).toHaveLength(names.length);
    for (const { recipients, raw } of mails) {
      expect(recipients).toEqual([email]);
      expect(raw).not.toContain('evil');
      const mail = await PostalMime.parse(raw);
      const heads = mail.headers.map(({ key }) => key).toSorted();
      expect(new Set(heads).size).toBe(heads.length);
      expect(heads).toEqual([
        'content-type',
        'date',
        'from',
        'message-id',
        'mime-version',
        'subject',
        'to',
      ]);
      expect(mail.from?.address).toBe('accounts@sallyport.example');
    }
  });
});

describe('what is no single mailbox is refused: no mail, no row [R-46] [R-49]', () => {
  beforeAll(() => deliveriesOf(async () => {}));

  const hostile = [
    'ada@example.com,eve@evil.example',
    'ada@example.com;eve@evil.example',
    'ada@example.com eve@evil.example',
    'ada@example.com\r\nRCPT TO:<eve@evil.example>',
    'ada@example.com>\r\nRCPT TO:<eve@evil.example',
    'ada@example.com\nBcc: eve@evil.example',
    'ada\r\n@example.com',
    '"ada,eve"@example.com',
    '"eve@evil.example,"@example.com',
    '"ada"@example.com',
    'ada@example.com@evil.example',
    'eve@evil.example(@example.com)',
    'ada(eve@evil.example)@example.com',
    'Ada <ada@example.com>, Eve <eve@evil.example>',
    '<ada@example.com>',
    'Friends: ada@example.com, eve@evil.example;',
    'mailto:ada@example.com?bcc=eve@evil.example',
    '=?utf-8?Q?eve=40evil.example=3E=00?=@example.com',
    '@evil.example:ada@example.com',
    'ada%evil.example@',
    'ada@[127.0.0.1]',
    'ada@example.com/evil',
    'ada@evil.example%2f.example.com',
    'ada@evil.example#.example.com',
    'a\u200bda@example.com',
    'a\u00adda@example.com',
    'a\u202eda@example.com',
    'ada@exam\u200bple.com',
    'ada\u0000@example.com',
    'ada\uff0ceve@example.com',
    'ada\uff20evil.example@example.com',
    'ada@example.com\uff0ceve@evil.example',
    `${'a'.repeat(65)}@example.com`,
    `ada@${'a'.repeat(250)}.example`,
  ];

  test.each(hostile)('%j', async (email) => {
    const changed = await changedBy(server.admin, async () => {
      const answer = await signUp(email);
      expect(answer.status).toBe(400);
      expect(answer.json()).toMatchObject({ code: 'invalid-fields', errors: [{ field: 'email' }] });
    });
    expect(changed).toEqual([]);
  });

  test('and lists and objects of addresses', async () => {
    const changed = await changedBy(server.admin, async () => {
      for (const email of [
        ['ada@example.com', 'eve@evil.example'],
        { address: 'ada@example.com' },
        [['ada@example.com']],
      ]) {
        expect((await signUp(email)).status).toBe(400);
      }
    });
    expect(changed).toEqual([]);
  });

  test('while nothing of it all was mailed to anybody', () => {
    expect(post.deliveries.some(({ recipients }) => recipients.join().includes('evil'))).toBe(
      false,
    );
    expect(post.deliveries.every(({ recipients }) => recipients.length === 1)).toBe(true);
  });
});

describe('spellings of one address are one account [R-47]', () => {
  test('in any case, composition and compatibility form', async () => {
    const { email } = newPerson('Finn');
    const spellings = [
      email,
      email.toUpperCase(),
      email.replace('fi', '\ufb01'),
      email.replace('@example.com', '@\uff25xample.\uff23om'),
      `\uff46\uff49\uff4e\uff4e${email.slice(4)}`,
    ];
    const before = (await rowsOf(server.admin))['sign_ups']?.length ?? 0;
    const mails = await deliveriesOf(async () => {
      for (const spelling of spellings) expect((await signUp(spelling)).status).toBe(202);
    });
    const after = (await rowsOf(server.admin))['sign_ups']?.length ?? 0;
    expect(after - before).toBe(1);
    expect(mails).toHaveLength(spellings.length);
    const { rowCount } = await server.admin.query(
      'SELECT 1 FROM sallyport.one_time_tokens WHERE folded = $1',
      [email],
    );
    expect(rowCount).toBe(1);
  });
});
