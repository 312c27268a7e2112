import type { Database, Role } from '../database.ts';
import type { Engine } from '../engine.ts';
import { reasonOf } from '../errors.ts';
import { type Finding, judged, query } from './finding.ts';
import { LOG_SETTINGS, type Settings, statementLogProblems } from './statement-log.ts';

/** One kind of connection that requests travel on, and what the server says of it. */
export interface ConnectionFacts {
  readonly role: Role;
  readonly access: 'read' | 'write';
  readonly sessionRole: string;
  readonly currentRole: string;
  readonly isolation: string;
  readonly searchPath: string;
  readonly rowSecurity: string;
  readonly version: string;
  /** Null where the engine has no documented way to ask. */
  readonly tls: boolean | null;
  readonly settings: Settings;
}

/** What is known of the connections without asking on them. */
export interface Surroundings {
  /** Whether the connections leave this machine, and so need TLS. */
  readonly overNetwork: boolean;
  /** Where they lead, and without TLS, as the URLs say it: CockroachDB is not asked. */
  readonly remoteHosts?: readonly string[];
  readonly plainText?: boolean;
}

type ServerFacts = Omit<ConnectionFacts, 'role' | 'access' | 'tls' | 'settings'>;

/** Every kind of connection there is, each with the isolation level that it must have. */
const CONNECTIONS = [
  { role: 'sallyport_app', access: 'read', isolation: 'repeatable read' },
  { role: 'sallyport_app', access: 'write', isolation: 'serializable' },
  { role: 'sallyport_identity', access: 'write', isolation: 'serializable' },
] as const;

const FACTS =
  query(`SELECT session_user::TEXT AS "sessionRole", current_user::TEXT AS "currentRole",
  current_setting('transaction_isolation') AS "isolation",
  current_setting('search_path') AS "searchPath",
  current_setting('row_security', true) AS "rowSecurity", version() AS "version"`);

const TLS = query(
  `SELECT s.ssl AS "tls" FROM pg_catalog.pg_stat_ssl AS s WHERE s.pid = pg_catalog.pg_backend_pid()`,
);

/**
 * Asks on each kind of connection, of which the embedded database has one; a rejection is one that
 * could not be opened.
 */
export async function readConnections(
  database: Database,
): Promise<readonly PromiseSettledResult<ConnectionFacts>[]> {
  const kinds = database.engine === 'embedded' ? CONNECTIONS.slice(0, 1) : CONNECTIONS;
  const asksMore = database.engine === 'postgresql';
  const ask = async ({ role, access }: (typeof CONNECTIONS)[number]) => {
    const statements = asksMore ? [FACTS, TLS, LOG_SETTINGS] : [FACTS];
    const [facts, tls, log] = await database.batch({ role, access }, statements);
    const row = facts?.rows[0] as ServerFacts | undefined;
    if (!row) throw new Error('the server answered no row');
    const settings = Object.fromEntries(
      (log?.rows ?? []).map(({ name, value }) => [String(name), String(value)]),
    );
    const secured = asksMore ? tls?.rows[0]?.['tls'] === true : null;
    return { ...row, role, access, tls: secured, settings };
  };
  return await Promise.allSettled(kinds.map(ask));
}

/** Why a role could not sign in. */
export function unreachable(results: readonly PromiseSettledResult<unknown>[]): readonly Finding[] {
  const lines = results.flatMap((result, index) => {
    if (result.status === 'fulfilled') return [];
    const role = CONNECTIONS[index]?.role;
    return `No connection as ${role}: ${reasonOf(result.reason)}. Check the server and the role's password; with DATABASE_URL, \`sallyport serve\` sets the password.`;
  });
  return [...new Set(lines)].map((line) => ({ id: 'connection', ok: false, line }));
}

/**
 * The roles that the connections act as, and the settings that the walls stand on: one snapshot for
 * a whole request, no temporary object before ours (CVE-2018-1058), row security that filters, and
 * TLS (ASVS 12.3.1).
 */
export function checkConnections(
  engine: Exclude<Engine, 'embedded'>,
  connections: readonly ConnectionFacts[],
  surroundings: Surroundings,
): readonly Finding[] {
  const each: EachConnection = (problem) => [
    ...new Set(connections.flatMap((facts) => problem(facts) ?? [])),
  ];
  const roles = judged(
    'connection-roles',
    'Each connection signs in as its own role.',
    each(({ role, sessionRole, currentRole }) =>
      sessionRole === role && currentRole === role
        ? null
        : `The connection for ${role} signs in as ${sessionRole} and acts as ${currentRole}: let its URL name ${role}, and run ALTER ROLE ${role} RESET role.`,
    ),
  );
  const isolation = judged(
    'connection-isolation',
    'Each transaction sees one snapshot.',
    each((facts) => {
      const wanted = isolationOf(engine, facts);
      return facts.isolation === wanted
        ? null
        : `The connection for ${facts.role} runs at ${facts.isolation} and not at ${wanted}: take \`options\` out of its URL, and let a pooler pass on what this process sends at sign-in.`;
    }),
  );
  const searchPath = checkSearchPath(each);
  const tls = checkTls(each, surroundings);
  if (engine === 'cockroachdb') return [...roles, ...isolation, ...searchPath, ...tls];
  return [
    ...roles,
    ...isolation,
    ...searchPath,
    ...checkRowSecurity(each),
    ...tls,
    ...checkLog(each),
  ];
}

/** The lines that a judgement finds on any of the connections, each once. */
type EachConnection = (
  problem: (facts: ConnectionFacts) => string | readonly string[] | null,
) => readonly string[];

function checkSearchPath(each: EachConnection): readonly Finding[] {
  return judged(
    'search-path',
    'The search_path ends with pg_temp.',
    each(({ role, searchPath }) =>
      /(^|,\s*)"?pg_temp"?$/.test(searchPath)
        ? null
        : `The search_path of ${role} is ${searchPath} and must end with pg_temp: take \`options\` out of its URL, and let a pooler pass on what this process sends at sign-in.`,
    ),
  );
}

function checkRowSecurity(each: EachConnection): readonly Finding[] {
  return judged(
    'row-security',
    'The setting row_security is on.',
    each(({ role, rowSecurity }) =>
      rowSecurity === 'on'
        ? null
        : `The setting row_security of ${role} is ${rowSecurity}: run ALTER ROLE ${role} RESET row_security (it may also be set for the database, or in postgresql.conf).`,
    ),
  );
}

function checkLog(each: EachConnection): readonly Finding[] {
  return judged(
    'statement-log',
    'The server logs no bind parameters.',
    each(({ role, settings }) => statementLogProblems(role, settings)),
  );
}

function checkTls(
  each: EachConnection,
  { overNetwork, plainText = false }: Surroundings,
): readonly Finding[] {
  return judged(
    'tls',
    overNetwork ? 'The connections use TLS.' : 'The database is on this machine.',
    each(({ role, tls }) =>
      (tls ?? !plainText) || !overNetwork
        ? null
        : `The connection for ${role} crosses the network without TLS: add ?sslmode=verify-full to its URL.`,
    ),
  );
}

/** CockroachDB has no lanes of their own for reads: everything there is serializable. */
function isolationOf(engine: Engine, { role, access }: ConnectionFacts): string | undefined {
  if (engine === 'cockroachdb') return 'serializable';
  return CONNECTIONS.find((each) => each.role === role && each.access === access)?.isolation;
}
