import { type Requirement, runAuthorized } from '../db/authorization.ts';
import type { Statement } from '../db/batch.ts';
import type { Refused } from './authority.ts';
import type { Core } from './core.ts';
import { openCursor, sealCursor } from './cursor.ts';

/** Whose rows are read, and what the request is held to. */
export interface Reader {
  readonly requirement: Requirement;
  readonly tenantId: string;
}

export interface PageQuery {
  /** What the page before said comes next. */
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export type Page<Row> =
  | { readonly rows: readonly Row[]; readonly next: string | null }
  | 'malformed-cursor'
  | Refused;

interface Listing<Row, Key> {
  readonly statementFor: (after: Key | null, limit: number) => Statement;
  /** What the next page begins behind. */
  readonly keyOf: (row: Row) => Key;
}

/** A page of a list of the request's tenant, in one flush with the decision on the request. */
export async function pageOf<Row, Key>(
  core: Core,
  { requirement, tenantId }: Reader,
  what: string,
  { cursor, limit }: PageQuery,
  { statementFor, keyOf }: Listing<Row, Key>,
): Promise<Page<Row>> {
  const context = `${what} ${tenantId}`;
  const opened = cursor === undefined ? null : openCursor(core, context, cursor);
  if (opened === 'malformed') return 'malformed-cursor';
  const after = opened && (opened.after as Key);
  // One more than is shown tells whether there is a next page.
  const statement = statementFor(after, limit + 1);
  const answered = await runAuthorized(core.database, requirement, [statement]);
  if ('refusal' in answered) return answered;
  const found = (answered.results[0]?.rows ?? []) as unknown as readonly Row[];
  const rows = found.slice(0, limit);
  const last = found.length > limit ? rows.at(-1) : undefined;
  return { rows, next: last === undefined ? null : sealCursor(core, context, keyOf(last)) };
}
