import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../test/support/postgres.ts';
import { startWireProxy } from '../test/support/wire-proxy.ts';
import { median, quantile } from './load.ts';
import { type ServerProcess, startServerProcess } from './processes.ts';
import type { Figure } from './run.ts';
import { register, signIn } from './support.ts';

/** The largest tenant that is promised to stay quick, and what it is compared with. */
const LARGEST = { members: 100_000, teams: 1_000, events: 5_000_000 };
const SHARE = 100;

/** So many requests of each kind, to the one and the other in turn. */
const REQUESTS = 200;

interface Tenant {
  readonly server: ServerProcess;
  /** Of the owner, who may read everything there. */
  readonly cookie: string;
  /** About whom events are looked for. */
  readonly person: string;
  readonly databaseUrl: string;
  readonly folder: string;
  readonly close: () => Promise<void>;
}

/**
 * The lists of the largest tenant against those of one a hundredth of its size, each in a database
 * of its own: how many times as long a page takes there, at the median.
 */
export async function largestTenantBench(
  _seconds: number,
  scale: number,
): Promise<readonly Figure[]> {
  const postgres = await startPostgres();
  // One key for both: the roles and their passwords belong to the whole PostgreSQL server.
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-'));
  const large = await setUp(postgres.url, folder, 'large', sizeAt(scale));
  const small = await setUp(postgres.url, folder, 'small', sizeAt(scale / SHARE));
  for (const path of Object.values(PAGES)) {
    for (const tenant of [small, large]) await timed(tenant, path(tenant));
  }
  const figures: Figure[] = [];
  for (const [name, path] of Object.entries(PAGES)) {
    const times: [number[], number[]] = [[], []];
    for (let count = 0; count < REQUESTS; count++) {
      times[0].push(await timed(small, path(small)));
      times[1].push(await timed(large, path(large)));
    }
    const ratios = times[0]
      .map((time, index) => time / (times[1][index] ?? Number.NaN))
      .toSorted((a, b) => a - b);
    figures.push({
      bench: `largest-tenant ${name}`,
      against: 'a hundredth of it',
      ratio: rounded(median(times[0]) / median(times[1])),
      spread: [rounded(quantile(ratios, 0.25)), rounded(quantile(ratios, 0.75))],
      roundTrips: await countRoundTrips(small, path(small)),
    });
  }
  await small.close();
  await large.close();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
  return figures;
}

type Size = typeof LARGEST;

function sizeAt(scale: number): Size {
  const of = (count: number) => Math.max(1, Math.round(count * scale));
  return {
    members: of(LARGEST.members),
    teams: of(LARGEST.teams),
    events: of(LARGEST.events),
  };
}

const PAGES: Readonly<Record<string, (tenant: Tenant) => string>> = {
  members: () => '/api/members?limit=50',
  // As often as fills a page of either.
  'members, searched': () => '/api/members?limit=50&search=ada1',
  teams: () => '/api/teams?limit=50',
  'members of a team': () => '/api/teams/team-0/members?limit=50',
  events: () => '/api/events?limit=50',
  'events, from the middle': () => `/api/events?limit=50&until=${MIDDLE}`,
  'events of a rare kind': () => '/api/events?limit=50&kind=role-deleted',
  'events about a person': ({ person }) => `/api/events?limit=50&person=${person}`,
  'events that failed': () => '/api/events?limit=50&outcome=failure',
};

/** Events are spread over a year, the last of which ends here. */
const NEWEST = '2026-06-01T00:00:00Z';
const MIDDLE = '2025-12-01T00:00:00Z';

async function setUp(url: string, folder: string, name: string, size: Size): Promise<Tenant> {
  const admin = new pg.Client(url);
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const own = new URL(url);
  own.pathname = `/${name}`;
  const server = await startServerProcess(['dist/bin.js', 'serve'], {
    DATABASE_URL: own.href,
    SALLYPORT_DATA: folder,
    SALLYPORT_PORT: '0',
    SALLYPORT_LOG_LEVEL: 'error',
  });
  const database = new pg.Client(own.href);
  await database.connect();
  const owner = await register(server.origin);
  const tenantId = await createTenant(server.origin, await signIn(server.origin, owner));
  // Whoever is a member of one tenant only is in it from the sign-in on.
  const { cookie } = await signIn(server.origin, owner);
  const person = await fill(database, tenantId, size);
  await database.end();
  return {
    server,
    cookie,
    person,
    databaseUrl: own.href,
    folder,
    close: () => server.stop(),
  };
}

/**
 * Rows made inside of the database; indexes of the log are built behind them.
 * @returns a member, about whom events are looked for.
 */
async function fill(
  database: pg.Client,
  tenantId: string,
  { members, teams, events }: Size,
): Promise<string> {
  await database.query(
    `CREATE TEMPORARY TABLE people AS
      SELECT gen_random_uuid() AS id, n, 'ada' || n % 997 AS first, 'moss' || n AS last
        FROM generate_series(0, $1::INT - 1) AS n`,
    [members],
  );
  for (const { sql, values } of peopleOf(tenantId)) await database.query(sql, values);
  for (const { sql, values } of teamsOf(tenantId, teams)) await database.query(sql, values);
  const { rows: indexes } = await database.query<{ name: string; sql: string }>(
    `SELECT indexname AS name, indexdef AS sql FROM pg_indexes
      WHERE schemaname = 'sallyport' AND tablename = 'security_events' AND indexname <> 'security_events_pkey'`,
  );
  for (const { name } of indexes) await database.query(`DROP INDEX sallyport.${name}`);
  await database.query(
    `INSERT INTO sallyport.security_events
        (kind, outcome, tenant_id, identity_id, actor_id, request_id, address, browser, system, at)
      SELECT CASE WHEN g % 10000 = 0 THEN 'role-deleted' WHEN g % 50 = 0 THEN 'request-refused' ELSE 'tenant-entered' END,
        CASE WHEN g % 50 = 0 AND g % 10000 <> 0 THEN 'failure' ELSE 'success' END,
        $1, p.id, p.id, gen_random_uuid(), '203.0.113.7', 'Firefox 145', 'Linux',
        TIMESTAMPTZ '${NEWEST}' - g * (INTERVAL '365 days' / $2::INT)
      FROM generate_series(1, $2::INT) AS g JOIN people AS p ON p.n = g % $3::INT`,
    [tenantId, events, members],
  );
  for (const { sql } of indexes) await database.query(sql);
  await database.query('VACUUM ANALYZE');
  // What the rows have left to be written must not be written while pages are measured.
  await database.query('CHECKPOINT');
  const { rows } = await database.query<{ id: string }>('SELECT id FROM people WHERE n = 5');
  return rows[0]?.id ?? '';
}

function peopleOf(tenantId: string) {
  return [
    { sql: 'INSERT INTO sallyport.identities (id) SELECT id FROM people', values: [] },
    {
      sql: `INSERT INTO sallyport.profiles (identity_id, display_name) SELECT id, first || ' ' || last FROM people`,
      values: [],
    },
    {
      sql: `INSERT INTO sallyport.email_addresses (folded, identity_id, address)
        SELECT last || '@example.com', id, last || '@example.com' FROM people`,
      values: [],
    },
    {
      sql: `INSERT INTO sallyport.memberships (tenant_id, identity_id, role, sort_name)
        SELECT $1, id, 'member', first || ' ' || last FROM people`,
      values: [tenantId],
    },
    {
      sql: `INSERT INTO sallyport.member_words (tenant_id, word, identity_id, source)
        SELECT $1, convert_to(w, 'UTF8'), id, 'name' FROM people, unnest(ARRAY[first, last]) AS w`,
      values: [tenantId],
    },
  ];
}

/** A hundred members in each team, as far as there are so many. */
function teamsOf(tenantId: string, teams: number) {
  return [
    {
      sql: `INSERT INTO sallyport.teams (tenant_id, slug, name)
        SELECT $1, 'team-' || n, 'Team ' || n FROM generate_series(0, $2::INT - 1) AS n`,
      values: [tenantId, teams],
    },
    {
      sql: `INSERT INTO sallyport.team_members (tenant_id, team_id, identity_id, role)
        SELECT $1, t.id, p.id, 'member' FROM people AS p
          JOIN sallyport.teams AS t ON t.tenant_id = $1 AND t.slug = 'team-' || p.n % $2::INT`,
      values: [tenantId, teams],
    },
  ];
}

async function createTenant(
  origin: string,
  { cookie, csrfToken }: { readonly cookie: string; readonly csrfToken: string },
): Promise<string> {
  const headers = {
    cookie,
    origin,
    'content-type': 'application/json',
    'x-csrf-token': csrfToken,
  };
  const body = JSON.stringify({ name: 'The largest', slug: 'the-largest' });
  const answer = await fetch(`${origin}/api/tenants`, { method: 'POST', headers, body });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`/api/tenants answered ${answer.status}: ${text}`);
  return (JSON.parse(text) as { tenant: { id: string } }).tenant.id;
}

async function timed({ server, cookie }: Tenant, path: string): Promise<number> {
  const started = performance.now();
  await read(server.origin, cookie, path);
  return performance.now() - started;
}

async function read(origin: string, cookie: string, path: string): Promise<void> {
  const answer = await fetch(`${origin}${path}`, { headers: { cookie } });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${text}`);
}

async function countRoundTrips(
  { databaseUrl, folder, cookie }: Tenant,
  path: string,
): Promise<number> {
  const proxy = await startWireProxy(databaseUrl);
  const counted = await startServerProcess(['dist/bin.js', 'serve'], {
    DATABASE_URL: proxy.url,
    SALLYPORT_DATA: folder,
    SALLYPORT_PORT: '0',
    SALLYPORT_LOG_LEVEL: 'error',
  });
  await read(counted.origin, cookie, path);
  const before = proxy.roundTrips;
  await read(counted.origin, cookie, path);
  const after = proxy.roundTrips;
  await counted.stop();
  await proxy.close();
  return after - before;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
