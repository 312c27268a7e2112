import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';

/** Too many passwords wait to be hashed; nothing was computed for this one. */
export class HashingBusyError extends Error {
  override readonly name = 'HashingBusyError';
}

export interface PasswordHasher {
  /** An argon2id hash in PHC form. @throws HashingBusyError */
  hash(password: string): Promise<string>;
  /**
   * Whether the password made the hash. With null, for an identity that does not exist, it does the
   * same work and answers false (CWE-208, R-57). @throws HashingBusyError
   */
  verify(hash: string | null, password: string): Promise<boolean>;
}

/** OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane (ASVS 11.4.2). */
const ARGON2ID = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** At some 20 ms a hash, a queue of this length is worked off within the deadline on one core. */
const QUEUE_MAX = 100;
const WAIT_MILLISECONDS_MAX = 3_000;

/**
 * Hashes a few passwords at a time and lets the others wait, in order, so that a burst of sign-ins
 * takes neither the memory nor the cores that other requests need (CWE-400). One that would wait
 * longer than the deadline is turned away and costs nothing.
 */
export function createPasswordHasher(
  limits = { queue: QUEUE_MAX, waitMilliseconds: WAIT_MILLISECONDS_MAX },
): PasswordHasher {
  const concurrent = Math.max(1, availableParallelism() - 1);
  const waiting: Array<() => void> = [];
  let running = 0;

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= concurrent) await turn();
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  }

  function turn(): Promise<void> {
    if (waiting.length >= limits.queue) throw new HashingBusyError('the queue is full');
    return new Promise((resolve, reject) => {
      const start = () => {
        clearTimeout(deadline);
        resolve();
      };
      const deadline = setTimeout(() => {
        waiting.splice(waiting.indexOf(start), 1);
        reject(new HashingBusyError('waited too long'));
      }, limits.waitMilliseconds);
      waiting.push(start);
    });
  }

  // Of a password that nobody knows, with the parameters in force; made now, so that the first
  // unknown address takes no longer than the second.
  const hashOfNobody = hash(randomBytes(32).toString('base64url'), ARGON2ID);
  return {
    hash: (password) => inTurn(() => hash(password, ARGON2ID)),
    verify: (stored, password) =>
      inTurn(async () => {
        const matches = await verify(stored ?? (await hashOfNobody), password);
        return matches && stored !== null;
      }),
  };
}
