import type { Engine } from '../engine.ts';
import type { MigrationStatement } from '../migration-statements.ts';

/** Accounts without a password. */
export function proofs(_engine: Engine): readonly MigrationStatement[] {
  return [...signUps()];
}

/** Whoever follows the link of one without a password gives its account what opens it. */
function signUps(): readonly MigrationStatement[] {
  return [
    {
      id: 'sign-ups-without-password',
      sql: `ALTER TABLE sallyport.sign_ups ALTER COLUMN password_hash DROP NOT NULL`,
    },
    {
      // A passkey is made for the id of its owner (WebAuthn 14.6.1), who is not there yet.
      id: 'sign-ups-identity',
      sql: `ALTER TABLE sallyport.sign_ups ADD COLUMN IF NOT EXISTS identity_id UUID NOT NULL DEFAULT gen_random_uuid()`,
    },
  ];
}
