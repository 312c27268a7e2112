// The functions as CockroachDB gets them, and batches as it is sent them, here on PostgreSQL: what
// is ours in them decides the same. Nothing of this says how CockroachDB takes it.
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { runAuthorized } from '../../src/db/authorization.ts';
import type { Statement } from '../../src/db/batch.ts';
import { type Database, openServerDatabase } from '../../src/db/database.ts';
import { migrationStatements } from '../../src/db/migrations.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { CREATE_NOTES } from './notes-table.ts';
import { insertPrincipal, loginsOf, sha256, type TestPrincipal } from './principals.ts';

let t: TestDatabase;
let database: Database;
let tenants: string[];
let editor: TestPrincipal;
let bearerProof: string;

/** What CockroachDB has by itself: the digest of a text, as hex. */
const DIGEST = `CREATE FUNCTION public.sha256(text TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE
  AS $$ SELECT encode(pg_catalog.sha256(convert_to(text, 'UTF8')), 'hex') $$`;

beforeEach(async ({ skip }) => {
  if (inject('engine') === 'cockroachdb') skip('there every test runs so');
  t = await createDatabase();
  await t.admin.query(DIGEST);
  for (const { sql } of migrationStatements('cockroachdb')) {
    if (sql.startsWith('CREATE OR REPLACE FUNCTION')) await t.admin.query(sql);
  }
  await t.admin.query(CREATE_NOTES);
  const { rows } = await t.admin.query<{ id: string }>(
    `INSERT INTO sallyport.tenants (name) VALUES ('one'), ('two') RETURNING id`,
  );
  tenants = rows.map(({ id }) => id);
  const [tenant = ''] = tenants;
  await t.admin.query(`INSERT INTO sallyport.roles VALUES ($1, 'editor', '{notes:read}')`, [
    tenant,
  ]);
  await t.admin.query(`INSERT INTO notes VALUES ($1, 'ours'), ($2, 'theirs')`, tenants);
  editor = await insertPrincipal(t.admin, 'editor', null);
  await t.admin.query(`INSERT INTO sallyport.memberships VALUES ($1, $2, 'editor')`, [
    tenant,
    editor.identityId,
  ]);
  await t.admin.query('UPDATE sallyport.sessions SET tenant_id = $1 WHERE id = $2', [
    tenant,
    editor.sessionId,
  ]);
  bearerProof = `bearer ${randomBytes(32).toString('hex')}`;
  await t.admin.query(
    `INSERT INTO sallyport.bearer_credentials (kind, proof_digest, tenant_id, identity_id, title,
        hint, permissions, expires_at, member_role)
      VALUES ('api-key', $1, $2, $3, '', '', '{notes:read}', now() + INTERVAL '1 hour', 'editor')`,
    [sha256(bearerProof), tenant, editor.identityId],
  );
  database = openServerDatabase({ ...loginsOf(t.url), engine: 'cockroachdb' });
});
afterEach(async () => {
  await database?.close();
  await t?.drop();
});

const NOTES: Statement = { sql: 'SELECT text FROM notes', parameters: [] };
const LEFT: Statement = {
  sql: `SELECT COALESCE(current_setting('sallyport.proof', true), '') AS proof,
    COALESCE(current_setting('sallyport.identity', true), '') AS identity,
    COALESCE(current_setting('sallyport.tenant', true), '') AS tenant`,
  parameters: [],
};

function presented(how: 'session' | 'credential') {
  if (how === 'session') return { role: 'sallyport_app', proof: editor.proof } as const;
  return { role: 'sallyport_app', proof: bearerProof, bearer: true } as const;
}

describe.each(['session', 'credential'] as const)('with a %s', (how) => {
  const writing = () => (how === 'session' ? editor.synchronizerDigest : null);

  test('the decision leaves nothing by itself: the statement carries it [R-98]', async () => {
    const { proof } = presented(how);
    const call = how === 'session' ? 'require($1, NULL, FALSE)' : 'require_bearer($1, NULL)';
    await t.admin.query('BEGIN');
    await t.admin.query(`SELECT sallyport.${call}`, [proof]);
    const { rows } = await t.admin.query(LEFT.sql);
    await t.admin.query('ROLLBACK');
    expect(rows).toEqual([{ proof: '', identity: '', tenant: '' }]);
  });

  test.each(['a read', 'a write'])(
    '%s finds who asks, and the rows of their tenant alone [CWE-639]',
    async (access) => {
      const asked = { ...presented(how), permission: 'notes:read' };
      const requirement = access === 'a read' ? asked : { ...asked, synchronizerDigest: writing() };
      const left = { proof: asked.proof, identity: editor.identityId, tenant: tenants[0] };
      expect(await runAuthorized(database, requirement, [LEFT, NOTES])).toMatchObject({
        principal: { identityId: editor.identityId, tenantId: tenants[0] },
        results: [{ rows: [left] }, { rows: [{ text: 'ours' }] }],
      });
      const [nobody, none] = await database.batch({ role: 'sallyport_app', access: 'read' }, [
        LEFT,
        NOTES,
      ]);
      expect([nobody?.rows, none?.rows]).toEqual([[{ proof: '', identity: '', tenant: '' }], []]);
    },
  );

  test('what is not permitted is refused, and nobody without a proof is anybody [CWE-862]', async () => {
    const refused = { ...presented(how), permission: 'notes:write' };
    expect(await runAuthorized(database, refused, [NOTES])).toEqual({ refusal: 'forbidden' });
    const unknown = { ...presented(how), permission: null, proof: `${refused.proof}0` };
    expect(await runAuthorized(database, unknown, [NOTES])).toEqual({ refusal: 'not-signed-in' });
  });
});
