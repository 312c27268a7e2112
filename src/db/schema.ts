import type { Generated } from 'kysely';
import type { Decision } from './refusals.ts';
import type { FactorTables } from './factor-schema.ts';
import type { ProviderTables } from './provider-schema.ts';
import type { TeamTables } from './team-schema.ts';

/**
 * The tables of the schema `sallyport`, as Kysely sees them. Columns are explained in migrations/.
 */
export interface Tables extends FactorTables, ProviderTables, TeamTables {
  'sallyport.identities': {
    id: Generated<string>;
    disabled_at: Date | null;
    delete_after: Date | null;
    created_at: Generated<Date>;
  };
  'sallyport.email_addresses': {
    folded: string;
    identity_id: string;
    address: string;
    proved_at: Generated<Date>;
  };
  'sallyport.passwords': {
    identity_id: string;
    hash: string;
    leak_check: Generated<'due' | 'passed' | 'failed'>;
    changed_at: Generated<Date>;
  };
  'sallyport.sign_ups': {
    folded: string;
    browser_digest: string;
    token_digest: string;
    token_suffices: boolean;
    password_tries: Generated<number>;
    address: string;
    display_name: string;
    password_hash: string | null;
    identity_id: Generated<string>;
    created_at: Generated<Date>;
    expires_at: Date;
  };
  'sallyport.one_time_tokens': {
    purpose: 'email-confirmation';
    digest: string;
    folded: string;
    created_at: Generated<Date>;
    expires_at: Date;
    consumed_at: Date | null;
  };
  'sallyport.sessions': {
    id: Generated<string>;
    proof_digest: string;
    identity_id: string;
    tenant_id: string | null;
    synchronizer_generation: Generated<number>;
    selection_key: Generated<string>;
    synchronizer_digest: string;
    browser: string | null;
    system: string | null;
    aal: Generated<number>;
    amr: Generated<readonly string[]>;
    authenticator_id: string | null;
    authenticated_at: Generated<Date>;
    created_at: Generated<Date>;
    expires_at: Date;
    active_until: Generated<Date>;
    member_id: string | null;
    member_role: string | null;
    member_kept: boolean | null;
    member_policy: string | null;
  };
  'sallyport.session_activity': {
    session_id: string;
    last_seen_at: Generated<Date>;
    longest_pause: Generated<string>;
  };
  'sallyport.profiles': {
    identity_id: string;
    display_name: string;
    updated_at: Generated<Date>;
  };
  'sallyport.email_changes': {
    identity_id: string;
    token_digest: string;
    old_folded: string;
    folded: string;
    address: string;
    created_at: Generated<Date>;
    expires_at: Date;
  };
  'sallyport.email_reversions': {
    token_digest: string;
    identity_id: string;
    folded: string;
    address: string;
    created_at: Generated<Date>;
    expires_at: Date;
  };
  'sallyport.budgets': {
    digest: string;
    kind: string;
    quota: number;
    seconds: number;
    seconds_max: number;
    spent: number;
    rounds: number;
    ends_at: Date;
    expires_at: Date;
  };
  'sallyport.recoveries': {
    folded: string;
    identity_id: string | null;
    token_digest: string;
    created_at: Generated<Date>;
    expires_at: Date;
  };
  'sallyport.devices': {
    identity_id: string;
    secret_digest: string;
    created_at: Generated<Date>;
    used_at: Generated<Date>;
    expires_at: Date;
  };
  'sallyport.idempotency_keys': {
    identity_id: string;
    tenant_id: string;
    key_digest: string;
    fingerprint: string;
    holder: string;
    answer: string | null;
    created_at: Generated<Date>;
    expires_at: Date;
  };
  'sallyport.outbox': {
    id: Generated<string>;
    body: string | null;
    attempts: Generated<number>;
    created_at: Generated<Date>;
    next_attempt_at: Generated<Date>;
    expires_at: Date;
    sent_at: Date | null;
  };
  'sallyport.security_events': {
    id: Generated<string>;
    at: Generated<Date>;
    kind: string;
    outcome: 'success' | 'failure';
    reason: Generated<string | null>;
    details: Generated<string>;
    identity_id: string | null;
    tenant_id: Generated<string | null>;
    actor_id: string | null;
    session_id: string | null;
    request_id: string | null;
    address: string | null;
    browser: string | null;
    system: string | null;
  };
  'sallyport.bearer_credentials': {
    id: Generated<string>;
    kind: 'api-key' | 'external-token';
    proof_digest: string;
    tenant_id: string;
    identity_id: string;
    identity_active: Generated<boolean>;
    member_role: string | null;
    member_kept: Generated<boolean>;
    title: string;
    hint: string;
    permissions: string[] | null;
    issuer: string | null;
    token_id: string | null;
    token_expires_at: Date | null;
    created_at: Generated<Date>;
    expires_at: Date;
    revoked_at: Date | null;
  };
  'sallyport.transaction_proofs': {
    proof_digest: string;
    login: string;
    session_id: string | null;
    credential_id: string | null;
    tenant_id: string | null;
    created_at: Generated<Date>;
    expires_at: Date;
  };
  'sallyport.token_revocations': {
    identity_id: string;
    issued_until: Date;
  };
  'sallyport.bearer_activity': {
    credential_id: string;
    last_used_at: Generated<Date>;
  };
  'sallyport.signing_keys': {
    kid: string;
    public_jwk: string;
    private_key: string | null;
    created_at: Generated<Date>;
    signs_from: Date;
    signs_until: Date | null;
    published_until: Date | null;
  };
  'sallyport.tenants': {
    id: Generated<string>;
    slug: string;
    name: string;
    delete_after: Date | null;
    created_at: Generated<Date>;
    member_proof: Generated<'any' | 'second-factor' | 'passkey'>;
    idle_minutes: Generated<number>;
    proof_minutes: Generated<number>;
    authenticators: Generated<string>;
  };
  'sallyport.permissions': {
    name: string;
    roles: readonly string[];
    team_roles: readonly string[];
  };
  'sallyport.roles': {
    tenant_id: string;
    name: string;
    title: Generated<string>;
    level: number;
    built_in: Generated<boolean>;
    permissions: readonly string[];
  };
  'sallyport.member_words': {
    tenant_id: string;
    word: Buffer;
    identity_id: string;
    source: 'name' | 'address';
  };
  'sallyport.memberships': {
    tenant_id: string;
    identity_id: string;
    role: string;
    sort_name: string;
    tenant_policy: Generated<string>;
    created_at: Generated<Date>;
  };
  'sallyport.security_event_retention': {
    singleton: Generated<boolean>;
    days: number;
  };
  'sallyport.refusals': {
    request_id: string;
    at: Generated<Date>;
    code: string;
    identity_id: string | null;
    session_id: string | null;
    tenant_id: string | null;
    role: string | null;
    decision: Decision;
    expires_at: Date;
  };
  'sallyport.encryption_key': {
    singleton: Generated<boolean>;
    fingerprint: string;
  };
}
