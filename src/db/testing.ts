import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import type { Row } from './batch.ts';
import { type Database, embeddedConfig, openEmbeddedDatabase } from './database.ts';
import type { WordSource } from './member-words.ts';
import { EVENT_DAYS, setEventDays } from './event-retention.ts';
import { migrate } from './migrations.ts';
import { COPY_MEMBERSHIPS } from './session-tenant.ts';

/** Answers the rows of the last statement; with parameters it takes one statement only. */
export type Query = (sql: string, parameters?: readonly unknown[]) => Promise<readonly Row[]>;

/** Statements as the owner of everything: no wall stands before them. */
export interface OwnerConnection {
  readonly query: Query;
  readonly close: () => Promise<void>;
}

/** An embedded database in memory with our schema, and its owner's way in beside the product's. */
export async function openEmbeddedInMemory(): Promise<{
  readonly database: Database;
  readonly owner: OwnerConnection;
}> {
  const lite = await PGlite.create();
  const client = new pg.Client(embeddedConfig(lite));
  await client.connect();
  await migrate(client, 'embedded', async () => null);
  await setEventDays(client, EVENT_DAYS);
  const database = openEmbeddedDatabase(lite);
  const inTurn = queue();
  return {
    database: {
      engine: database.engine,
      batch: (options, statements) => inTurn(() => database.batch(options, statements)),
      transaction: (work, opening) => inTurn(() => database.transaction(work, opening)),
      countingTransaction: (work) => inTurn(() => database.countingTransaction(work)),
      applicationTransaction: (access, opening, work) =>
        inTurn(() => database.applicationTransaction(access, opening, work)),
      close: () => database.close(),
    },
    owner: {
      query: (sql, parameters) => inTurn(() => rowsOf(client, sql, parameters)),
      async close() {
        await client.end();
        await database.close();
        await lite.close();
      },
    },
  };
}

/** A server's database through the login that may do everything there. */
export async function openAsOwner(url: string): Promise<OwnerConnection> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  const inTurn = queue();
  return {
    query: (sql, parameters) => inTurn(() => rowsOf(client, sql, parameters)),
    close: () => client.end(),
  };
}

async function rowsOf(
  client: pg.Client,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<readonly Row[]> {
  // Several statements at once, which only go without parameters, answer a list.
  const answer: pg.QueryResult<Row> | pg.QueryResult<Row>[] =
    parameters.length > 0 ? await client.query(sql, [...parameters]) : await client.query(sql);
  return [answer].flat().at(-1)?.rows ?? [];
}

/**
 * The embedded database is one session: what two connections send to it at once, a transaction of
 * one and a statement of the other, would run into each other.
 */
function queue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };
}

/** @returns the tenant's id. */
export async function insertTenant(
  owner: OwnerConnection,
  tenant: { readonly slug: string; readonly name: string },
  levels: Readonly<Record<string, number>>,
): Promise<string> {
  const sql = 'INSERT INTO sallyport.tenants (slug, name) VALUES ($1, $2) RETURNING id';
  const id = idOf(await owner.query(sql, [tenant.slug, tenant.name]));
  for (const [role, level] of Object.entries(levels)) {
    await owner.query(
      `INSERT INTO sallyport.roles (tenant_id, name, level, built_in, permissions)
        SELECT $1::UUID, $2::TEXT, $3::INT4, TRUE, COALESCE(array_agg(p.name ORDER BY p.name), '{}')
          FROM sallyport.permissions AS p WHERE $2::TEXT = ANY (p.roles)`,
      [id, role, level],
    );
  }
  return id;
}

/** Somebody whose address is proved. @returns the identity's id. */
export async function insertIdentity(
  owner: OwnerConnection,
  person: {
    readonly folded: string;
    readonly address: string;
    readonly displayName: string;
    readonly passwordHash: string | null;
  },
): Promise<string> {
  const id = idOf(
    await owner.query('INSERT INTO sallyport.identities DEFAULT VALUES RETURNING id'),
  );
  await owner.query(
    'INSERT INTO sallyport.email_addresses (folded, identity_id, address) VALUES ($2, $1, $3)',
    [id, person.folded, person.address],
  );
  await owner.query('INSERT INTO sallyport.profiles (identity_id, display_name) VALUES ($1, $2)', [
    id,
    person.displayName,
  ]);
  if (person.passwordHash !== null) {
    await owner.query('INSERT INTO sallyport.passwords (identity_id, hash) VALUES ($1, $2)', [
      id,
      person.passwordHash,
    ]);
  }
  return id;
}

export interface TestMembership {
  readonly tenantId: string;
  readonly identityId: string;
  /** A role that the tenant has, or the permissions of one that is made and named after them. */
  readonly role: string | readonly string[];
  readonly sortName: string;
  /** By which the member is found. */
  readonly words: Readonly<Record<WordSource, readonly Buffer[]>>;
}

export async function insertMembership(
  owner: OwnerConnection,
  { tenantId, identityId, role, sortName, words }: TestMembership,
): Promise<void> {
  const name = typeof role === 'string' ? role : nameOf(role);
  if (typeof role !== 'string') {
    await owner.query(
      `INSERT INTO sallyport.roles (tenant_id, name, permissions) VALUES ($1, $2, $3)
        ON CONFLICT (tenant_id, name) DO NOTHING`,
      [tenantId, name, role],
    );
  }
  await owner.query(
    `INSERT INTO sallyport.memberships (tenant_id, identity_id, role, sort_name, tenant_policy)
      SELECT t.id, $2, $3, $4, t.policy FROM sallyport.tenants AS t WHERE t.id = $1`,
    [tenantId, identityId, name, sortName],
  );
  for (const [source, each] of Object.entries(words)) {
    await owner.query(
      `INSERT INTO sallyport.member_words (tenant_id, identity_id, source, word)
        SELECT $1, $2, $3, unnest($4::BYTEA[])`,
      [tenantId, identityId, source, each],
    );
  }
}

function nameOf(permissions: readonly string[]): string {
  return permissions.toSorted().join('.') || 'without-permissions';
}

/** A live session, in which the person has just proved who they are. @returns its id. */
export async function insertLiveSession(
  owner: OwnerConnection,
  session: {
    readonly identityId: string;
    readonly tenantId: string | null;
    readonly proofDigest: string;
    readonly synchronizerDigest: string;
    readonly selectionKey: string;
  },
): Promise<string> {
  const { identityId, tenantId, proofDigest, synchronizerDigest, selectionKey } = session;
  const id = idOf(
    await owner.query(
      `INSERT INTO sallyport.sessions
          (identity_id, tenant_id, proof_digest, synchronizer_digest, selection_key, expires_at, active_until)
        VALUES ($1, $2, $3, $4, $5, now() + INTERVAL '12 hours', now() + INTERVAL '1 hour') RETURNING id`,
      [identityId, tenantId, proofDigest, synchronizerDigest, selectionKey],
    ),
  );
  await owner.query('INSERT INTO sallyport.session_activity (session_id) VALUES ($1)', [id]);
  await owner.query(`${COPY_MEMBERSHIPS} AND s.id = $1`, [id]);
  return id;
}

function idOf([row]: readonly Row[]): string {
  return String(row?.['id']);
}
