import type { Generated } from 'kysely';

/** The tables of accounts at external providers, as Kysely sees them. */
export interface ProviderTables {
  'sallyport.provider_links': {
    id: Generated<string>;
    identity_id: string;
    issuer: string;
    subject: string;
    address: string;
    created_at: Generated<Date>;
    last_used_at: Generated<Date | null>;
  };
  'sallyport.provider_flows': {
    digest: string;
    purpose: 'sign-in' | 'link' | 're-authentication';
    issuer: string;
    session_id: string | null;
    return_to: string | null;
    created_at: Generated<Date>;
    expires_at: Date;
  };
}
