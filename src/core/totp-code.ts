import { Secret, TOTP } from 'otpauth';

/** RFC 6238 with what every authenticator app takes: SHA-1, six digits, 30 seconds. */
const STEP_SECONDS = 30;
const DIGITS = 6;

/**
 * One step to either side, for clocks that differ and the time that typing takes (RFC 6238 5.2).
 * ASVS 6.5.5 asks for no more than 30 seconds: a code is taken for 30 seconds longer, once.
 */
const SKEW_STEPS = 1;

/** 160 random bits (NIST SP 800-63B-4 3.1.4.1 asks for 112), in base32 as apps take it. */
export function newTotpSecret(): string {
  return new Secret({ size: 20 }).base32;
}

/** The address that the QR code holds. */
export function totpUri(secret: string, account: string, issuer: string): string {
  return totpOf(secret, account, issuer).toString();
}

/** The time step whose code this is, by the clock that is given; null where it is of none near. */
export function totpStep(secret: string, code: string, nowSeconds: number): number | null {
  const token = code.replaceAll(/\s/g, '');
  if (!/^\d{6}$/.test(token)) return null;
  const given = { token, window: SKEW_STEPS, timestamp: nowSeconds * 1_000 };
  const delta = totpOf(secret).validate(given);
  return delta === null ? null : Math.floor(nowSeconds / STEP_SECONDS) + delta;
}

function totpOf(secret: string, label = '', issuer = ''): TOTP {
  return new TOTP({
    issuer,
    label,
    secret: Secret.fromBase32(secret),
    algorithm: 'SHA1',
    digits: DIGITS,
    period: STEP_SECONDS,
  });
}
