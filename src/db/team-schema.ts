import type { Generated } from 'kysely';

/** The tables of teams and invitations; see schema.ts. */
export interface TeamTables {
  'sallyport.teams': {
    tenant_id: string;
    id: Generated<string>;
    slug: string;
    name: string;
    created_at: Generated<Date>;
  };
  'sallyport.team_members': {
    tenant_id: string;
    team_id: string;
    identity_id: string;
    role: 'lead' | 'member';
    created_at: Generated<Date>;
  };
  'sallyport.invitations': {
    tenant_id: string;
    id: Generated<string>;
    folded: string;
    address: string;
    role: string;
    token_digest: string;
    invited_by: string;
    created_at: Generated<Date>;
    expires_at: Date;
  };
}
