import type { Database } from '../db/database.ts';
import type { CompromisedPasswords } from './compromised-passwords.ts';
import type { ExternalIssuers } from './external-issuers.ts';
import type { EncryptionKey } from './encryption.ts';
import type { PasswordHasher } from './password-hashing.ts';
import type { Providers } from './providers.ts';

/** What the operations stand on; made once, when the process starts. */
export interface Core {
  readonly database: Database;
  readonly passwords: PasswordHasher;
  readonly encryptionKey: EncryptionKey;
  /** Whose tokens are taken beside our own credentials; absent where nobody's are. */
  readonly issuers?: ExternalIssuers;
  /** With whom one can sign in beside us; absent where with nobody. */
  readonly providers?: Providers;
  /** Keys that were in force before: what they encrypted still opens. */
  readonly previousKeys?: readonly EncryptionKey[];
  /** Absent where no list of compromised passwords is configured. */
  readonly compromisedPasswords?: CompromisedPasswords;
}
