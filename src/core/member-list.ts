import { type Requirement, runAuthorized } from '../db/authorization.ts';
import {
  type After,
  countMembers,
  type MemberRow,
  membersByName,
  membersByWord,
  memberOf,
} from '../db/members.ts';
import type { Refused } from './authority.ts';
import type { Core } from './core.ts';
import { openCursor, sealCursor } from './cursor.ts';
import { searchedWords } from './member-words.ts';

export interface MemberQuery {
  /** Each word of it begins a word of the name or of the address. */
  readonly search?: string | undefined;
  readonly role?: string | undefined;
  /** What the page before said comes next. */
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export interface MemberPage {
  readonly members: readonly MemberRow[];
  /** For the next page; null on the last. */
  readonly next: string | null;
  /** How many members the tenant has, or `COUNTED_MAX` where it has as many or more. */
  readonly total: number;
}

/** Nobody needs the exact number beyond that, and counting costs as much as there is. */
export const COUNTED_MAX = 1_000;

/**
 * A page of the members of the request's tenant, read behind the decision on the request. What a
 * cursor points behind is sealed for the tenant and the query that it came with: brought to another
 * one it opens nothing, and nobody can make one up (CWE-639, CWE-565).
 */
export async function listMembers(
  core: Core,
  { requirement, tenantId }: { readonly requirement: Requirement; readonly tenantId: string },
  query: MemberQuery,
): Promise<MemberPage | 'malformed-cursor' | Refused> {
  const { search = '', role = null, cursor, limit } = query;
  const context = `members ${JSON.stringify([tenantId, search.trim(), role])}`;
  const opened = cursor === undefined ? null : openCursor(core, context, cursor);
  if (opened === 'malformed') return 'malformed-cursor';
  const after = opened && (opened.after as After);
  const words = searchedWords(search);
  // One more than is shown tells whether there is a next page.
  const statement = words
    ? membersByWord(words, role, after, limit + 1)
    : membersByName(role, after, search.trim() === '' ? limit + 1 : 0);
  const statements = [statement, countMembers(COUNTED_MAX)];
  const answered = await runAuthorized(core.database, requirement, statements);
  if ('refusal' in answered) return answered;
  const [found, counted] = answered.results;
  const rows = (found?.rows ?? []) as unknown as readonly MemberRow[];
  const members = rows.slice(0, limit);
  const last = rows.length > limit ? members.at(-1) : undefined;
  const next = last && sealCursor(core, context, { sortKey: last.sortKey, id: last.id });
  return { members, next: next ?? null, total: Number(counted?.rows[0]?.['n'] ?? 0) };
}

/** One member of the request's tenant, undefined where there is none of this id. */
export async function findMember(
  core: Core,
  requirement: Requirement,
  id: string,
): Promise<MemberRow | undefined | Refused> {
  const answered = await runAuthorized(core.database, requirement, [memberOf(id)]);
  if ('refusal' in answered) return answered;
  return answered.results[0]?.rows[0] as unknown as MemberRow | undefined;
}
