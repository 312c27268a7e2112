import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
} from 'node:crypto';

/** 32 random bytes that the database never has. Keys for one purpose each are derived from it. */
export type EncryptionKey = Buffer & { readonly encryptionKey: unique symbol };

export function parseEncryptionKey(text: string): EncryptionKey | null {
  const bytes = Buffer.from(text, 'base64url');
  const canonical = bytes.length === 32 && bytes.toString('base64url') === text;
  return canonical ? (bytes as EncryptionKey) : null;
}

export function newEncryptionKey(): EncryptionKey {
  return randomBytes(32) as EncryptionKey;
}

/** Says which key a database was set up with, and nothing of the key itself. */
export function fingerprintOf(key: EncryptionKey): string {
  return createHash('sha256').update(purposeKey(key, 'fingerprint')).digest('hex').slice(0, 32);
}

/** A password that two processes with the same key agree on without telling each other. */
export function derivedPassword(key: EncryptionKey, name: string): string {
  return purposeKey(key, `password of ${name}`).toString('base64url');
}

/** Tells which key a ciphertext was made with, and stands at its beginning. */
export function keyIdOf(key: EncryptionKey): string {
  return fingerprintOf(key).slice(0, 16);
}

/**
 * AES-256-GCM with a random nonce, behind the key's id. `context` must be the same at decryption: a
 * ciphertext that was moved to another row, or made for another purpose, does not open.
 */
export function encrypt(key: EncryptionKey, context: string, plaintext: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', purposeKey(key, 'encryption'), nonce);
  cipher.setAAD(Buffer.from(context));
  const sealed = [nonce, cipher.update(plaintext, 'utf8'), cipher.final()];
  const bytes = Buffer.concat([...sealed, cipher.getAuthTag()]);
  return `${keyIdOf(key)}.${bytes.toString('base64url')}`;
}

/**
 * Opens what this key made, or one that was in force before it.
 * @throws Error when the text was made by none of them, or not for this context.
 */
export function decrypt(
  key: EncryptionKey,
  context: string,
  text: string,
  previous: readonly EncryptionKey[] = [],
): string {
  const [id = '', sealed = ''] = text.split('.');
  const itsKey = [key, ...previous].find((each) => keyIdOf(each) === id);
  if (!itsKey) throw new Error('the ciphertext was made with another key');
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv(
    'aes-256-gcm',
    purposeKey(itsKey, 'encryption'),
    bytes.subarray(0, 12),
    { authTagLength: 16 },
  );
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(bytes.subarray(-16));
  const opened = [decipher.update(bytes.subarray(12, -16)), decipher.final()];
  return Buffer.concat(opened).toString('utf8');
}

/** Tells that we made these bytes, for this context: HMAC-SHA-256. */
export function macOf(key: EncryptionKey, context: string, bytes: Buffer): Buffer {
  return createHmac('sha256', purposeKey(key, context)).update(bytes).digest();
}

function purposeKey(key: EncryptionKey, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `sallyport ${purpose}`, 32));
}
