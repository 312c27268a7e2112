import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import {
  digestOf,
  newSecret,
  proofOf,
  type Secret,
  secretText,
  synchronizerTokenOf,
} from '../src/core/secret.ts';
import { COPY_MEMBERSHIPS } from '../src/db/session-tenant.ts';
import { maskToken } from '../src/http/synchronizer-token.ts';

/** Somebody signed in to a tenant, and one of the tenant's invoices. */
export interface Person {
  readonly tenantId: string;
  readonly identityId: string;
  readonly invoiceId: string;
  readonly secret: Secret;
}

export interface Size {
  readonly tenants: number;
  readonly identities: number;
  readonly invoices: number;
}

/** Enough that an index is needed, few enough to be made in seconds. */
export const SIZE: Size = { tenants: 1_000, identities: 20_000, invoices: 100_000 };

/** Who asks: spread over all tenants, and enough that no row is read all the time. */
const PEOPLE = 1_000;

export const CREATE_INVOICES = `CREATE TABLE invoices (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  customer TEXT NOT NULL,
  number INT4 NOT NULL,
  total INT4 NOT NULL,
  PRIMARY KEY (tenant_id, id)
)`;

/**
 * Fills the tables. Number n of the identities and of the invoices belongs to the tenant n, counted
 * around; everybody is signed in, and the people that are answered have their secrets too.
 */
export async function fillInvoices(database: pg.Client, size: Size): Promise<readonly Person[]> {
  const { tenants, identities, invoices } = size;
  const asking = Array.from({ length: PEOPLE }, (_, index) => {
    const number = (index + 1) * (tenants / PEOPLE);
    return { number, person: personOf(number, index, size) };
  });
  const fills: readonly [string, readonly unknown[]][] = [
    [
      `INSERT INTO sallyport.tenants (id, name)
        SELECT md5('tenant ' || n)::UUID, 'Tenant ' || n FROM generate_series(1, $1::INT4) AS n`,
      [tenants],
    ],
    [
      `INSERT INTO sallyport.roles (tenant_id, name, permissions)
        SELECT id, 'bookkeeper', ARRAY['invoices:read', 'invoices:write'] FROM sallyport.tenants`,
      [],
    ],
    [
      `INSERT INTO sallyport.identities (id)
        SELECT md5('identity ' || n)::UUID FROM generate_series(1, $1::INT4) AS n`,
      [identities],
    ],
    [
      `INSERT INTO sallyport.memberships (tenant_id, identity_id, role)
        SELECT md5('tenant ' || (n - 1) % $2::INT4 + 1)::UUID, md5('identity ' || n)::UUID,
            'bookkeeper' FROM generate_series(1, $1::INT4) AS n`,
      [identities, tenants],
    ],
    [
      `INSERT INTO sallyport.sessions (proof_digest, synchronizer_digest, identity_id, tenant_id,
          expires_at, active_until)
        SELECT COALESCE(p.proof_digest, encode(sha256(('session ' || n)::BYTEA), 'hex')),
            COALESCE(p.synchronizer_digest, repeat('0', 64)), md5('identity ' || n)::UUID,
            md5('tenant ' || (n - 1) % $2::INT4 + 1)::UUID, now() + INTERVAL '11 hours',
            now() + INTERVAL '1 hour'
          FROM generate_series(1, $1::INT4) AS n
          LEFT JOIN unnest($3::INT4[], $4::TEXT[], $5::TEXT[])
            AS p (n, proof_digest, synchronizer_digest) USING (n)`,
      [
        identities,
        tenants,
        asking.map(({ number }) => number),
        asking.map(({ person }) => digestOf(proofOf(person.secret))),
        asking.map(({ person }) => digestOf(synchronizerTokenOf(person.secret, 1))),
      ],
    ],
    ['INSERT INTO sallyport.session_activity (session_id) SELECT id FROM sallyport.sessions', []],
    [COPY_MEMBERSHIPS, []],
    [
      `INSERT INTO invoices (tenant_id, id, customer, number, total)
        SELECT md5('tenant ' || (n - 1) % $2::INT4 + 1)::UUID, md5('invoice ' || n)::UUID,
            'Customer ' || n, n, n % 1000 FROM generate_series(1, $1::INT4) AS n`,
      [invoices, tenants],
    ],
    ['VACUUM ANALYZE', []],
    // Else who reads first writes what the filling left in memory.
    ['CHECKPOINT', []],
  ];
  for (const [sql, values] of fills) await database.query(sql, [...values]);
  return asking.map(({ person }) => person);
}

/**
 * Everybody was just seen, as at any moment of steady use. When somebody was last seen is written
 * once a minute, and of people who were all filled in at once every first request would write.
 */
export async function seeEverybody(client: pg.Client, people: readonly Person[]): Promise<void> {
  await client.query(
    `UPDATE sallyport.session_activity AS a SET last_seen_at = now() FROM sallyport.sessions AS s
      WHERE s.id = a.session_id AND s.identity_id = ANY ($1::UUID[])`,
    [people.map(({ identityId }) => identityId)],
  );
}

/** The request that a script of the product's own origin would send with this person's session. */
export function ownHeaders(origin: string, { secret }: Person): Record<string, string> {
  return {
    cookie: `__Host-session=${secretText(secret)}`,
    origin,
    'sec-fetch-site': 'same-origin',
    'content-type': 'application/json',
    'x-csrf-token': maskToken(synchronizerTokenOf(secret, 1), randomBytes(32)),
  };
}

function personOf(number: number, index: number, { tenants, invoices }: Size): Person {
  const ofTheTenants = index % (invoices / tenants);
  return {
    tenantId: uuidOf(`tenant ${number}`),
    identityId: uuidOf(`identity ${number}`),
    invoiceId: uuidOf(`invoice ${number + tenants * ofTheTenants}`),
    secret: newSecret(),
  };
}

/** As PostgreSQL turns an MD5 digest into a UUID. */
function uuidOf(text: string): string {
  const hex = createHash('md5').update(text).digest('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
