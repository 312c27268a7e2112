import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { queueMail } from '../../src/core/mail.ts';
import { newEncryptionKey } from '../../src/core/encryption.ts';
import { startTestApp, type TestApp } from '../support/apps.ts';
import { Visitor } from '../support/client.ts';

let t: TestApp;
beforeAll(async () => {
  t = await startTestApp();
});
afterAll(() => t.close());
beforeEach(() => t.admin.query('DELETE FROM sallyport.outbox'));

async function queue(name: string, key = t.core.encryptionKey): Promise<void> {
  const to = `${name}@example.com`;
  await t.core.database.transaction((tx) =>
    queueMail(tx, key, { kind: 'existing-account', to, language: 'en' }),
  );
}

async function shown(): Promise<readonly string[]> {
  const answer = await new Visitor(t.origin).get('/development/mailbox.json');
  expect(answer.status).toBe(200);
  return (answer.json() as { readonly to: string }[]).map(({ to }) => to.split('@')[0] ?? '');
}

test('the mailbox shows what was not sent, the newest first', async () => {
  for (const name of ['ada', 'grace', 'mary']) await queue(name);
  await t.admin.query(
    `UPDATE sallyport.outbox SET sent_at = now(), body = NULL
      WHERE created_at = (SELECT min(created_at) FROM sallyport.outbox)`,
  );
  expect(await shown()).toEqual(['mary', 'grace']);
});

test('a mail that cannot be read is logged by its id, and hides no other', async () => {
  await queue('ada');
  await queue('grace', newEncryptionKey());
  await queue('mary');
  await t.admin.query(
    `INSERT INTO sallyport.outbox (id, body, expires_at)
      VALUES (gen_random_uuid(), 'no mail at all', now() + INTERVAL '1 hour')`,
  );
  expect(await shown()).toEqual(['mary', 'ada']);
  const page = await new Visitor(t.origin).get('/development/mailbox');
  expect(page.status).toBe(200);
  expect(page.text).toContain('mary@example.com');
  expect(page.text).not.toContain('grace@example.com');

  const { rows } = await t.admin.query<{ id: string }>(
    'SELECT id FROM sallyport.outbox ORDER BY created_at',
  );
  const logged = (id: string | undefined) =>
    t
      .log()
      .split('\n')
      .filter((line) => line.includes('mail cannot be read') && line.includes(`"${id}"`));
  expect(rows.map(({ id }) => logged(id).length)).toEqual([0, 2, 0, 2]);
});
