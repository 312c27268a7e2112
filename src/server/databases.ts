import { join } from 'node:path';
import { derivedPassword, fingerprintOf, type EncryptionKey } from '../core/encryption.ts';
import { checkDatabase, type Finding } from '../db/checks.ts';
import type { Database } from '../db/database.ts';
import { destinationOf } from '../db/destination.ts';
import type { PolicyForm } from '../db/engine.ts';
import { EVENT_DAYS } from '../db/event-retention.ts';
import { findKeyFingerprint, noteKeyFingerprint } from '../db/encryption-key.ts';
import { DatabaseUnavailableError, OtherKeyError } from '../db/errors.ts';
import {
  migrateServer as migrateThrough,
  openEmbeddedMigrated,
  openEmbeddedUnchanged,
  openServerMigrated,
  openServerUnchanged,
  openWithLogins,
  type RolePasswords,
} from '../db/opening.ts';
import { type Config, databaseUrls, isLoopback } from './config.ts';
import { StartError } from './data-folder.ts';

/** The encryption key in force, and behind it those that were in force before. */
export type Keys = readonly [EncryptionKey, ...EncryptionKey[]];

/**
 * Opens what the configuration names, and brings it up to date where that is ours to do. The caller
 * has locked the folder of an embedded one.
 */
export async function openDatabase(config: Config, keys: Keys): Promise<Database> {
  const { database } = config;
  for (const [name, url] of databaseUrls(config)) refuseClearText(name, url);
  if (database.kind === 'embedded') {
    const { policyForm, eventDays } = config;
    return await openEmbeddedMigrated(embeddedFolder(config), policyForm, eventDays);
  }
  if (database.kind === 'managed') {
    return await openManaged(database.url, keys, config.policyForm, config.eventDays);
  }
  return await toThePerson(openWithLogins(database.appUrl, database.identityUrl));
}

/**
 * A server's database, reached through one URL whose login creates the roles and the schema. The
 * process itself then signs in as the two roles, with passwords derived from the encryption key.
 */
export async function openManaged(
  url: string,
  key: EncryptionKey | Keys,
  form: PolicyForm = 'functions',
  eventDays = EVENT_DAYS,
): Promise<Database> {
  const keys: Keys = Buffer.isBuffer(key) ? [key] : key;
  return await toThePerson(
    openServerMigrated(url, derivedPasswords(keys[0]), keys.map(fingerprintOf), form, eventDays),
  );
}

/**
 * The same without changing anything in it: no migration, no password.
 * @returns null where the embedded database has not been made yet.
 */
export async function openUnchanged(config: Config, keys: Keys): Promise<Database | null> {
  const { database } = config;
  for (const [name, url] of databaseUrls(config)) refuseClearText(name, url);
  if (database.kind === 'embedded') return await openEmbeddedUnchanged(embeddedFolder(config));
  if (database.kind === 'logins') return await openDatabase(config, keys);
  return await toThePerson(
    openServerUnchanged(database.url, derivedPasswords(keys[0]), keys.map(fingerprintOf)),
  );
}

/** Brings the schema of a server up to date, and nothing else. @returns how many statements ran. */
export async function migrateServer(
  url: string,
  form: PolicyForm = 'functions',
  eventDays = EVENT_DAYS,
): Promise<number> {
  refuseClearText('DATABASE_URL', url);
  return await toThePerson(migrateThrough(url, form, eventDays));
}

/** All that is found out about the database; connections over the network need TLS. */
export async function checkWalls(database: Database, config: Config): Promise<readonly Finding[]> {
  const remote = databaseUrls(config).flatMap(([, url]) => (staysOnThisMachine(url) ? [] : [url]));
  return await checkDatabase(database, {
    overNetwork: remote.length > 0,
    plainText: remote.some((url) => !destinationOf(url).verifiesTls),
    remoteHosts: remote.map((url) => destinationOf(url).host),
    policyForm: config.policyForm,
    eventDays: config.eventDays,
    sharedTables: config.sharedTables,
  });
}

/** @throws StartError with a line for everything that is wrong with the database. */
export async function refuseUnsoundDatabase(database: Database, config: Config): Promise<void> {
  const failing = (await checkWalls(database, config)).filter(({ ok }) => !ok);
  if (failing.length > 0) throw new StartError(failing.map(({ line }) => line).join('\n'));
}

const OTHER_KEY =
  'This database was set up with another encryption key. Set SALLYPORT_ENCRYPTION_KEY to that key, or SALLYPORT_DATA to the folder that holds it.';

/**
 * Refuses a key that is not the one this database was first used with: mails that wait could not be
 * read, and of two processes with different keys each would lock the other out. A key that replaces
 * one of those before it is noted in its place.
 */
export async function checkEncryptionKey(database: Database, keys: Keys): Promise<void> {
  const [own = '', ...previous] = keys.map(fingerprintOf);
  const known = await database.transaction((tx) => noteKeyFingerprint(tx, own, previous));
  if (known !== own) throw new StartError(OTHER_KEY);
}

/** The same as a finding; a key that has never been used is not noted. */
export async function findEncryptionKey(database: Database, keys: Keys): Promise<Finding> {
  const known = await database.transaction(findKeyFingerprint);
  const ok = known === undefined || keys.map(fingerprintOf).includes(known);
  const line = ok ? 'The encryption key is the one of this database.' : OTHER_KEY;
  return { id: 'encryption-key', ok, line };
}

function embeddedFolder(config: Config): string {
  return join(config.dataFolder, 'database');
}

function derivedPasswords(key: EncryptionKey): RolePasswords {
  return {
    sallyport_app: derivedPassword(key, 'sallyport_app'),
    sallyport_identity: derivedPassword(key, 'sallyport_identity'),
  };
}

/**
 * @throws StartError before a login crosses the network in clear, or to a server that nobody
 *   vouches for (CWE-319, CWE-295, ASVS 12.3.2).
 */
export function refuseClearText(name: string, databaseUrl: string): void {
  if (staysOnThisMachine(databaseUrl) || destinationOf(databaseUrl).verifiesTls) return;
  throw new StartError(`${name} must use TLS: add ?sslmode=verify-full to it.`);
}

/** Loopback, or the folder of a Unix socket. */
function staysOnThisMachine(databaseUrl: string): boolean {
  const { host } = destinationOf(databaseUrl);
  return host.startsWith('/') || isLoopback(host);
}

/** What is wrong with the database or its key is a matter for the person. */
async function toThePerson<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof OtherKeyError) throw new StartError(OTHER_KEY, { cause: error });
    if (!(error instanceof DatabaseUnavailableError)) throw error;
    throw new StartError(error.message, { cause: error });
  }
}
