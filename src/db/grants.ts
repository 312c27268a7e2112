import type { Role } from './database.ts';
import type { MigrationStatement } from './migration-statements.ts';

/** Beside the two that the process signs in as: the one that only deletes old security events. */
export type GrantedRole = Role | 'sallyport_retention';

/** Privileges on tables of the schema sallyport, which a migration gives in one statement. */
export interface TableGrant {
  readonly id: string;
  readonly on: readonly string[];
  readonly privileges: readonly string[];
  readonly to: readonly GrantedRole[];
}

/** A function that runs with the owner's eyes, for the two roles to call, unless it says others. */
export interface DefinerFunction {
  readonly signature: string;
  readonly volatility: 'STABLE' | 'VOLATILE';
  readonly owner?: 'sallyport_retention';
  readonly callers?: readonly Role[];
}

export const BOTH_ROLES: readonly Role[] = ['sallyport_app', 'sallyport_identity'];

export function grantTables(grants: readonly TableGrant[]): readonly MigrationStatement[] {
  return grants.map(({ id, on, privileges, to }) => ({
    id: `grant-${id}`,
    sql: `GRANT ${privileges.join(', ')} ON TABLE ${on.map((table) => `sallyport.${table}`).join(', ')} TO ${to.join(', ')}`,
  }));
}

/** PUBLIC may call every new function until it is told otherwise. */
export function grantFunctions(
  functions: readonly DefinerFunction[],
): readonly MigrationStatement[] {
  return functions.flatMap(({ signature, callers = BOTH_ROLES }) => [
    {
      id: `revoke-${signature}`,
      sql: `REVOKE ALL ON FUNCTION sallyport.${signature} FROM PUBLIC`,
    },
    {
      id: `grant-${signature}`,
      sql: `GRANT EXECUTE ON FUNCTION sallyport.${signature} TO ${callers.join(', ')}`,
    },
  ]);
}
