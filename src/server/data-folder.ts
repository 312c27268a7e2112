import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EncryptionKey, newEncryptionKey, parseEncryptionKey } from '../core/encryption.ts';

/** A message for the person who started the process; it needs no stack. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export async function openDataFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
}

/**
 * Takes the folder for this process: the embedded database opened twice loses writes, and says
 * nothing. A lock that a killed process left behind is taken over.
 * @returns a function that gives the folder back.
 * @throws StartError while another process has it.
 */
export async function lockDataFolder(folder: string): Promise<() => Promise<void>> {
  const file = join(folder, 'lock');
  for (let attempt = 1; ; attempt++) {
    try {
      const handle = await open(file, 'wx', 0o600);
      await handle.writeFile(String(process.pid));
      await handle.close();
      return () => unlink(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await holderOf(file);
    if (isRunning(holder) || attempt === 3) {
      throw new StartError(
        `The data folder ${folder} is in use by process ${holder}. Stop that process, or set ` +
          `SALLYPORT_DATA to another folder. (If it is no Sallyport, delete ${file}.)`,
      );
    }
    await removeStaleLock(file);
  }
}

/** The key that is kept in the folder, made at the first start; on loopback only (config.ts). */
export async function generatedKey(folder: string): Promise<EncryptionKey> {
  const file = join(folder, 'encryption.key');
  const made = newEncryptionKey();
  try {
    await writeFile(file, made.toString('base64url'), { flag: 'wx', mode: 0o600 });
    return made;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return (await existingKey(folder)) ?? (await generatedKey(folder));
}

/** The key that an earlier start made; null where none was. */
export async function existingKey(folder: string): Promise<EncryptionKey | null> {
  const file = join(folder, 'encryption.key');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const key = parseEncryptionKey(text.trim());
  if (!key) throw new StartError(`${file} does not hold a key. Restore it from a backup.`);
  return key;
}

/**
 * Moves the dead lock away before deleting it: of two processes that find it, one moves it. Should
 * the other have moved a fresh lock, it puts that back.
 */
async function removeStaleLock(file: string): Promise<void> {
  const moved = `${file}.${randomBytes(4).toString('hex')}`;
  try {
    await rename(file, moved);
    if (isRunning(await holderOf(moved))) await link(moved, file);
    await unlink(moved);
  } catch {
    // Somebody else was quicker; the next attempt sees what is there.
  }
}

async function holderOf(file: string): Promise<number> {
  return Number((await readFile(file, 'utf8').catch(() => '')).trim());
}

/** A lock with our own number was left by a process that had it before: numbers come back. */
function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
