import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newEncryptionKey } from '../../src/core/encryption.ts';
import { type MailMessage, openMail, queueMail } from '../../src/core/mail.ts';
import { openTestCore, type TestCore } from '../support/cores.ts';
import { TEST_KEY } from '../support/test-key.ts';

let t: TestCore;
beforeAll(async () => {
  t = await openTestCore();
});
afterAll(() => t.close());
beforeEach(() => t.admin.query('DELETE FROM sallyport.outbox'));

const message: MailMessage = {
  kind: 'sign-up',
  to: 'ada@example.com',
  language: 'en',
  token: 'a-token-that-would-open-the-account',
  expiresInHours: 24,
};

const queue = (mail: MailMessage) =>
  t.core.database.transaction((tx) => queueMail(tx, TEST_KEY, mail));
const outbox = async () =>
  (await t.admin.query<{ id: string; body: string }>('SELECT * FROM sallyport.outbox')).rows;

describe('queueMail', () => {
  test('stores a body that the database cannot read [CWE-312]', async () => {
    await queue(message);
    const [row] = await outbox();
    for (const encoding of ['latin1', 'hex', 'base64', 'base64url'] as const) {
      const form = Buffer.from(message.kind === 'sign-up' ? message.token : '').toString(encoding);
      expect(JSON.stringify(row)).not.toContain(form);
      expect(Buffer.from(row?.body ?? '', 'base64url').toString('latin1')).not.toContain(form);
    }
    expect(row?.body).not.toContain('example');
    expect(openMail(TEST_KEY, row ?? { id: '', body: '' })).toEqual(message);
  });

  test('queues nothing when the transaction that it belongs to is rolled back', async () => {
    const failure = new Error('after the mail');
    const work = t.core.database.transaction(async (tx) => {
      await queueMail(tx, TEST_KEY, message);
      throw failure;
    });
    await expect(work).rejects.toBe(failure);
    expect(await outbox()).toEqual([]);
  });

  test('gives a mail a day', async () => {
    await queue(message);
    const { rows } = await t.admin.query<{ hours: number }>(
      `SELECT extract(epoch FROM expires_at - created_at)::INT4 / 3600 AS hours FROM sallyport.outbox`,
    );
    expect(rows).toEqual([{ hours: 24 }]);
  });
});

describe('openMail refuses', () => {
  test('a body that was moved to another row', async () => {
    await queue(message);
    await queue({ kind: 'existing-account', to: 'eve@evil.example', language: 'de' });
    const [one, other] = await outbox();
    if (!one || !other) throw new Error('two mails were queued');
    expect(() => openMail(TEST_KEY, { id: other.id, body: one.body })).toThrow(/./);
    expect(openMail(TEST_KEY, one)).toEqual(message);
  });

  test('a body of another key', async () => {
    await queue(message);
    const [row] = await outbox();
    expect(() => openMail(newEncryptionKey(), row ?? { id: '', body: '' })).toThrow(/./);
  });
});
