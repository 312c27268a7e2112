import type { PolicyForm } from './engine.ts';

/** One idempotent statement; its id within its migration is what is recorded once it has run. */
export interface MigrationStatement {
  readonly id: string;
  readonly sql: string;
  /** The statement whose effect this one takes the place of: that is then no longer recorded. */
  readonly replaces?: string;
}

/**
 * Statements that read otherwise in each form of the policies. Each form has ids of its own, and
 * takes the other's from the record, so that changing the setting there and back runs them again.
 */
export function inPolicyForm(
  form: PolicyForm,
  statements: readonly MigrationStatement[],
): readonly MigrationStatement[] {
  return statements.map(({ id, sql }) => {
    const other = `${id}-by-setting`;
    return form === 'functions' ? { id, sql, replaces: other } : { id: other, sql, replaces: id };
  });
}
