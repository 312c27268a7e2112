import { createHash } from 'node:crypto';
import type { EncryptionKey } from '../../src/core/encryption.ts';

/** The same for every test file: the passwords of the server's two roles are derived from it. */
export const TEST_KEY = createHash('sha256').update('tests').digest() as unknown as EncryptionKey;
