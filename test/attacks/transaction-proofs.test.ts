// What a gateway hands to the application behind it for its transactions: that it is good for these
// and for nothing else, and for no longer than what it was made of.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { bearerProofOf, newSecret, proofOf, secretText, digestOf } from '../../src/core/secret.ts';
import { authorizeWithProof } from '../../src/core/transaction-proof.ts';
import { runAuthorized } from '../../src/db/authorization.ts';
import { SWEEP_STATEMENTS } from '../../src/db/sweep.ts';
import { SESSION_COOKIE } from '../../src/http/cookies.ts';
import { insertSessionOf } from '../db/principals.ts';
import { type TestApp, startTestApp } from '../support/apps.ts';
import { ask } from '../support/client.ts';
import { changedBy } from '../support/rows.ts';
import { insertTestMember, insertTestTenant, type TestTenant } from '../support/tenants.ts';
import { CREATE_NOTES } from '../db/notes-table.ts';

const PASSWORD = randomBytes(16).toString('hex');
const ROLE = `upstream_${randomBytes(4).toString('hex')}`;
const OTHER_ROLE = `${ROLE}_other`;

let app: TestApp;
let acme: TestTenant;
let globex: TestTenant;
let upstream: pg.Client;
let other: pg.Client;

beforeAll(async () => {
  app = await startTestApp();
  await app.admin.query(CREATE_NOTES);
  for (const role of [ROLE, OTHER_ROLE]) {
    await app.admin.query(`CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}' IN ROLE sallyport_app`);
  }
  upstream = await connect(ROLE);
  other = await connect(OTHER_ROLE);
  acme = await insertTestTenant(app.admin, { name: 'Acme' });
  globex = await insertTestTenant(app.admin, { name: 'Globex' });
  await app.admin.query(`INSERT INTO notes VALUES ($1, 'ours'), ($2, 'theirs')`, [
    acme.id,
    globex.id,
  ]);
});
afterAll(async () => {
  await upstream.end();
  await other.end();
  await app.admin.query(`DROP ROLE ${ROLE}, ${OTHER_ROLE}`);
  await app.close();
});

async function connect(user: string): Promise<pg.Client> {
  const url = new URL(app.url);
  const { hostname: host, port, pathname } = url;
  const database = pathname.slice(1);
  const client = new pg.Client({ host, port: Number(port), database, user, password: PASSWORD });
  await client.connect();
  return client;
}

interface Person {
  readonly identityId: string;
  readonly sessionId: string;
  readonly proof: string;
  readonly synchronizerDigest: string;
}

let ada: Person;
beforeEach(async () => {
  await app.admin.query('DELETE FROM sallyport.transaction_proofs');
  ada = await insertPerson(acme, 'owner');
});

async function insertPerson(tenant: TestTenant, role: string | readonly string[]): Promise<Person> {
  const { identityId } = await insertTestMember(app.admin, app.origin, tenant, role);
  return { identityId, ...(await insertSessionOf(app.admin, identityId, tenant.id)) };
}

async function insertKey(
  identityId: string,
  permissions: readonly string[],
): Promise<{ readonly id: string; readonly proof: string }> {
  const proof = bearerProofOf(newSecret());
  const { rows } = await app.admin.query(
    `INSERT INTO sallyport.bearer_credentials
      (kind, proof_digest, tenant_id, identity_id, title, hint, permissions, expires_at, member_role)
      VALUES ('api-key', $1, $2, $3, 'key', '', $4, now() + INTERVAL '1 day',
        (SELECT m.role FROM sallyport.memberships AS m
          WHERE m.tenant_id = $2 AND m.identity_id = $3)) RETURNING id`,
    [digestOf(proof), acme.id, identityId, permissions],
  );
  return { id: rows[0].id, proof };
}

async function proofFor({ proof }: { readonly proof: string }, login = ROLE): Promise<string> {
  const bearer = proof.startsWith('bearer ') ? { bearer: true as const } : {};
  const requirement = { proof, permission: null, ...bearer };
  const authorized = await authorizeWithProof(app.core, requirement, login);
  if ('refusal' in authorized) throw new Error(authorized.refusal);
  return authorized.proof;
}

/** As an application would: who it is, and what it sees of a table under row-level security. */
async function seenWith(proof: string, client = upstream) {
  await client.query('BEGIN');
  try {
    await client.query(`SELECT set_config('sallyport.proof', $1, true)`, [proof]);
    const { rows: notes } = await client.query('SELECT text FROM notes');
    const { rows } = await client.query(`SELECT sallyport.current_identity() AS identity,
      sallyport.current_tenant() AS tenant, sallyport.current_session() AS session,
      sallyport.has_permission('members:read') AS permitted`);
    return { ...rows[0], notes: notes.map(({ text }) => text) };
  } finally {
    await client.query('COMMIT');
  }
}

const NOBODY = { identity: null, tenant: null, session: null, permitted: false, notes: [] };

async function decided(
  proof: string,
  permission: string | null,
  { client = upstream, write = false } = {},
): Promise<string> {
  const name = write ? 'require_transaction_for_write' : 'require_transaction';
  return await client.query(`SELECT sallyport.${name}($1, $2)`, [proof, permission]).then(
    () => 'taken',
    (error: pg.DatabaseError) => String(error.code),
  );
}

describe('with it', () => {
  test('an application reads and writes as whoever the request is for, and only in its tenant [CWE-639]', async () => {
    const proof = await proofFor(ada);
    expect(await seenWith(proof)).toEqual({
      identity: ada.identityId,
      tenant: acme.id,
      session: null,
      permitted: true,
      notes: ['ours'],
    });
    for (const write of [false, true]) {
      expect(await decided(proof, null, { write })).toBe('taken');
      expect(await decided(proof, 'members:read', { write })).toBe('taken');
      expect(await decided(proof, 'invoices:read', { write })).toBe('SP403');
    }
    const writing = async (tenantId: string, text: string) => {
      await upstream.query('BEGIN');
      await upstream.query(`SELECT set_config('sallyport.proof', $1, true)`, [proof]);
      const done = upstream.query('INSERT INTO notes VALUES ($1, $2)', [tenantId, text]);
      const outcome = await done.then(() => 'written', String);
      await upstream.query('ROLLBACK');
      return outcome;
    };
    expect(await writing(acme.id, 'mine')).toBe('written');
    expect(await writing(globex.id, 'planted')).toContain('row-level security');
  });

  test('nothing is left for the next transaction of the connection [R-98]', async () => {
    await seenWith(await proofFor(ada));
    const { rows } = await upstream.query('SELECT text FROM notes');
    expect(rows).toEqual([]);
  });

  test('it is for the tenant of the request, which may be another than the session is in', async () => {
    const proof = await proofFor(ada);
    await app.admin.query('UPDATE sallyport.sessions SET tenant_id = NULL WHERE id = $1', [
      ada.sessionId,
    ]);
    expect(await seenWith(proof)).toMatchObject({ tenant: acme.id, notes: ['ours'] });
  });

  test('somebody in no tenant is somebody, and sees nothing of any', async () => {
    await app.admin.query('UPDATE sallyport.sessions SET tenant_id = NULL WHERE id = $1', [
      ada.sessionId,
    ]);
    const proof = await proofFor(ada);
    expect(await seenWith(proof)).toEqual({ ...NOBODY, identity: ada.identityId });
    expect(await decided(proof, null, { write: true })).toBe('taken');
    expect(await decided(proof, 'members:read')).toBe('SP403');
  });

  test('a bearer credential has what its own list and the role both have [CWE-269]', async () => {
    const key = await insertKey(ada.identityId, ['members:read']);
    const proof = await proofFor(key);
    expect(await seenWith(proof)).toMatchObject({ tenant: acme.id, permitted: true });
    for (const write of [false, true]) {
      expect(await decided(proof, 'members:read', { write })).toBe('taken');
      expect(await decided(proof, 'members:write', { write })).toBe('SP403');
    }
    const team = await upstream
      .query(`SELECT set_config('sallyport.proof', $1, false)`, [proof])
      .then(() => upstream.query(`SELECT sallyport.require_team('any', 'members:read')`))
      .catch((error: pg.DatabaseError) => error.code);
    expect(team).toBe('SP404');
    await upstream.query('RESET ALL');
  });

  test('it is made in the flush that decides, and not at all where that refuses', async () => {
    const refused = await authorizeWithProof(
      app.core,
      { proof: ada.proof, permission: 'nothing:like-it' },
      ROLE,
    );
    expect(refused).toEqual({ refusal: 'forbidden' });
    const forged = { proof: ada.proof, permission: null, synchronizerDigest: null };
    const written = await authorizeWithProof(app.core, forged, ROLE);
    expect(written).toEqual({ refusal: 'synchronizer-token-mismatch' });
    const { rows } = await app.admin.query('SELECT 1 FROM sallyport.transaction_proofs');
    expect(rows).toEqual([]);
  });

  test('only its digest is stored, and it is swept [ASVS 13.3.2]', async () => {
    const proof = await proofFor(ada);
    const { rows } = await app.admin.query('SELECT * FROM sallyport.transaction_proofs');
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(proof.split(' ')[1]);
    const seconds = (rows[0].expires_at - rows[0].created_at) / 1000;
    expect(seconds).toBe(20);
    await expire();
    for (const { sql } of SWEEP_STATEMENTS) await app.admin.query(sql);
    const { rows: left } = await app.admin.query('SELECT 1 FROM sallyport.transaction_proofs');
    expect(left).toEqual([]);
  });
});

async function expire(): Promise<void> {
  await app.admin.query(`UPDATE sallyport.transaction_proofs
    SET created_at = created_at - INTERVAL '21 seconds', expires_at = expires_at - INTERVAL '21 seconds'`);
}

/** What ends a session's or a key's authority, and so that of every proof made of it. */
const ENDS: readonly { readonly name: string; readonly sql: string }[] = [
  { name: 'it has expired', sql: `UPDATE sallyport.transaction_proofs SET expires_at = now()` },
  { name: 'the identity is disabled', sql: `UPDATE sallyport.identities SET disabled_at = now()` },
  {
    name: 'the session has ended, or the key is revoked',
    sql: `WITH ended AS (DELETE FROM sallyport.sessions) DELETE FROM sallyport.bearer_credentials`,
  },
  {
    name: 'the session or the key has expired',
    sql: `WITH ended AS (UPDATE sallyport.sessions SET expires_at = now())
      UPDATE sallyport.bearer_credentials SET expires_at = now()`,
  },
  {
    name: 'the session was idle, or the token is revoked',
    sql: `WITH idle AS (UPDATE sallyport.session_activity SET last_seen_at = now() - INTERVAL '2 hours')
      UPDATE sallyport.bearer_credentials SET revoked_at = now()`,
  },
];

describe('it ends at once when [ASVS 7.4.1] [ASVS 7.4.2]', () => {
  test.each(ENDS)('$name', async ({ sql }) => {
    const key = await insertKey(ada.identityId, ['members:read']);
    const proofs = [await proofFor(ada), await proofFor(key)];
    for (const proof of proofs) expect(await seenWith(proof)).toMatchObject({ notes: ['ours'] });
    await app.admin.query(sql);
    for (const proof of proofs) {
      expect(await seenWith(proof)).toEqual(NOBODY);
      expect(await decided(proof, null)).toBe('SP401');
      expect(await decided(proof, null, { write: true })).toBe('SP401');
    }
  });

  test('the membership ends: it is nobody in the tenant any more', async () => {
    const key = await insertKey(ada.identityId, ['members:read']);
    const proofs = [await proofFor(ada), await proofFor(key)];
    await app.admin.query('DELETE FROM sallyport.memberships WHERE identity_id = $1', [
      ada.identityId,
    ]);
    for (const proof of proofs) {
      expect(await seenWith(proof)).toMatchObject({ tenant: null, permitted: false, notes: [] });
      expect(await decided(proof, 'members:read')).toMatch(/SP40[13]/);
    }
  });

  test('the tenant waits for its deletion', async () => {
    const proofs = [
      await proofFor(ada),
      await proofFor(await insertKey(ada.identityId, ['members:read'])),
    ];
    await app.admin.query('UPDATE sallyport.tenants SET delete_after = now() WHERE id = $1', [
      acme.id,
    ]);
    for (const proof of proofs) expect(await seenWith(proof)).toMatchObject({ notes: [] });
    await app.admin.query('UPDATE sallyport.tenants SET delete_after = NULL WHERE id = $1', [
      acme.id,
    ]);
    for (const proof of proofs) expect(await seenWith(proof)).toMatchObject({ notes: ['ours'] });
  });

  test('while a write holds it, a sign-out waits for that', async () => {
    const proof = await proofFor(ada);
    await upstream.query('BEGIN');
    await upstream.query('SELECT sallyport.require_transaction_for_write($1, NULL)', [proof]);
    let ended = false;
    const ending = app.admin
      .query('DELETE FROM sallyport.sessions WHERE id = $1', [ada.sessionId])
      .then(() => (ended = true));
    const { rows } = await upstream.query(
      `SELECT pg_sleep(0.2), text FROM notes, (
      SELECT set_config('sallyport.proof', $1, true)) AS s`,
      [proof],
    );
    expect({ ended, notes: rows.length }).toEqual({ ended: false, notes: 1 });
    await upstream.query('COMMIT');
    await ending;
    expect(await decided(proof, null, { write: true })).toBe('SP401');
  });

  test('the session ends among fifty requests at once: none is without a proof or an answer', async () => {
    const outcome = async (index: number) => {
      if (index === 25) {
        await app.core.database.transaction(async (tx) => {
          await tx.deleteFrom('sallyport.sessions').where('id', '=', ada.sessionId).execute();
        });
        return 'ended';
      }
      const requirement = { proof: ada.proof, permission: null };
      const authorized = await authorizeWithProof(app.core, requirement, ROLE);
      return 'refusal' in authorized ? authorized.refusal : authorized.proof;
    };
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, index) => outcome(index)));
    const proofs = outcomes.filter((each) => each.startsWith('transaction '));
    for (const each of outcomes) expect(each).toMatch(/^(ended|not-signed-in|transaction )/);
    for (const proof of proofs) expect(await seenWith(proof)).toEqual(NOBODY);
  });
});

describe('it is of no use', () => {
  test('to whoever signs in to the database as another [CWE-441]', async () => {
    const proof = await proofFor(ada);
    expect(await seenWith(proof, other)).toEqual(NOBODY);
    expect(await decided(proof, null, { client: other })).toBe('SP401');
    // As whom somebody signed in cannot be changed by what they then say.
    for (const sql of [
      `SET SESSION AUTHORIZATION ${ROLE}`,
      `SET ROLE ${ROLE}`,
      `SELECT set_config('session_authorization', '${ROLE}', false)`,
    ]) {
      await expect(other.query(sql)).rejects.toMatchObject({ code: '42501' });
    }
    await other.query('SET ROLE sallyport_app');
    expect(await seenWith(proof, other)).toEqual(NOBODY);
    await other.query('RESET ROLE');
    expect(await seenWith(proof)).toMatchObject({ notes: ['ours'] });
  });

  test('as a cookie or as a bearer token [R-68] [ASVS 7.2.2]', async () => {
    const key = await insertKey(ada.identityId, ['members:read']);
    const proofs = [await proofFor(ada), await proofFor(key)];
    const secret = newSecret();
    await app.admin.query('UPDATE sallyport.sessions SET proof_digest = $1 WHERE id = $2', [
      digestOf(proofOf(secret)),
      ada.sessionId,
    ]);
    const statusOf = async (headers: Record<string, string>) =>
      (await ask(app.origin, '/api/session', { headers })).status;
    expect(await statusOf({ cookie: `${SESSION_COOKIE}=${secretText(secret)}` })).toBe(200);
    const changed = await changedBy(app.admin, async () => {
      for (const proof of proofs) {
        const bytes = Buffer.from(proof.split(' ').at(-1) ?? '', 'hex').toString('base64url');
        for (const text of [proof, encodeURIComponent(proof), bytes]) {
          expect(await statusOf({ cookie: `${SESSION_COOKIE}=${text}` })).not.toBe(200);
          expect(await statusOf({ authorization: `Bearer ${text}` })).not.toBe(200);
        }
      }
    });
    expect(changed).toEqual([]);
  });

  test('as the proof of a request: not for a route of the account, and not for another proof [R-68]', async () => {
    const key = await insertKey(ada.identityId, ['members:read']);
    for (const proof of [await proofFor(ada), await proofFor(key)]) {
      const changed = await changedBy(app.admin, async () => {
        for (const role of ['sallyport_app', 'sallyport_identity'] as const) {
          for (const form of [{}, { bearer: true as const }]) {
            const { synchronizerDigest } = ada;
            for (const access of [{}, { synchronizerDigest }]) {
              const requirement = { role, proof, permission: null, ...form, ...access };
              expect(await runAuthorized(app.core.database, requirement, [])).toEqual({
                refusal: 'not-signed-in',
              });
              expect(await authorizeWithProof(app.core, requirement, ROLE)).toEqual({
                refusal: 'not-signed-in',
              });
            }
          }
        }
      });
      expect(changed).toEqual([]);
    }
  });

  test('where something must have been proved anew [CWE-306]', async () => {
    const proof = await proofFor(ada);
    const step = async (carried: string) => {
      await upstream.query(`SELECT set_config('sallyport.proof', $1, false)`, [carried]);
      return await upstream.query('SELECT sallyport.require_step_up(300, 1)').then(
        () => 'fresh',
        (error: pg.DatabaseError) => String(error.code),
      );
    };
    expect(await step(proof)).toBe('SP440');
    expect(await step(ada.proof)).toBe('fresh');
    await upstream.query('RESET ALL');
  });

  test('to read or to make others: the application reaches no row of them [ASVS 13.2.2]', async () => {
    await proofFor(ada);
    for (const sql of [
      'SELECT * FROM sallyport.transaction_proofs',
      'DELETE FROM sallyport.transaction_proofs',
      `INSERT INTO sallyport.transaction_proofs (proof_digest, login, session_id, expires_at)
        VALUES (repeat('a', 64), '${ROLE}', '${ada.sessionId}', now() + INTERVAL '10 seconds')`,
      'SELECT * FROM sallyport.sessions',
    ]) {
      await expect(upstream.query(sql)).rejects.toMatchObject({ code: '42501' });
    }
  });
});

test('the rows say what they may be: of one thing, for at most 30 seconds', async () => {
  const key = await insertKey(ada.identityId, []);
  const insert = async (columns: string, values: string) =>
    await app.admin
      .query(
        `INSERT INTO sallyport.transaction_proofs (proof_digest, login, expires_at, ${columns})
          VALUES (repeat('b', 64), 'x', ${values})`,
      )
      .then(
        () => 'inserted',
        (error: pg.DatabaseError) => String(error.constraint),
      );
  const soon = `now() + INTERVAL '30 seconds'`;
  expect(
    await insert('session_id, credential_id', `${soon}, '${ada.sessionId}', '${key.id}'`),
  ).toBe('transaction_proofs_of_one');
  expect(await insert('session_id', `${soon}, NULL`)).toBe('transaction_proofs_of_one');
  const late = `now() + INTERVAL '31 seconds'`;
  expect(await insert('session_id', `${late}, '${ada.sessionId}'`)).toBe(
    'transaction_proofs_seconds',
  );
  expect(await insert('session_id', `${soon}, '${ada.sessionId}'`)).toBe('inserted');
});
