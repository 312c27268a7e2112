import { type Rotation, rotateSigningKeys } from '../core/signing-keys.ts';
import type { Config } from './config.ts';
import { openCore } from './opening.ts';

/** Makes a new signing key in the configured database. @throws StartError as a start would. */
export async function rotateKeys(config: Config, compromised: boolean): Promise<Rotation> {
  const opened = await openCore(config);
  try {
    return await rotateSigningKeys(opened.core, compromised ? 'compromised' : 'overlap');
  } finally {
    await opened.close();
  }
}
