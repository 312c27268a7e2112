import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY, OWN_TENANT } from './first-wall.ts';

/** A row of the list as it comes: what stands in it, and what the next page begins behind. */
export interface MemberRow {
  readonly id: string;
  readonly displayName: string;
  readonly email: string;
  readonly role: string;
  readonly level: number;
  readonly since: Date;
  readonly own: boolean;
  /** What the page is sorted by: the folded name, or the word that was found, in hex. */
  readonly sortKey: string;
}

/** The last row of the page before. */
export interface After {
  readonly sortKey: string;
  readonly id: string;
}

function listed() {
  return build
    .selectFrom('sallyport.memberships as m')
    .innerJoin('sallyport.roles as r', (join) =>
      join.onRef('r.tenant_id', '=', 'm.tenant_id').onRef('r.name', '=', 'm.role'),
    )
    .innerJoin('sallyport.profiles as p', 'p.identity_id', 'm.identity_id')
    .innerJoin('sallyport.email_addresses as e', 'e.identity_id', 'm.identity_id')
    .where('m.tenant_id', '=', OWN_TENANT)
    .select(['m.identity_id as id', 'p.display_name as displayName', 'e.address as email'])
    .select(['m.role', 'r.level', 'm.created_at as since'])
    .select(sql<boolean>`m.identity_id = ${OWN_IDENTITY}`.as('own'));
}

/** The members of the request's own tenant, by name, behind a row, those with one role perhaps. */
export function membersByName(role: string | null, after: After | null, limit: number): Statement {
  let query = listed()
    .select('m.sort_name as sortKey')
    .orderBy('m.sort_name')
    .orderBy('m.identity_id')
    .limit(limit);
  if (role !== null) query = query.where('m.role', '=', role);
  if (after) {
    query = query.where(
      sql<boolean>`(m.sort_name, m.identity_id) > (${after.sortKey}::TEXT, ${after.id}::UUID)`,
    );
  }
  return query.compile();
}

/**
 * The members of the request's own tenant of whom each word begins a word of their name or their
 * address, by the word that the first of these has found. The index that is read begins with the
 * tenant, so that what others have costs nothing and shows in no time.
 */
export function membersByWord(
  [first, ...others]: readonly [Buffer, ...Buffer[]],
  role: string | null,
  after: After | null,
  limit: number,
): Statement {
  let query = listed()
    .innerJoin('sallyport.member_words as w', (join) =>
      join.onRef('w.tenant_id', '=', 'm.tenant_id').onRef('w.identity_id', '=', 'm.identity_id'),
    )
    .where('w.tenant_id', '=', OWN_TENANT)
    .where(beginsWith('w', first))
    // Of several words of a member that begin so, only the first one shows them.
    .where(
      sql<boolean>`NOT EXISTS (SELECT 1 FROM sallyport.member_words AS b
        WHERE b.tenant_id = w.tenant_id AND b.identity_id = w.identity_id
        AND ${beginsWith('b', first)} AND (b.word, b.source) < (w.word, w.source))`,
    )
    .select(sql<string>`encode(w.word, 'hex')`.as('sortKey'))
    .orderBy('w.word')
    .orderBy('w.identity_id')
    .limit(limit);
  for (const word of others) {
    query = query.where(
      sql<boolean>`EXISTS (SELECT 1 FROM sallyport.member_words AS o
        WHERE o.tenant_id = w.tenant_id AND o.identity_id = w.identity_id AND ${beginsWith('o', word)})`,
    );
  }
  if (role !== null) query = query.where('m.role', '=', role);
  if (after) {
    query = query.where(
      sql<boolean>`(w.word, w.identity_id) > (decode(${after.sortKey}::TEXT, 'hex'), ${after.id}::UUID)`,
    );
  }
  return query.compile();
}

/** A range of bytes, which no collation reads in another order. */
function beginsWith(table: string, word: Buffer) {
  const column = sql.ref(`${table}.word`);
  return sql<boolean>`${column} >= ${word}::BYTEA AND ${column} < ${behind(word)}::BYTEA`;
}

/** UTF-8 has no byte 0xff, so this is behind every text that begins with the word. */
function behind(word: Buffer): Buffer {
  return Buffer.concat([word, Buffer.from([0xff])]);
}

/** How many members the request's own tenant has, up to so many: counting more takes longer. */
export function countMembers(limit: number): Statement {
  return build
    .selectFrom((from) =>
      from
        .selectFrom('sallyport.memberships')
        .where('tenant_id', '=', OWN_TENANT)
        .select('identity_id')
        .limit(limit)
        .as('counted'),
    )
    .select(sql<number>`count(*)::INT4`.as('n'))
    .compile();
}

/** One member of the request's own tenant; no row where there is none of this id. */
export function memberOf(identityId: string): Statement {
  return listed()
    .where('m.identity_id', '=', identityId)
    .select('m.sort_name as sortKey')
    .compile();
}
