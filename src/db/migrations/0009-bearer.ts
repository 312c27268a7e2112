import type { Engine } from '../engine.ts';
import { grantTables, type TableGrant } from '../grants.ts';
import type { MigrationStatement } from '../migration-statements.ts';

/** Keys with which we sign what others verify. */
export function bearer(_engine: Engine): readonly MigrationStatement[] {
  return [...signingKeys(), ...grantTables(BEARER_GRANTS)];
}

export const BEARER_GRANTS: readonly TableGrant[] = [
  {
    id: 'signing-keys',
    on: ['signing_keys'],
    privileges: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
    to: ['sallyport_identity'],
  },
];

function signingKeys(): readonly MigrationStatement[] {
  return [
    {
      // A key is published before it signs, so that whoever keeps a copy of the set knows it by
      // then, and as long as something that it signed may still be valid. The private half is
      // encrypted with a key that the database does not have, and erased once it signs no more.
      id: 'signing-keys',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.signing_keys (
        kid TEXT NOT NULL PRIMARY KEY,
        public_jwk TEXT NOT NULL,
        private_key TEXT,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        signs_from TIMESTAMPTZ NOT NULL,
        signs_until TIMESTAMPTZ,
        published_until TIMESTAMPTZ,
        CONSTRAINT signing_keys_overlap CHECK (published_until >= signs_until AND signs_until >= signs_from)
      )`,
    },
  ];
}
