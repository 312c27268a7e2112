import { existsSync } from 'node:fs';
import type { Finding } from '../db/checks.ts';
import { DatabaseUnavailableError, OtherKeyError } from '../db/errors.ts';
import { type Config, readConfig } from './config.ts';
import { existingKey, lockDataFolder, StartError } from './data-folder.ts';
import { checkWalls, findEncryptionKey, openUnchanged } from './databases.ts';

/**
 * Everything that a start would refuse, found out without starting: the settings, the key and the
 * database, none of which is changed. The roles' passwords are not set and nothing is migrated, so
 * a database that was never started with is reported as that. An embedded database is locked while
 * it is looked at.
 */
export async function diagnose(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly Finding[]> {
  const read = readConfig(environment);
  if ('problems' in read) {
    return read.problems.map((line) => ({ id: 'configuration', ok: false, line }));
  }
  const sound = { id: 'configuration', ok: true, line: 'The settings go together.' };
  return [sound, ...(await diagnoseDatabase(read.config))];
}

async function diagnoseDatabase(config: Config): Promise<readonly Finding[]> {
  const embedded = config.database.kind === 'embedded';
  if (embedded && !existsSync(config.dataFolder)) return [notYet(config)];
  let unlock = async () => {};
  try {
    if (embedded) unlock = await lockDataFolder(config.dataFolder);
    const key = config.encryptionKey ?? (await existingKey(config.dataFolder));
    if (!key) return [notYet(config)];
    const keys = [key, ...config.previousEncryptionKeys] as const;
    const database = await openUnchanged(config, keys);
    if (!database) return [notYet(config)];
    try {
      const findings = await checkWalls(database, config);
      const readable = findings.every(({ id, ok }) => ok || !UNREADABLE.includes(id));
      return readable ? [...findings, await findEncryptionKey(database, keys)] : findings;
    } finally {
      await database.close();
    }
  } catch (error) {
    if (!(error instanceof StartError || error instanceof DatabaseUnavailableError)) throw error;
    const id = error.cause instanceof OtherKeyError ? 'encryption-key' : 'connection';
    return [{ id, ok: false, line: error.message }];
  } finally {
    await unlock();
  }
}

/** Without these the key's fingerprint cannot be read. */
const UNREADABLE = ['connection', 'migrations', 'identity-grants'];

function notYet({ database, dataFolder }: Config): Finding {
  const what = database.kind === 'embedded' ? 'embedded database' : 'generated encryption key';
  const line = `There is no ${what} in ${dataFolder} yet: run \`sallyport serve\` once, which makes it.`;
  return { id: 'data-folder', ok: false, line };
}
