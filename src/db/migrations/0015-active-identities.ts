import { type Engine, generatedAs } from '../engine.ts';
import type { MigrationStatement } from '../migration-statements.ts';
import { type BearerForm, bearerLookUps, LOOKED_UP, MEMBER_OF_CREDENTIAL } from './0009-bearer.ts';
import { lookUps } from './0014-transaction-proofs.ts';

/**
 * Whether its identity is active stands in each bearer credential, copied by the foreign key
 * (decisions/017): a request with one looks up no more rows than a request with a session.
 */
export function activeIdentities(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      id: 'identities-active',
      sql: `ALTER TABLE sallyport.identities ADD COLUMN IF NOT EXISTS active BOOL NOT NULL ${generatedAs(engine, 'disabled_at IS NULL AND delete_after IS NULL')}`,
    },
    {
      id: 'identities-by-active',
      sql: `CREATE UNIQUE INDEX IF NOT EXISTS identities_active ON sallyport.identities (id, active)`,
    },
    {
      id: 'bearer-credentials-identity-active',
      sql: `ALTER TABLE sallyport.bearer_credentials ADD COLUMN IF NOT EXISTS identity_active BOOL NOT NULL DEFAULT TRUE`,
    },
    {
      id: 'bearer-credentials-identity-active-copied',
      sql: `UPDATE sallyport.bearer_credentials AS b SET identity_active = i.active
        FROM sallyport.identities AS i WHERE i.id = b.identity_id AND b.identity_active <> i.active`,
    },
    {
      id: 'bearer-credentials-identity-drop',
      sql: `ALTER TABLE sallyport.bearer_credentials DROP CONSTRAINT IF EXISTS bearer_credentials_identity`,
    },
    {
      id: 'bearer-credentials-identity',
      sql: `ALTER TABLE sallyport.bearer_credentials ADD CONSTRAINT bearer_credentials_identity
        FOREIGN KEY (identity_id, identity_active) REFERENCES sallyport.identities (id, active) ON DELETE CASCADE ON UPDATE CASCADE`,
    },
    {
      // The foreign key asks for the credentials of an identity that changes.
      id: 'bearer-credentials-by-identity',
      sql: `CREATE INDEX IF NOT EXISTS bearer_credentials_by_identity ON sallyport.bearer_credentials (identity_id)`,
    },
    ...lookUps(engine, bearerLookUps(engine, IDENTITY_COPIED)),
  ];
}

/** Whether the identity is active stands in the credential; its membership is looked up. */
const IDENTITY_COPIED: BearerForm = {
  ...LOOKED_UP,
  from: `sallyport.bearer_credentials AS b${MEMBER_OF_CREDENTIAL}`,
  alive: `b.identity_active
            AND m.tenant_kept`,
};
