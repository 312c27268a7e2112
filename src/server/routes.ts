import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { newEncryptionKey } from '../core/encryption.ts';
import { createPasswordHasher } from '../core/password-hashing.ts';
import { openServerDatabase } from '../db/database.ts';
import { type AccessRow, accessTable } from '../fastify/access-table.ts';
import { buildApp } from '../fastify/app.ts';
import { StartError } from './data-folder.ts';
import { packageVersion } from './package-version.ts';

/**
 * The access table of the app that a file exports, or builds when its function is called: by
 * default, or as `app` or `buildApp`. It is made ready, and closed again, so it meets its database.
 * @throws StartError where the file exports nothing of the kind.
 */
export async function accessTableOf(file: string): Promise<readonly AccessRow[]> {
  const app = await appIn(file);
  try {
    await app.ready();
    return accessTable(app);
  } finally {
    await app.close();
  }
}

/** The product's own, for which no database is needed. */
export async function ownAccessTable(): Promise<readonly AccessRow[]> {
  const origin = 'https://localhost';
  const app = await buildApp(
    {
      // Opens nothing before it is asked something, and nobody asks.
      database: openServerDatabase({ engine: 'postgresql', app: {}, identity: {} }),
      passwords: createPasswordHasher(),
      encryptionKey: newEncryptionKey(),
    },
    {
      policy: { origin, trustedOrigins: [], trustedProxies: [], hosts: [] },
      version: packageVersion(),
      logger: { level: 'silent' },
    },
  );
  return accessTable(app);
}

/** The table as lines for a person: method, address, who, and what else there is to know. */
export function accessLines(rows: readonly AccessRow[]): readonly string[] {
  const texts = rows.map((row) => [row.method, row.url, whoOf(row), notesOf(row)] as const);
  const widths = [0, 1, 2].map((column) =>
    Math.max(...texts.map((text) => text[column]?.length ?? 0)),
  );
  return texts.map((text) =>
    text
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function whoOf({ access }: AccessRow): string {
  if (typeof access === 'string') return access;
  return access.inTeam ? `${access.permission} in the team` : access.permission;
}

function notesOf({ stepUpSeconds, stepUpAal, bearer, bodyType, load }: AccessRow): string {
  const notes = [
    stepUpSeconds === null ? [] : [`step-up ${stepUpSeconds} s`],
    stepUpAal === null ? [] : [`aal ${stepUpAal}`],
    bearer ? ['bearer'] : [],
    bodyType === null ? [] : [bodyType],
    load ? ['load'] : [],
  ];
  return notes.flat().join(', ');
}

async function appIn(file: string): Promise<FastifyInstance> {
  const exported = (await import(pathToFileURL(resolve(file)).href)) as Readonly<
    Record<string, unknown>
  >;
  const found = exported['default'] ?? exported['app'] ?? exported['buildApp'];
  const app: unknown = typeof found === 'function' ? await found() : found;
  if (typeof app === 'object' && app !== null && 'ready' in app && 'printRoutes' in app) {
    return app as FastifyInstance;
  }
  throw new StartError(
    `${file} exports no Fastify app, nor a function that builds one: export it by default, or as app or buildApp.`,
  );
}
