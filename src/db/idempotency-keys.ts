import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { sqlState } from './errors.ts';
import { OWN_IDENTITY, OWN_TENANT } from './first-wall.ts';
import { IDEMPOTENCY_KEY, NO_TENANT } from './migrations/0003-idempotency.ts';

/** What a request does at most once: its key, and which request it is. */
export interface Marker {
  /** Of the key's text and the route; principal and tenant are columns of their own. */
  readonly keyDigest: string;
  /** Of all that the request asks for. */
  readonly fingerprint: string;
  /** Random: tells what this request has committed from what another with its key has. */
  readonly holder: string;
}

/** What was committed under a key. */
export interface DoneRequest {
  readonly fingerprint: string;
  readonly holder: string;
  /** Encrypted; null while it is not known. */
  readonly answer: string | null;
  readonly ageSeconds: number;
}

/** How long a key is remembered, by the database's clock. */
const IN_FORCE = sql<Date>`now() + INTERVAL '24 hours'`;

const OWN_TENANT_OR_NONE = sql<string>`COALESCE(${OWN_TENANT}, ${sql.lit(NO_TENANT)}::UUID)`;

/**
 * Looks the request's own key up, behind a decision (authorization.ts), and takes one away that has
 * expired, in whose place another may then be put. The result of the second says what was found.
 */
export function lookUpKey(keyDigest: string): readonly [Statement, Statement] {
  return [
    build
      .deleteFrom('sallyport.idempotency_keys')
      .where('identity_id', '=', OWN_IDENTITY)
      .where('tenant_id', '=', OWN_TENANT_OR_NONE)
      .where('key_digest', '=', keyDigest)
      .where('expires_at', '<=', sql<Date>`now()`)
      .compile(),
    build
      .selectFrom('sallyport.idempotency_keys')
      .where('identity_id', '=', OWN_IDENTITY)
      .where('tenant_id', '=', OWN_TENANT_OR_NONE)
      .where('key_digest', '=', keyDigest)
      .where('expires_at', '>', sql<Date>`now()`)
      .select(['fingerprint', 'holder', 'answer'])
      .select(sql<number>`CAST(extract(epoch FROM now() - created_at) AS INT4)`.as('ageSeconds'))
      .compile(),
  ];
}

/** Fails, and with it all of its transaction, where the key is taken: see isKeyTaken. */
export function insertMarker({ keyDigest, fingerprint, holder }: Marker): Statement {
  return build
    .insertInto('sallyport.idempotency_keys')
    .values({
      identity_id: OWN_IDENTITY,
      tenant_id: OWN_TENANT_OR_NONE,
      key_digest: keyDigest,
      fingerprint,
      holder,
      expires_at: IN_FORCE,
    })
    .compile();
}

/** Keeps the answer of what this request has committed; nothing where it has committed nothing. */
export function keepAnswer({ keyDigest, holder }: Marker, answer: string): Statement {
  return build
    .updateTable('sallyport.idempotency_keys')
    .set({ answer })
    .where('identity_id', '=', OWN_IDENTITY)
    .where('tenant_id', '=', OWN_TENANT_OR_NONE)
    .where('key_digest', '=', keyDigest)
    .where('holder', '=', holder)
    .compile();
}

/** The same, and also for a request that had nothing to commit; never over another's answer. */
export function insertOrKeepAnswer(marker: Marker, answer: string): Statement {
  const { keyDigest, fingerprint, holder } = marker;
  return build
    .insertInto('sallyport.idempotency_keys')
    .values({
      identity_id: OWN_IDENTITY,
      tenant_id: OWN_TENANT_OR_NONE,
      key_digest: keyDigest,
      fingerprint,
      holder,
      answer,
      expires_at: IN_FORCE,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['identity_id', 'tenant_id', 'key_digest'])
        .doUpdateSet({ answer: (row) => row.ref('excluded.answer') })
        .where(sql<boolean>`idempotency_keys.holder = excluded.holder`),
    )
    .compile();
}

/** The key is another's: whatever else was in the transaction was not done. */
export function isKeyTaken(error: unknown): boolean {
  return (
    sqlState(error) === '23505' && Reflect.get(error as Error, 'constraint') === IDEMPOTENCY_KEY
  );
}
