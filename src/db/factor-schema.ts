import type { Generated } from 'kysely';

/** The tables of authenticators, and of what is under way with them, as part of `Tables`. */
export interface FactorTables {
  'sallyport.sign_in_flows': {
    digest: string;
    identity_id: string;
    password_digest: string | null;
    link_id: string | null;
    return_to: string | null;
    tries: Generated<number>;
    created_at: Generated<Date>;
    expires_at: Date;
  };
  'sallyport.totp_authenticators': {
    id: Generated<string>;
    identity_id: string;
    secret: string;
    last_step: string;
    created_at: Generated<Date>;
    last_used_at: Generated<Date>;
  };
  'sallyport.totp_enrolments': {
    identity_id: string;
    session_id: string;
    secret: string;
    created_at: Generated<Date>;
    expires_at: Date;
  };
  'sallyport.passkeys': {
    id: Generated<string>;
    identity_id: string;
    credential_id: string;
    public_key: string;
    sign_count: string;
    transports: readonly string[];
    backed_up: boolean;
    name: string;
    created_at: Generated<Date>;
    last_used_at: Generated<Date | null>;
  };
  'sallyport.passkey_challenges': {
    digest: string;
    expires_at: Date;
  };
  'sallyport.recovery_codes': {
    identity_id: string;
    digest: string;
    created_at: Generated<Date>;
    used_at: Date | null;
  };
  'sallyport.factor_resets': {
    tenant_id: string;
    identity_id: string;
    folded: string;
    token_digest: string;
    created_at: Generated<Date>;
    expires_at: Date;
  };
}
