import { setTimeout as sleep } from 'node:timers/promises';
import type { RunInTransaction } from './application-transaction.ts';
import {
  type Refusal,
  type Requirement,
  runAuthorized,
  runAuthorizedApplication,
} from './authorization.ts';
import type { Database } from './database.ts';
import { UnknownOutcomeError } from './errors.ts';
import {
  type DoneRequest,
  insertMarker,
  isKeyTaken,
  lookUpKey,
  type Marker,
} from './idempotency-keys.ts';

export type Once<T> =
  | { readonly result: T }
  | { readonly refusal: Refusal }
  /** Another request with this key was committed; undefined where its row is gone again. */
  | { readonly done: DoneRequest | undefined };

/** A server that fails over is back within these, or the outcome stays unknown. */
const ATTEMPTS_MAX = 5;
const PAUSE_FIRST_MILLISECONDS = 50;

/**
 * Runs the callback in a transaction that is committed at most once for the marker's key: the
 * marker is inserted before all else, so that a duplicate waits for this transaction and then fails
 * on the key.
 *
 * Where the outcome of COMMIT is unknown the transaction is run again. If the marker is there by
 * then, and this request's own, the first was committed, and what its callback returned is the
 * result; if it can be inserted the first was not, and never will be.
 *
 * @throws UnknownOutcomeError where the database could not be asked either.
 */
export async function runOnce<T>(
  database: Database,
  requirement: Requirement,
  marker: Marker,
  work: (run: RunInTransaction) => Promise<T>,
): Promise<Once<T>> {
  let unknown: Unknown<T> | null = null;
  for (let attempt = 1; ; attempt++) {
    const seen: Seen<T> = { inserted: false, taken: false, returned: null };
    try {
      const outcome = await runAuthorizedApplication(database, requirement, watching(work, seen), [
        insertMarker(marker),
      ]);
      if (unknown && 'refusal' in outcome) throw unknown.error;
      return outcome;
    } catch (error) {
      if (seen.taken || isKeyTaken(error))
        return await settle(database, requirement, marker, unknown);
      if (error instanceof UnknownOutcomeError) unknown = { error, returned: seen.returned };
      // The marker went in, so nothing was committed before, and nothing now.
      else if (!unknown || seen.inserted) throw error;
      if (attempt === ATTEMPTS_MAX) throw unknown.error;
      await sleep(PAUSE_FIRST_MILLISECONDS * 2 ** attempt);
    }
  }
}

interface Unknown<T> {
  readonly error: UnknownOutcomeError;
  readonly returned: { readonly value: T } | null;
}

interface Seen<T> {
  inserted: boolean;
  taken: boolean;
  returned: { readonly value: T } | null;
}

/** Notes what the database said, whatever the callback makes of an error. */
function watching<T>(work: (run: RunInTransaction) => Promise<T>, seen: Seen<T>) {
  return async (run: RunInTransaction): Promise<T> => {
    seen.returned = null;
    const value = await work(async (statement) => {
      try {
        const result = await run(statement);
        seen.inserted = true;
        return result;
      } catch (error) {
        seen.taken ||= isKeyTaken(error);
        throw error;
      }
    });
    seen.returned = { value };
    return value;
  };
}

/** Who has the key: this request, whose commit was not heard of, or another. */
async function settle<T>(
  database: Database,
  requirement: Requirement,
  { keyDigest, holder }: Marker,
  unknown: Unknown<T> | null,
): Promise<Once<T>> {
  try {
    const looked = await runAuthorized(database, requirement, lookUpKey(keyDigest));
    if ('refusal' in looked && !unknown) return looked;
    if ('results' in looked) {
      const done = looked.results[1]?.rows[0] as DoneRequest | undefined;
      if (done?.holder !== holder) return { done };
      if (unknown?.returned) return { result: unknown.returned.value };
    }
  } catch (error) {
    if (!unknown) throw error;
  }
  if (!unknown) throw new Error('the key was taken by this request before');
  throw unknown.error;
}
