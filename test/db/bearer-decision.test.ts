// Whom a bearer credential stands for, and what it may do: what the database's functions say of one
// in any state is what a plain reading of that state says.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runAuthorized } from '../../src/db/authorization.ts';
import { type Database, openServerDatabase } from '../../src/db/database.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { insertPrincipal, loginsOf, sha256 } from './principals.ts';

let t: TestDatabase;
let database: Database;
beforeAll(async () => {
  t = await createDatabase();
  database = openServerDatabase(loginsOf(t.url));
});
afterAll(async () => {
  await database.close();
  await t.drop();
});

const ROLE = ['notes:read', 'notes:write', 'notes:share'];

async function insertTenant(): Promise<string> {
  const { rows } = await t.admin.query<{ id: string }>(
    `INSERT INTO sallyport.tenants (name) VALUES ('a tenant') RETURNING id`,
  );
  const id = rows[0]?.id ?? '';
  await t.admin.query(`INSERT INTO sallyport.roles VALUES ($1, 'editor', $2), ($1, 'viewer', $3)`, [
    id,
    ROLE,
    ['notes:read'],
  ]);
  return id;
}

/** What becomes of a credential, of whom it is, or of where they are members. */
const ENDS = {
  'the credential is revoked':
    'UPDATE sallyport.bearer_credentials SET revoked_at = now() WHERE id = $1',
  'the credential has expired':
    'UPDATE sallyport.bearer_credentials SET expires_at = now() WHERE id = $1',
  'its identity is disabled': `UPDATE sallyport.identities SET disabled_at = now() WHERE id = (
    SELECT identity_id FROM sallyport.bearer_credentials WHERE id = $1)`,
  'its identity waits for deletion': `UPDATE sallyport.identities SET delete_after = now() WHERE id = (
    SELECT identity_id FROM sallyport.bearer_credentials WHERE id = $1)`,
  'the tenant waits for deletion': `UPDATE sallyport.tenants SET delete_after = now() WHERE id = (
    SELECT tenant_id FROM sallyport.bearer_credentials WHERE id = $1)`,
  'the membership was removed': `DELETE FROM sallyport.memberships WHERE (tenant_id, identity_id) = (
    SELECT tenant_id, identity_id FROM sallyport.bearer_credentials WHERE id = $1)`,
} as const;
type End = keyof typeof ENDS;

interface State {
  /** Null for a token of another issuer, which may do what its member's role may. */
  readonly list: readonly string[] | null;
  readonly role: 'editor' | 'viewer';
  readonly end: End | null;
}

async function insertCredential({ list, role, end }: State) {
  const tenantId = await insertTenant();
  const { identityId } = await insertPrincipal(t.admin, 'ada');
  await t.admin.query('INSERT INTO sallyport.memberships VALUES ($1, $2, $3)', [
    tenantId,
    identityId,
    'editor',
  ]);
  const proof = `bearer ${randomBytes(32).toString('hex')}`;
  const { rows } = await t.admin.query<{ id: string }>(
    `INSERT INTO sallyport.bearer_credentials (kind, proof_digest, tenant_id, identity_id, title,
        hint, permissions, token_id, expires_at, member_role)
      VALUES ($1, $2, $3, $4, '', '', $5, $6, now() + INTERVAL '1 hour', 'editor') RETURNING id`,
    [
      list ? 'api-key' : 'external-token',
      sha256(proof),
      tenantId,
      identityId,
      list,
      list ? null : proof,
    ],
  );
  const id = rows[0]?.id ?? '';
  await t.admin.query('UPDATE sallyport.memberships SET role = $1 WHERE identity_id = $2', [
    role,
    identityId,
  ]);
  if (end) await t.admin.query(ENDS[end], [id]);
  return { id, tenantId, identityId, proof };
}

const LOOK_UPS = {
  sql: `SELECT sallyport.current_identity() AS identity, sallyport.current_tenant() AS tenant,
    ARRAY(SELECT p FROM unnest($1::TEXT[]) AS p WHERE sallyport.has_permission(p)) AS may`,
  parameters: [ROLE],
};

/** What is decided on a request with the credential, and what its transaction says of it. */
async function saidOf(proof: string, permission: string | null) {
  const requirement = { role: 'sallyport_app', bearer: true, proof, permission } as const;
  const answer = await runAuthorized(database, requirement, [LOOK_UPS]);
  if ('refusal' in answer) return answer.refusal;
  const { identityId, tenantId: tenant, permissions, bearer, bearerId } = answer.principal;
  const row = answer.results[0]?.rows[0] ?? {};
  return { identityId, tenant, permissions, bearer, bearerId, inTransaction: row };
}

/** The same of a transaction that carries the proof, and in which nothing is decided. */
async function lookedUp(proof: string) {
  const opening = [{ sql: `SELECT set_config('sallyport.proof', $1, true)`, parameters: [proof] }];
  const options = { role: 'sallyport_app', access: 'read', opening } as const;
  return (await database.batch(options, [LOOK_UPS]))[1]?.rows[0];
}

async function bothOf(state: State) {
  const { id, tenantId, identityId, proof } = await insertCredential(state);
  const ofRole = state.role === 'editor' ? ROLE : ['notes:read'];
  const permissions = state.list?.filter((each) => ofRole.includes(each)) ?? ofRole;
  const may = ROLE.filter((each) => permissions.includes(each));
  const nobody = { identity: null, tenant: null, may: [] };
  const inTransaction = state.end ? nobody : { identity: identityId, tenant: tenantId, may };
  const bearer = state.list ? 'api-key' : 'external-token';
  const somebody = { identityId, tenant: tenantId, permissions, bearer, bearerId: id };
  const said: unknown[] = [await lookedUp(proof)];
  const expected: unknown[] = [inTransaction];
  for (const permission of [null, ...ROLE, 'everything']) {
    const permitted = permission === null || permissions.includes(permission);
    const refused = state.end ? 'not-signed-in' : 'forbidden';
    said.push(await saidOf(proof, permission));
    expected.push(!state.end && permitted ? { ...somebody, inTransaction } : refused);
  }
  return { said, expected };
}

describe('a bearer credential', () => {
  test.each<[string, readonly string[] | null]>([
    ['with no list of its own may do what its member may', null],
    ['with a list may do what both have, in the order of the list', ['x', ...ROLE.toReversed()]],
    ['with a list that its member covers may do that', ['notes:share', 'notes:read']],
    ['with a list of what its member may not may do nothing', ['x', 'y']],
    ['with an empty list may do nothing', []],
  ])('%s [CWE-863] [ASVS 8.2.1]', async (_, list) => {
    for (const role of ['editor', 'viewer'] as const) {
      const { said, expected } = await bothOf({ list, role, end: null });
      expect(said).toEqual(expected);
    }
  });

  test.each(Object.keys(ENDS) as End[])(
    'stands for nobody when %s [CWE-613] [ASVS 7.4.1]',
    async (end) => {
      for (const list of [ROLE, null]) {
        const { said, expected } = await bothOf({ list, role: 'editor', end });
        expect(said).toEqual(expected);
      }
    },
  );

  test('in any state is what a plain reading of that state says', async () => {
    const anyOf: fc.Arbitrary<State> = fc.record({
      list: fc.option(fc.array(fc.constantFrom('x', ...ROLE), { maxLength: 5 })),
      role: fc.constantFrom('editor', 'viewer'),
      end: fc.option(fc.constantFrom(...(Object.keys(ENDS) as End[])), { freq: 2 }),
    });
    const asRead = fc.asyncProperty(anyOf, async (state) => {
      const { said, expected } = await bothOf(state);
      expect(said).toEqual(expected);
    });
    await fc.assert(asRead, { numRuns: 40 });
  });
});
