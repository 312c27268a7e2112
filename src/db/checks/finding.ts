import type { Row, Statement } from '../batch.ts';

/** What one check found; a check that failed in several ways is several findings with its id. */
export interface Finding {
  readonly id: string;
  readonly ok: boolean;
  /** One line: how it is, and if that is wrong, what to do. */
  readonly line: string;
}

/** A check of the catalog: what it reads, and what it makes of each statement's rows. */
export interface CatalogCheck {
  readonly statements: readonly Statement[];
  judge(...answers: readonly (readonly Row[])[]): readonly Finding[];
}

/** One finding that all is well, or one for each problem. */
export function judged(id: string, sound: string, problems: readonly string[]): readonly Finding[] {
  if (problems.length === 0) return [{ id, ok: true, line: sound }];
  return problems.map((line) => ({ id, ok: false, line }));
}

/** A statement without parameters whose rows have the names of T; the SQL beside it says so. */
export function query(sql: string): Statement {
  return { sql, parameters: [] };
}
