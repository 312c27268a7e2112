import { type EncryptionKey, parseEncryptionKey } from '../core/encryption.ts';

/** The key in force; null where none is set. Problems are lines for the person who starts. */
export function readKey(text: string | undefined, problems: string[]): EncryptionKey | null {
  if (text === undefined) return null;
  const key = parseEncryptionKey(text);
  if (!key) {
    problems.push('SALLYPORT_ENCRYPTION_KEY must be 32 bytes in base64url, 43 characters.');
  }
  return key;
}

/** The keys that were in force before it, of which something may still be encrypted. */
export function readPreviousKeys(
  value: (name: string) => string | undefined,
  problems: string[],
): readonly EncryptionKey[] {
  const texts = value('SALLYPORT_PREVIOUS_ENCRYPTION_KEYS')?.split(',') ?? [];
  if (texts.length > 0 && value('SALLYPORT_ENCRYPTION_KEY') === undefined) {
    problems.push('SALLYPORT_PREVIOUS_ENCRYPTION_KEYS needs SALLYPORT_ENCRYPTION_KEY beside it.');
  }
  const keys = texts.map((text) => parseEncryptionKey(text.trim()));
  if (keys.includes(null)) {
    problems.push(
      'SALLYPORT_PREVIOUS_ENCRYPTION_KEYS must be keys of 43 characters of base64url, separated by commas.',
    );
  }
  return keys.filter((key) => key !== null);
}
