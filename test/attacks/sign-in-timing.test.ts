import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../support/client.ts';
import { newPerson, register, type Person } from '../support/people.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
let owner: Person;
let disabled: Person;
let unproved: Person;
beforeAll(async () => {
  server = await startTestServer();
  [owner, disabled] = [await register(server.origin), await register(server.origin)];
  await server.admin.query(
    `UPDATE sallyport.identities SET disabled_at = now()
      WHERE id = (SELECT identity_id FROM sallyport.email_addresses WHERE folded = $1)`,
    [disabled.email],
  );
  unproved = newPerson();
  await post('/api/sign-up', unproved);
});
afterAll(() => server.close());

const post = (path: string, body: unknown) =>
  ask(server.origin, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const SAMPLES = 25;

/**
 * How many times as long the slower request takes as the faster. They take turns, so that whatever
 * else the machine does slows both down: the median of the pairs does not mind the few of which one
 * was interrupted.
 */
async function factorBetween(
  one: () => Promise<unknown>,
  other: () => Promise<unknown>,
): Promise<number> {
  const ratios: number[] = [];
  for (let sample = -2; sample < SAMPLES; sample++) {
    // An address gets five mails an hour; the sixth sign-up would be another case, for all alike.
    await server.admin.query('DELETE FROM sallyport.budgets');
    const ratio = (await timeOf(one)) / (await timeOf(other));
    if (sample >= 0) ratios.push(ratio);
  }
  const median = ratios.toSorted((a, b) => a - b)[SAMPLES >> 1] ?? Number.NaN;
  return Math.max(median, 1 / median);
}

async function timeOf(send: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await send();
  return performance.now() - started;
}

/**
 * A hash takes several times as long as all the rest: without it the factor would be above 2.5.
 * This bound is far from 1, where a busy machine does not get, and far from that.
 */
const FACTOR_MAX = 2.5;

/** What is measured too far apart is measured again: a difference that is there stays. */
const MEASUREMENTS_MAX = 4;

async function lowestFactor(
  one: () => Promise<unknown>,
  other: () => Promise<unknown>,
): Promise<number> {
  let factor = Number.POSITIVE_INFINITY;
  for (let time = 0; time < MEASUREMENTS_MAX && factor >= FACTOR_MAX; time++) {
    factor = await factorBetween(one, other);
  }
  return factor;
}

const WRONG = 'eleven otters juggle lanterns';
const signIn = (email: string, password = WRONG) => post('/api/sign-in', { email, password });

// On a loaded machine a sample takes seconds.
describe('the time of an answer does not tell', { timeout: 600_000 }, () => {
  test.each([
    ['an unknown address', () => signIn(newPerson().email)],
    ['an address not yet proved', () => signIn(unproved.email, unproved.password)],
    ['a disabled identity', () => signIn(disabled.email, disabled.password)],
    ['a malformed address', () => signIn('no address at all')],
  ])('a wrong password from %s [R-57] [CWE-208] [ASVS 6.3.8]', async (_what, other) => {
    expect(await lowestFactor(other, () => signIn(owner.email))).toBeLessThan(FACTOR_MAX);
  });

  test('one character from 4,096 where the address is unknown [R-56] [R-57]', async () => {
    const unknown = () => signIn(newPerson().email, 'p'.repeat(4_096));
    expect(await lowestFactor(unknown, () => signIn(owner.email, 'p'))).toBeLessThan(FACTOR_MAX);
  });

  test('at sign-up, an address with an owner from one without [R-48] [R-57] [CWE-208]', async () => {
    const password = WRONG;
    const known = () => post('/api/sign-up', { ...owner, password });
    const unknown = () => post('/api/sign-up', { ...newPerson(), password });
    expect(await lowestFactor(known, unknown)).toBeLessThan(FACTOR_MAX);
  });
});
