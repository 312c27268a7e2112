import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { derivedPassword } from '../../src/core/encryption.ts';
import type { Statement } from '../../src/db/batch.ts';
import type { Role, ServerLogins } from '../../src/db/database.ts';
import { COPY_MEMBERSHIPS } from '../../src/db/session-tenant.ts';
import { TEST_KEY } from '../support/test-key.ts';

/** The logins of the product's two roles, as openManaged makes them. */
export function loginsOf(url: string): ServerLogins {
  return {
    engine: 'postgresql',
    app: { connectionString: loginUrl(url, 'sallyport_app') },
    identity: { connectionString: loginUrl(url, 'sallyport_identity') },
  };
}

export function loginUrl(url: string, role: Role): string {
  const login = new URL(url);
  login.username = role;
  login.password = derivedPassword(TEST_KEY, role);
  return login.href;
}

/** Carries a proof into a batch without a decision. */
export function carrying(proof: string): readonly Statement[] {
  return [{ sql: `SELECT set_config('sallyport.proof', $1, true)`, parameters: [proof] }];
}

/** Somebody with a live session, written as rows behind the product's back. */
export interface TestPrincipal {
  readonly identityId: string;
  readonly sessionId: string;
  /** Hex, as the process would send it. */
  readonly proof: string;
  readonly synchronizerDigest: string;
  readonly email: string;
  readonly displayName: string;
}

export async function insertPrincipal(
  admin: pg.Client,
  name: string,
  tenantId: string | null = null,
): Promise<TestPrincipal> {
  const tag = randomBytes(6).toString('hex');
  const email = `${name}.${tag}@example.com`;
  const displayName = `${name} ${tag}`;
  const identityId = await insertedId(admin, 'INSERT INTO sallyport.identities DEFAULT VALUES');
  const rows = [
    [
      'INSERT INTO sallyport.email_addresses (folded, identity_id, address) VALUES ($2, $1, $2)',
      email,
    ],
    ['INSERT INTO sallyport.passwords (identity_id, hash) VALUES ($1, $2)', `$argon2id$${tag}`],
    ['INSERT INTO sallyport.profiles (identity_id, display_name) VALUES ($1, $2)', displayName],
  ] as const;
  for (const [sql, value] of rows) await admin.query(sql, [identityId, value]);
  const session = await insertSessionOf(admin, identityId, tenantId);
  return { identityId, email, displayName, ...session };
}

/** A further live session of an identity. */
export async function insertSessionOf(
  admin: pg.Client,
  identityId: string,
  tenantId: string | null = null,
): Promise<{ sessionId: string; proof: string; synchronizerDigest: string }> {
  const proof = randomBytes(32).toString('hex');
  const synchronizerDigest = sha256(randomBytes(32));
  const sessionId = await insertedId(
    admin,
    `INSERT INTO sallyport.sessions (proof_digest, identity_id, tenant_id, synchronizer_digest, expires_at, active_until)
      VALUES ($1, $2, $3, $4, now() + INTERVAL '1 hour', now() + INTERVAL '1 hour')`,
    [sha256(proof), identityId, tenantId, synchronizerDigest],
  );
  await admin.query('INSERT INTO sallyport.session_activity (session_id) VALUES ($1)', [sessionId]);
  await admin.query(`${COPY_MEMBERSHIPS} AND s.id = $1`, [sessionId]);
  return { sessionId, proof, synchronizerDigest };
}

export function sha256(value: string | Buffer): string {
  return createHash('sha256').update(value).digest('hex');
}

async function insertedId(admin: pg.Client, sql: string, values: unknown[] = []): Promise<string> {
  const { rows } = await admin.query<{ id: string }>(`${sql} RETURNING id`, values);
  return rows[0]?.id ?? '';
}
