import { createHash } from 'node:crypto';
import type { Outbound } from '../outbound/outbound.ts';

/** `unknown` where nobody could be asked in time: the password is taken, and looked up later. */
export type LookUp = 'compromised' | 'not-found' | 'unknown';

export interface CompromisedPasswords {
  /** Whether the password is in a list of those that have become known. It never throws. */
  lookUp(password: string): Promise<LookUp>;
}

/** A list has some thousand lines a range; one that says nothing in time is not waited for. */
export const RANGE_LIMITS = { bodyBytesMax: 262_144, timeoutMilliseconds: 1_500 } as const;

/**
 * Asks a range API for the passwords whose SHA-1 begins with the same five hex digits, and looks
 * for this one among them: neither the password nor its digest leaves the process (k-anonymity;
 * ASVS 6.2.12, NIST SP 800-63B-4 3.1.1.2). SHA-1 is that protocol's, and keeps nothing secret here
 * (ASVS 11.4.1). The answer is padded, so that its length does not tell the range.
 *
 * It fails open: whoever chooses a password must not depend on another service. What could not be
 * looked up is marked, and looked up at the next sign-in. Nothing of it is logged.
 *
 * @param url where the ranges are: the five digits are put at its end.
 */
export function openCompromisedPasswords(outbound: Outbound, url: string): CompromisedPasswords {
  return {
    async lookUp(password) {
      const digest = createHash('sha1').update(password, 'utf8').digest('hex').toUpperCase();
      const [range, rest] = [digest.slice(0, 5), digest.slice(5)];
      try {
        const answer = await outbound.fetch(`${url}${range}`, {
          headers: { 'add-padding': 'true' },
        });
        if (answer.status !== 200) return 'unknown';
        return hasSuffix(await answer.text(), rest) ? 'compromised' : 'not-found';
      } catch {
        return 'unknown';
      }
    },
  };
}

/** A line is a suffix and how often it was seen; padding was seen never. */
function hasSuffix(lines: string, suffix: string): boolean {
  return lines.split(/\r?\n/).some((line) => {
    const [digest, count] = line.split(':');
    return digest?.toUpperCase() === suffix && Number(count) > 0;
  });
}
