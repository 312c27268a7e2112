import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decrypt,
  derivedPassword,
  encrypt,
  fingerprintOf,
  keyIdOf,
  newEncryptionKey,
  parseEncryptionKey,
} from '../../src/core/encryption.ts';

const key = newEncryptionKey();

describe('encrypt', () => {
  test('opens with the same key for the same context', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (plaintext, context) => {
        expect(decrypt(key, context, encrypt(key, context, plaintext))).toBe(plaintext);
      }),
    );
  });

  test('makes another text each time, in which nothing of the plaintext shows [CWE-329]', () => {
    const texts = Array.from({ length: 50 }, () => encrypt(key, 'outbox 1', 'the same words'));
    expect(new Set(texts).size).toBe(50);
    expect(new Set(texts.map((text) => text.slice(17, 33))).size).toBe(50);
    for (const text of texts) {
      const [, sealed = ''] = text.split('.');
      expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('same');
    }
  });
});

describe('a key that took the place of another', () => {
  const older = encrypt(key, 'outbox 1', 'a link that works');
  const next = newEncryptionKey();

  test('opens what the other one made, if it is told it [ASVS 11.2.2]', () => {
    expect(decrypt(next, 'outbox 1', older, [newEncryptionKey(), key])).toBe('a link that works');
    expect(() => decrypt(next, 'outbox 1', older)).toThrow(/./);
    expect(() => decrypt(next, 'outbox 2', older, [key])).toThrow(/./);
  });

  test('tells by the id before the dot which one made a text', () => {
    expect(older.split('.')[0]).toBe(keyIdOf(key));
    expect(encrypt(next, 'outbox 1', 'a link').split('.')[0]).toBe(keyIdOf(next));
    const renamed = `${keyIdOf(next)}.${older.split('.')[1]}`;
    expect(() => decrypt(next, 'outbox 1', renamed, [key])).toThrow(/./);
  });
});

describe('decrypt refuses', () => {
  const sealed = encrypt(key, 'outbox 1', 'a link that works');

  test('another key', () => {
    expect(() => decrypt(newEncryptionKey(), 'outbox 1', sealed)).toThrow(/./);
  });

  test.each(['outbox 2', 'outbox', 'outbox 1 ', ''])(
    'another row or purpose: %j [CWE-345]',
    (context) => {
      expect(() => decrypt(key, context, sealed)).toThrow(/./);
    },
  );

  test('every truncation, at either end', () => {
    const [id = '', text = ''] = sealed.split('.');
    const bytes = Buffer.from(text, 'base64url');
    for (let length = 0; length < bytes.length; length++) {
      const front = `${id}.${bytes.subarray(0, length).toString('base64url')}`;
      const back = `${id}.${bytes.subarray(bytes.length - length).toString('base64url')}`;
      expect(() => decrypt(key, 'outbox 1', front), `${length} bytes`).toThrow(/./);
      expect(() => decrypt(key, 'outbox 1', back), `last ${length} bytes`).toThrow(/./);
    }
  });

  test('every flipped bit: nonce, text and tag [ASVS 11.3.3] [CWE-353]', () => {
    const [id = '', text = ''] = sealed.split('.');
    const bytes = Buffer.from(text, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const changed = `${id}.${flipped.toString('base64url')}`;
      expect(() => decrypt(key, 'outbox 1', changed), `${bit}`).toThrow(/./);
    }
  });

  test('two texts glued together, and one with something behind it', () => {
    expect(() => decrypt(key, 'outbox 1', sealed + sealed)).toThrow(/./);
    expect(() => decrypt(key, 'outbox 1', `${sealed}AAAA`)).toThrow(/./);
  });

  test('without saying anything of the plaintext or the key', () => {
    const flipped = sealed.slice(0, 40) + (sealed[40] === 'A' ? 'B' : 'A') + sealed.slice(41);
    const failure = (() => {
      try {
        return decrypt(key, 'outbox 1', flipped);
      } catch (error) {
        return String(error);
      }
    })();
    expect(failure).not.toContain('link');
    expect(failure).not.toContain(key.toString('base64url'));
  });
});

describe('the key', () => {
  test('is read from 43 characters of base64url, in the one canonical form', () => {
    expect(parseEncryptionKey(key.toString('base64url'))).toEqual(key);
    for (const text of ['', 'short', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)}B`]) {
      expect(parseEncryptionKey(text)).toBeNull();
    }
    expect(parseEncryptionKey(`${key.toString('base64url')}=`)).toBeNull();
    expect(parseEncryptionKey(key.toString('hex'))).toBeNull();
  });

  test('is known by a fingerprint that is always the same and says nothing of it', () => {
    expect(fingerprintOf(key)).toBe(fingerprintOf(Buffer.from(key) as typeof key));
    expect(fingerprintOf(key)).toMatch(/^[0-9a-f]{32}$/);
    expect(fingerprintOf(key)).not.toBe(fingerprintOf(newEncryptionKey()));
    expect(key.toString('hex')).not.toContain(fingerprintOf(key));
  });

  test('gives each name a password of its own, apart from every other purpose', () => {
    const app = derivedPassword(key, 'sallyport_app');
    expect(derivedPassword(key, 'sallyport_app')).toBe(app);
    expect(app).toMatch(/^[\w-]{43}$/);
    expect(derivedPassword(key, 'sallyport_identity')).not.toBe(app);
    expect(derivedPassword(newEncryptionKey(), 'sallyport_app')).not.toBe(app);
    expect(Buffer.from(app, 'base64url').toString('hex')).not.toContain(fingerprintOf(key));
    expect(app).not.toBe(key.toString('base64url'));
  });
});
