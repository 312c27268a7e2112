import { randomBytes } from 'node:crypto';
import { NothingDecidedError, runAuthorized } from '../authorization.ts';
import type { Database } from '../database.ts';
import { sqlState } from '../errors.ts';
import { type Finding, judged, query } from './finding.ts';
import { REBUILD_FUNCTIONS } from './functions.ts';

const WHO = query(`SELECT sallyport.current_session() AS "current_session",
  sallyport.current_identity() AS "current_identity", sallyport.current_tenant() AS "current_tenant"`);

const CARRY = `SELECT set_config('sallyport.proof', $1, true)`;

/**
 * Asks as a request that carries no proof, and as one whose proof nobody was given: the functions
 * name nobody, and the decisions refuse. The one check that holds for every engine alike.
 */
export async function checkRefusals(database: Database): Promise<readonly Finding[]> {
  const [none, unknown] = await Promise.all([
    proofProblems(database, '', 'without a proof'),
    proofProblems(database, randomBytes(32).toString('hex'), 'with a proof that nobody was given'),
  ]);
  return [
    ...judged('no-proof', 'A request without a proof is nobody and is refused.', none),
    ...judged(
      'unknown-proof',
      'A request with an unknown proof is nobody and is refused.',
      unknown,
    ),
  ];
}

async function proofProblems(
  database: Database,
  proof: string,
  how: string,
): Promise<readonly string[]> {
  const request = { role: 'sallyport_app', proof, permission: null } as const;
  const problems = await Promise.all([
    named(database, proof),
    named(database, `bearer ${proof}`),
    letThrough('require', runAuthorized(database, request, [])),
    letThrough(
      'require_for_write',
      runAuthorized(database, { ...request, synchronizerDigest: null }, []),
    ),
    letThrough('require_bearer', runAuthorized(database, { ...request, bearer: true }, [])),
  ]);
  return problems
    .flat()
    .map((problem) => `The function sallyport.${problem} ${how}: ${REBUILD_FUNCTIONS}.`);
}

async function named(database: Database, proof: string): Promise<readonly string[]> {
  try {
    const opening = [{ sql: CARRY, parameters: [proof] }];
    const asApp = { role: 'sallyport_app', access: 'read', opening } as const;
    const [, who] = await database.batch(asApp, [WHO]);
    const row = who?.rows[0] ?? {};
    return Object.entries(row).flatMap(([name, value]) =>
      value === null ? [] : [`${name}() names somebody`],
    );
  } catch (error) {
    return [`current_identity() fails (${failure(error)})`];
  }
}

async function letThrough(
  name: string,
  decision: ReturnType<typeof runAuthorized>,
): Promise<readonly string[]> {
  try {
    const answer = await decision;
    if ('refusal' in answer && answer.refusal === 'not-signed-in') return [];
    return [`${name}() lets a request through`];
  } catch (error) {
    if (error instanceof NothingDecidedError) return [`${name}() lets a request through`];
    return [`${name}() fails (${failure(error)})`];
  }
}

/** Only what the server said of a statement is a finding; everything else goes to the caller. */
function failure(error: unknown): string {
  const state = sqlState(error);
  if (state === undefined) throw error;
  return `${state} ${(error as Error).message}`;
}
