import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { claimDueMails, insertOutboxMail, markMailSent } from '../../src/db/outbox.ts';
import { openManaged } from '../../src/server/databases.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { TEST_KEY } from '../support/test-key.ts';

let t: TestDatabase;
let database: Database;
beforeAll(async () => {
  t = await createDatabase();
  database = await openManaged(t.url, TEST_KEY);
});
afterAll(async () => {
  await database.close();
  await t.drop();
});
beforeEach(() => t.admin.query('DELETE FROM sallyport.outbox'));

async function queue(body: string, hours = 1): Promise<string> {
  const id = randomUUID();
  await database.transaction((tx) => insertOutboxMail(tx, { id, body }, hours));
  return id;
}

const claim = (limit = 10) => database.transaction((tx) => claimDueMails(tx, limit));

async function claimedFor(id: string, attempts: number): Promise<number> {
  const [mail] = await claim();
  expect(mail).toMatchObject({ id, body: 'again', attempts });
  return mail?.heldSeconds ?? 0;
}

/** What the clock of the database shows. */
async function moment(): Promise<string> {
  const { rows } = await t.admin.query<{ at: string }>('SELECT clock_timestamp()::TEXT AS at');
  return rows[0]?.at ?? '';
}

/** Whether the mail is due again so many seconds after a moment since this one. */
async function isHeld(id: string, seconds: number, since: string): Promise<boolean> {
  const { rows } = await t.admin.query<{ held: boolean }>(
    `SELECT next_attempt_at - $2 * INTERVAL '1 second' BETWEEN $3 AND clock_timestamp() AS held
      FROM sallyport.outbox WHERE id = $1`,
    [id, seconds, since],
  );
  return rows[0]?.held ?? false;
}

test('a mail is claimed once by any number of processes at once', async () => {
  const ids = await Promise.all(['a', 'b', 'c', 'd'].map((body) => queue(body)));
  const claims = await Promise.all(Array.from({ length: 6 }, () => claim()));
  expect(
    claims
      .flat()
      .map(({ id }) => id)
      .toSorted((a, b) => a.localeCompare(b)),
  ).toEqual(ids.toSorted((a, b) => a.localeCompare(b)));
  expect(await claim()).toEqual([]);
});

test('a mail that was claimed and never sent comes back, later each time, an hour at the most', async () => {
  const id = await queue('again');
  const delays: number[] = [];
  for (let attempt = 1; attempt <= 9; attempt++) {
    const before = await moment();
    const heldSeconds = await claimedFor(id, attempt);
    delays.push(heldSeconds);
    expect(await isHeld(id, heldSeconds, before)).toBe(true);
    await t.admin.query('UPDATE sallyport.outbox SET next_attempt_at = now()');
  }
  expect(delays).toEqual([30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
});

test('a mail that was sent is not sent again, and its body is gone', async () => {
  const id = await queue('secret link');
  await claim();
  await database.transaction((tx) => markMailSent(tx, id));
  await t.admin.query('UPDATE sallyport.outbox SET next_attempt_at = now()');
  expect(await claim()).toEqual([]);
  const { rows } = await t.admin.query(
    'SELECT body, sent_at IS NOT NULL AS sent FROM sallyport.outbox',
  );
  expect(rows).toEqual([{ body: null, sent: true }]);
});

test('a mail that has expired is not sent any more', async () => {
  await queue('too late', -1);
  expect(await claim()).toEqual([]);
  const id = await queue('in time');
  expect((await claim()).map((mail) => mail.id)).toEqual([id]);
});

test('a claim takes as many as it says, the longest due first', async () => {
  for (const body of ['first', 'second', 'third']) await queue(body);
  expect((await claim(2)).map(({ body }) => body)).toEqual(['first', 'second']);
  expect((await claim(2)).map(({ body }) => body)).toEqual(['third']);
});
