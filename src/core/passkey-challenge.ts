import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Core } from './core.ts';
import { macOf } from './encryption.ts';
import { challengeBindingOf, digestOf, type Secret } from './secret.ts';

/** What a ceremony is for; a challenge for one is worthless for the others. */
export type CeremonyPurpose =
  | 'sign-in'
  | 'second-factor'
  | 're-authentication'
  | 'registration'
  | 'sign-up';

/** For what, and in which browser: the cookie's secret of this very moment. */
export interface Ceremony {
  readonly purpose: CeremonyPurpose;
  readonly secret: Secret;
}

const TIME_BYTES = 8;
const NONCE_BYTES = 16;
const MADE_BYTES = TIME_BYTES + NONCE_BYTES;

/**
 * A challenge that this browser alone can answer, for this purpose alone, for five minutes, once.
 * Nothing is stored until it is answered, so that a page which offers a passkey costs no row: it
 * tells by a MAC that we made it. NIST SP 800-63B-4 3.1.6.2; WebAuthn 13.4.3.
 */
export function newChallenge(core: Core, ceremony: Ceremony, now: Date): Buffer {
  const time = Buffer.alloc(TIME_BYTES);
  time.writeBigUInt64BE(BigInt(now.getTime()));
  const made = Buffer.concat([time, randomBytes(NONCE_BYTES)]);
  return Buffer.concat([made, macOf(core.encryptionKey, contextOf(ceremony), made)]);
}

/** A challenge that came back, to be used up in the transaction that rests on it. */
export interface AnsweredChallenge {
  readonly digest: string;
  readonly madeAt: Date;
}

/** Null where we did not make it for this ceremony. Whether it is still good, consuming says. */
export function parseChallenge(
  core: Core,
  ceremony: Ceremony,
  text: string,
): AnsweredChallenge | null {
  const bytes = Buffer.from(text, 'base64url');
  const made = bytes.subarray(0, MADE_BYTES);
  const mac = bytes.subarray(MADE_BYTES);
  const ours = [core.encryptionKey, ...(core.previousKeys ?? [])].some((key) => {
    const expected = macOf(key, contextOf(ceremony), made);
    return expected.length === mac.length && timingSafeEqual(expected, mac);
  });
  if (!ours) return null;
  return { digest: digestOf(bytes), madeAt: new Date(Number(made.readBigUInt64BE())) };
}

function contextOf({ purpose, secret }: Ceremony): string {
  return `passkey ${purpose} ${challengeBindingOf(secret)}`;
}
