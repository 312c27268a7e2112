/**
 * The nonces that were taken, as long as their assertions are valid. Two sets that change places:
 * whatever is in the older one has expired when that is emptied.
 */
export function takenOnce(validMilliseconds: number): (nonce: string, now: number) => boolean {
  let older = new Set<string>();
  let newer = new Set<string>();
  let since = Number.NEGATIVE_INFINITY;
  return (nonce, now) => {
    if (now - since >= validMilliseconds) {
      older = now - since >= 2 * validMilliseconds ? new Set() : newer;
      newer = new Set();
      since = now;
    }
    if (older.has(nonce) || newer.has(nonce)) return false;
    newer.add(nonce);
    return true;
  };
}
