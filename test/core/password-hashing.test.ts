import type * as Os from 'node:os';
import type * as Argon2 from '@node-rs/argon2';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { createPasswordHasher, HashingBusyError } from '../../src/core/password-hashing.ts';

/** What the real argon2 is doing; it does its work, and is only watched. */
const argon2 = vi.hoisted(() => ({ running: 0, mostRunning: 0, order: [] as string[] }));

vi.mock('@node-rs/argon2', async (importOriginal) => {
  const real = await importOriginal<typeof Argon2>();
  const watched = async <T>(password: string | Uint8Array, work: () => Promise<T>) => {
    argon2.order.push(String(password));
    argon2.mostRunning = Math.max(argon2.mostRunning, ++argon2.running);
    try {
      return await work();
    } finally {
      argon2.running--;
    }
  };
  return {
    ...real,
    hash: ((password, ...rest) =>
      watched(String(password), () => real.hash(password, ...rest))) satisfies typeof real.hash,
    verify: ((hashed, password, ...rest) =>
      watched(String(password), () =>
        real.verify(hashed, password, ...rest),
      )) satisfies typeof real.verify,
  };
});

const machine = vi.hoisted(() => ({ cores: 2 }));
vi.mock('node:os', async (importOriginal) => ({
  ...(await importOriginal<typeof Os>()),
  availableParallelism: () => machine.cores,
}));

/**
 * A hasher that has made its hash of nobody, so that only what the test asks for is counted. It
 * waits for a loaded machine, unless the test is about waiting.
 */
async function readyHasher(limits = { queue: 100, waitMilliseconds: 30_000 }) {
  const hasher = createPasswordHasher(limits);
  await hasher.verify(null, 'warm-up');
  Object.assign(argon2, { running: 0, mostRunning: 0, order: [] });
  return hasher;
}

beforeEach(() => {
  machine.cores = 2;
});

describe('a hash', () => {
  test('is argon2id with 19 MiB, two passes, one lane [ASVS 11.4.2] [CWE-916]', async () => {
    const hashed = await createPasswordHasher().hash('violet kettle orbit');
    expect(hashed).toMatch(
      /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22,}\$[A-Za-z0-9+/]{43}$/,
    );
  });

  test('has a salt of its own each time [CWE-759]', async () => {
    const hasher = createPasswordHasher();
    const [one, two] = await Promise.all([hasher.hash('the same'), hasher.hash('the same')]);
    expect(one).not.toBe(two);
    expect(await hasher.verify(one, 'the same')).toBe(true);
    expect(await hasher.verify(two, 'the same')).toBe(true);
  });
});

describe('verify', () => {
  test.each([
    ['another password', 'violet kettle orbit', 'violet kettle orbix'],
    ['another case', 'violet kettle orbit', 'Violet kettle orbit'],
    ['a blank behind it', 'violet kettle orbit', 'violet kettle orbit '],
    ['its beginning', 'violet kettle orbit', 'violet kettle'],
    ['the first 72 of 80 bytes', 'x'.repeat(72) + 'marble!!', 'x'.repeat(72) + 'mirror!!'],
    ['another byte at 129', `${'y'.repeat(128)}a`, `${'y'.repeat(128)}b`],
    ['the part before a NUL', 'violet\0kettle orbit', 'violet'],
    ['another part behind a NUL', 'violet\0kettle orbit', 'violet\0orbit kettle'],
    ['nothing', 'violet kettle orbit', ''],
  ])('refuses %s [R-56] [CWE-625]', async (_what, right, wrong) => {
    const hasher = createPasswordHasher();
    const hashed = await hasher.hash(right);
    expect(await hasher.verify(hashed, wrong)).toBe(false);
    expect(await hasher.verify(hashed, right)).toBe(true);
  });

  test('computes a hash also for an identity that does not exist, and answers false [R-57]', async () => {
    const hasher = await readyHasher();
    expect(await hasher.verify(null, 'violet kettle orbit')).toBe(false);
    expect(argon2.order).toEqual(['violet kettle orbit']);
    expect(await hasher.verify(null, '')).toBe(false);
    expect(argon2.order).toHaveLength(2);
  });
});

describe('many passwords at once [CWE-400]', () => {
  test.each([
    [1, 1],
    [2, 1],
    [4, 3],
    [9, 8],
  ])('on %i cores never take more than %i', async (cores, most) => {
    machine.cores = cores;
    const hasher = await readyHasher();
    await Promise.all(Array.from({ length: 20 }, (_, index) => hasher.hash(`password ${index}`)));
    expect(argon2.mostRunning).toBe(most);
  });

  test('are taken in the order in which they came, whether made or compared', async () => {
    const hasher = await readyHasher();
    const hashed = await hasher.hash('first');
    argon2.order = [];
    const finished: string[] = [];
    const asked = Array.from({ length: 12 }, (_, index) => `password ${index}`);
    const work = asked.map(async (password, index) => {
      await (index % 3 === 0
        ? hasher.hash(password)
        : hasher.verify(index % 3 === 1 ? hashed : null, password));
      finished.push(password);
    });
    await Promise.all(work);
    expect(argon2.order).toEqual(asked);
    expect(finished).toEqual(asked);
  });

  test('wait no longer than the deadline, and nothing is computed for those turned away', async () => {
    const hasher = await readyHasher({ queue: 100, waitMilliseconds: 2 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, (_, index) => hasher.hash(`password ${index}`)),
    );
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused as PromiseRejectedResult[]) {
      expect(reason).toBeInstanceOf(HashingBusyError);
    }
    expect(argon2.order).toHaveLength(30 - refused.length);
    expect(outcomes[0]?.status).toBe('fulfilled');
  });

  test('are turned away at once when the queue is full', async () => {
    const hasher = await readyHasher({ queue: 2, waitMilliseconds: 60_000 });
    let settled = 0;
    const taken = ['one', 'two', 'three'].map(async (password) => {
      const hashed = await hasher.hash(password);
      settled++;
      return hashed;
    });
    await expect(hasher.hash('four')).rejects.toThrow(HashingBusyError);
    await expect(hasher.verify(null, 'five')).rejects.toThrow(HashingBusyError);
    expect(settled).toBe(0);
    await Promise.all(taken);
    expect(argon2.order).toEqual(['one', 'two', 'three']);
  });

  test('leave every place free again, also after some were turned away', async () => {
    const hasher = await readyHasher({ queue: 1, waitMilliseconds: 2 });
    for (let round = 0; round < 3; round++) {
      await Promise.allSettled(['one', 'two', 'three'].map((password) => hasher.hash(password)));
      expect(await hasher.verify(await hasher.hash('after it'), 'after it')).toBe(true);
    }
    expect(argon2.running).toBe(0);
    expect(argon2.mostRunning).toBe(1);
  });

  test('leave a place free also when the work fails', async () => {
    const hasher = await readyHasher();
    await expect(hasher.verify('no hash at all', 'password')).rejects.toThrow(/./);
    expect(await hasher.verify(null, 'password')).toBe(false);
  });
});
