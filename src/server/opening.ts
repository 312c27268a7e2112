import { openCompromisedPasswords, RANGE_LIMITS } from '../core/compromised-passwords.ts';
import type { Core } from '../core/core.ts';
import { keepSigningKeys } from '../core/signing-keys.ts';
import { createPasswordHasher } from '../core/password-hashing.ts';
import { openOutbound } from '../outbound/outbound.ts';
import type { Config } from './config.ts';
import { openIssuers } from './issuers.ts';
import { generatedKey, lockDataFolder, openDataFolder } from './data-folder.ts';
import { openConfiguredProviders } from './providers.ts';
import { checkEncryptionKey, openDatabase, refuseUnsoundDatabase } from './databases.ts';

export interface OpenedCore {
  readonly core: Core;
  /** Closes the connections and gives the data folder back. */
  close(): Promise<void>;
}

/**
 * Opens what the configuration names, brings it up to date where that is ours to do, and refuses a
 * database whose walls do not stand.
 * @throws StartError with a message for the person who started the process.
 */
export async function openCore(config: Config): Promise<OpenedCore> {
  const undo: Array<() => Promise<void>> = [];
  const close = async () => {
    for (const step of undo.toReversed()) await step();
  };
  try {
    const needsFolder = config.database.kind === 'embedded' || !config.encryptionKey;
    if (needsFolder) await openDataFolder(config.dataFolder);
    if (config.database.kind === 'embedded') undo.push(await lockDataFolder(config.dataFolder));
    const encryptionKey = config.encryptionKey ?? (await generatedKey(config.dataFolder));
    const previousKeys = config.previousEncryptionKeys;
    const database = await openDatabase(config, [encryptionKey, ...previousKeys]);
    undo.push(() => database.close());
    await refuseUnsoundDatabase(database, config);
    await checkEncryptionKey(database, [encryptionKey, ...previousKeys]);
    const rangesUrl = config.compromisedPasswordsUrl;
    const outbound = rangesUrl === null ? null : openOutbound(RANGE_LIMITS);
    if (outbound) undo.push(() => outbound.close());
    const core: Core = {
      database,
      passwords: createPasswordHasher(),
      encryptionKey,
      previousKeys,
      ...(outbound && rangesUrl !== null
        ? { compromisedPasswords: openCompromisedPasswords(outbound, rangesUrl) }
        : {}),
    };
    await keepSigningKeys(core);
    const trusted = config.issuers && openIssuers(config.issuers);
    if (trusted) undo.push(() => trusted.outbound.close());
    const signing = config.providers && openConfiguredProviders(config.providers);
    if (signing) undo.push(() => signing.outbound.close());
    const others = {
      ...(trusted ? { issuers: trusted.issuers } : {}),
      ...(signing ? { providers: signing.providers } : {}),
    };
    return { core: { ...core, ...others }, close };
  } catch (error) {
    await close();
    throw error;
  }
}
