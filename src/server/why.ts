import { existsSync } from 'node:fs';
import type { Database } from '../db/database.ts';
import { findRefusal, type KeptRefusal } from '../db/refusals.ts';
import { findEventsOfRequest } from '../db/security-events.ts';
import type { Config } from './config.ts';
import { existingKey, lockDataFolder, StartError } from './data-folder.ts';
import { openUnchanged } from './databases.ts';

/** What is known of a request: why it was refused, if it was, and what was noted in it. */
export interface Explanation {
  readonly requestId: string;
  readonly refusal: KeptRefusal | null;
  readonly events: Awaited<ReturnType<typeof findEventsOfRequest>>;
}

const ID = /^(?:urn:uuid:)?([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i;

/**
 * Reads what was kept of a request, by the id in its answer, and changes nothing. Any process's
 * database will do: the decision is a row there.
 * @throws StartError where the id is none, where nothing is known of it, or the database is not
 * there.
 */
export async function explain(config: Config, given: string): Promise<Explanation> {
  const [, found] = ID.exec(given.trim()) ?? [];
  if (found === undefined) {
    throw new StartError(
      'That is no id of a request: take the UUID behind "instance" in the answer, or from the page.',
    );
  }
  const requestId = found.toLowerCase();
  return await withDatabase(config, async (database) => {
    const { refusal, events } = await database.transaction(async (tx) => ({
      refusal: (await findRefusal(tx, requestId)) ?? null,
      events: await findEventsOfRequest(tx, requestId),
    }));
    if (!refusal && events.length === 0) throw new StartError(UNKNOWN);
    return { requestId, refusal, events };
  });
}

const UNKNOWN =
  'Nothing is known of a request with this id. A decision is kept for a week, and of a flood of refused requests only some are; those whose bytes are no HTTP request have none.';

async function withDatabase<T>(
  config: Config,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const embedded = config.database.kind === 'embedded';
  if (embedded && !existsSync(config.dataFolder)) throw new StartError(noDatabase(config));
  const unlock = embedded ? await lockDataFolder(config.dataFolder) : async () => {};
  try {
    const key = config.encryptionKey ?? (await existingKey(config.dataFolder));
    const database = key && (await openUnchanged(config, [key, ...config.previousEncryptionKeys]));
    if (!database) throw new StartError(noDatabase(config));
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  } finally {
    await unlock();
  }
}

function noDatabase({ dataFolder }: Config): string {
  return `There is no database of Sallyport here: set DATABASE_URL and SALLYPORT_ENCRYPTION_KEY as for the server, or SALLYPORT_DATA to its folder (now ${dataFolder}).`;
}

/** The explanation as lines for a person. */
export function explanationLines({ requestId, refusal, events }: Explanation): readonly string[] {
  const about = refusal
    ? refusalLines(requestId, refusal)
    : [`Request ${requestId} was not refused; this was noted in it.`];
  const noted = events.map(({ at, kind, outcome, reason, identityId }) => [
    at.toISOString(),
    kind,
    outcome,
    reason ?? '',
    identityId ?? 'nobody known',
  ]);
  return noted.length === 0 ? about : [...about, '', 'Events', ...columns(noted)];
}

function refusalLines(requestId: string, refusal: KeptRefusal): readonly string[] {
  const { at, code, identityId, sessionId, tenantId, role, decision } = refusal;
  const { request, from, route, access, checks } = decision;
  const device = [from.browser, from.system].filter(Boolean).join(' on ') || 'unknown device';
  const principal =
    identityId === null
      ? 'nobody'
      : `identity ${identityId}, session ${sessionId ?? 'none'}${tenantId === null ? '' : `, tenant ${tenantId} as ${role ?? 'nobody'}`}`;
  return [
    `Request ${requestId} was refused: ${code}`,
    ...columns([
      ['at', at.toISOString()],
      ['from', `${from.address ?? 'unknown address'}, ${device}`],
      ['principal', principal],
      ['route', route ?? 'none: there is nothing at this address'],
      ['access', access ?? 'none declared'],
    ]),
    '',
    'Checks',
    ...columns(
      checks.map(({ check, verdict, reason }) => [
        check,
        verdict === 'failed' ? 'FAILED' : verdict,
        reason,
      ]),
    ),
    '',
    'Request',
    `  ${request.method} ${request.target}`,
    ...request.headers.map(([name, value]) => `  ${name}: ${value}`),
  ];
}

function columns(rows: ReadonlyArray<readonly string[]>): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}
