import { BOTH_ROLES, type DefinerFunction } from '../grants.ts';
import { type CatalogCheck, judged, query } from './finding.ts';

interface FunctionRow {
  readonly signature: string;
  readonly owner: string;
  readonly definer: boolean;
  readonly volatility: string;
  readonly settings: string;
  readonly executableBy: readonly string[];
}

const FUNCTIONS =
  query(`SELECT p.proname || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')' AS "signature",
  r.rolname::TEXT AS "owner", p.prosecdef AS "definer",
  CASE p.provolatile WHEN 's' THEN 'STABLE' WHEN 'v' THEN 'VOLATILE' ELSE 'IMMUTABLE' END AS "volatility",
  coalesce(pg_catalog.array_to_string(p.proconfig, '; '), '') AS "settings",
  ARRAY(SELECT coalesce(g.rolname::TEXT, 'PUBLIC')
    FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS a
    LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee) AS "executableBy"
  FROM pg_catalog.pg_proc AS p
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_roles AS r ON r.oid = p.proowner
  WHERE n.nspname = 'sallyport'`);

const PINNED = 'search_path=pg_catalog, pg_temp';

/**
 * The functions run with the owner's eyes, so nobody else may own them, call them or choose where
 * the names in them lead (CVE-2018-1058).
 */
export function functions(expected: readonly DefinerFunction[]): CatalogCheck {
  return {
    statements: [FUNCTIONS],
    judge(answer = []) {
      const rows = answer as unknown as readonly FunctionRow[];
      const problems = expected.flatMap((each) => {
        const row = rows.find(({ signature }) => signature === each.signature.toLowerCase());
        const name = `sallyport.${each.signature}`;
        return row
          ? functionProblems(name, row, each)
          : [`The function ${name} is missing: ${REBUILD_FUNCTIONS}.`];
      });
      return judged(
        'functions',
        'The functions are owned, pinned and callable as expected.',
        problems,
      );
    },
  };
}

/** Their statements can be run again: each is a CREATE OR REPLACE or comes after a DROP. */
export const REBUILD_FUNCTIONS = `run DELETE FROM sallyport.migrations WHERE id LIKE '%/function-%', then \`sallyport migrate\``;

function functionProblems(
  name: string,
  row: FunctionRow,
  expected: DefinerFunction,
): readonly string[] {
  const alter = (problem: string, clause: string) =>
    `The function ${name} ${problem}: run ALTER FUNCTION ${name} ${clause}.`;
  const problems: string[] = [];
  const { owner = 'sallyport_owner', callers = BOTH_ROLES } = expected;
  if (row.owner !== owner) {
    problems.push(alter(`belongs to ${row.owner}`, `OWNER TO ${owner}`));
  }
  if (!row.definer) problems.push(alter('runs as its caller', 'SECURITY DEFINER'));
  if (row.volatility !== expected.volatility) {
    problems.push(alter(`is ${row.volatility}`, expected.volatility));
  }
  if (row.settings !== PINNED) {
    const clause = `RESET ALL SET ${PINNED.replace('=', ' = ')}`;
    problems.push(alter(`is not pinned to ${PINNED} alone`, clause));
  }
  for (const role of callers.filter((caller) => !row.executableBy.includes(caller))) {
    problems.push(
      `${role} may not call ${name}: run GRANT EXECUTE ON FUNCTION ${name} TO ${role}.`,
    );
  }
  for (const role of BOTH_ROLES) {
    if (callers.includes(role) || !row.executableBy.includes(role)) continue;
    problems.push(`${role} may call ${name}: run REVOKE EXECUTE ON FUNCTION ${name} FROM ${role}.`);
  }
  if (row.executableBy.includes('PUBLIC')) {
    problems.push(
      `Everybody may call ${name}: run REVOKE EXECUTE ON FUNCTION ${name} FROM PUBLIC.`,
    );
  }
  return problems;
}
