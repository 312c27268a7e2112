import type { MomentText } from './account-texts.ts';
import type { MailTexts } from './mail-texts.ts';
import type { TitledText } from './texts.ts';

/** A tenant as the header offers it. */
export interface SwitcherTenant {
  readonly id: string;
  readonly name: string;
  readonly active: boolean;
}

/** On the host of a tenant: where the main pages are, and those of each tenant, without a path. */
export interface OtherHosts {
  readonly main: string;
  readonly tenant: (slug: string) => string;
}

/** Where the pages are read, and by whom: not texts, but every page needs them with its texts. */
export interface Surroundings {
  /** Where an app has mounted the pages, such as `/accounts`: see pathOf. */
  readonly mount?: string;
  /** The tenants of whoever is signed in: the header has a way between them. */
  readonly switcher?: readonly SwitcherTenant[];
  /** What the reader may do in their tenant: pages that they may not see are not linked to. */
  readonly permissions?: readonly string[] | undefined;
  /** Where tenants have hosts of their own and the reader is on one; null elsewhere. */
  readonly otherHosts?: OtherHosts | null;
}

/** The pages of a tenant. */
export type TenantSection =
  | 'members'
  | 'teams'
  | 'invitations'
  | 'roles'
  | 'keys'
  | 'events'
  | 'settings';

/** What has just been done, told at the top of the tenant's page that follows. */
export type TenantNotice =
  | 'tenant-saved'
  | 'member-changed'
  | 'member-removed'
  | 'factor-reset'
  | 'roles-saved'
  | 'role-made'
  | 'role-deleted'
  | 'team-made'
  | 'team-saved'
  | 'team-deleted'
  | 'team-member-changed'
  | 'invited'
  | 'invitation-withdrawn'
  | 'key-revoked';

export type BuiltInRoleName = 'owner' | 'admin' | 'member' | 'viewer';

/** The product's own permissions, each as what it lets somebody do. */
export type OwnPermissionName =
  | 'tenant:read'
  | 'tenant:write'
  | 'tenant:delete'
  | 'tenant:policy'
  | 'members:read'
  | 'members:write'
  | 'members:recover'
  | 'roles:read'
  | 'roles:write'
  | 'teams:read'
  | 'teams:write'
  | 'invitations:read'
  | 'invitations:write'
  | 'events:read'
  | 'keys:read'
  | 'keys:write';

/** What a tenant may ask of the proofs of its members, and with what they may prove. */
export type PolicyProof = 'any' | 'second-factor' | 'passkey';
export type PolicyAuthenticator = 'passkey' | 'password' | 'provider' | 'totp' | 'recovery-code';

export interface TenantsTexts {
  readonly title: string;
  readonly lead: string;
  readonly none: string;
  readonly choose: TitledText;
  readonly active: string;
  readonly enter: string;
  readonly restore: string;
  readonly deletesAt: MomentText;
  readonly create: string;
  readonly createTitle: string;
  readonly createLead: string;
  readonly slugHint: string;
  readonly switcher: { readonly label: string; readonly submit: string; readonly others: string };
  readonly sections: Readonly<Record<TenantSection, string>>;
  readonly notices: Readonly<Record<TenantNotice, string>>;
  readonly roles: Readonly<Record<BuiltInRoleName, string>>;
  readonly permissions: Readonly<Record<OwnPermissionName, string>>;
  readonly settings: {
    readonly lead: string;
    readonly submit: string;
    readonly leaveTitle: string;
    readonly leaveLead: string;
    readonly leave: string;
    readonly deleteTitle: string;
    readonly deleteLead: (graceDays: number) => string;
    readonly deleteOpen: string;
    readonly deleteSubmit: string;
    readonly policyTitle: string;
    readonly policyLead: string;
    readonly policyOpen: string;
  };
  readonly policy: {
    readonly lead: string;
    readonly memberProof: string;
    readonly proofs: Readonly<Record<PolicyProof, string>>;
    readonly authenticators: string;
    readonly authenticatorsHint: string;
    readonly methods: Readonly<Record<PolicyAuthenticator, string>>;
  };
  readonly members: {
    readonly lead: (total: string) => string;
    readonly many: string;
    readonly search: string;
    readonly searchHint: string;
    readonly find: string;
    readonly all: string;
    readonly found: string;
    readonly nothing: string;
    readonly you: string;
    readonly role: string;
    readonly change: string;
    readonly remove: string;
    readonly removeTitle: string;
    readonly removeLead: string;
    readonly reset: string;
    readonly resetTitle: string;
    readonly resetLead: string;
    readonly resetSubmit: string;
    readonly next: string;
  };
  /** To its owners, who know it by its slug: what somebody typed is in no mail. */
  readonly mails: {
    readonly deletion: MailTexts<[slug: string, deletesAt: string]>;
    readonly restored: MailTexts<[slug: string]>;
  };
  readonly rolesPage: {
    readonly lead: string;
    readonly table: string;
    readonly permission: string;
    readonly yes: string;
    readonly no: string;
    readonly save: string;
    readonly level: string;
    readonly levelHint: string;
    readonly makeTitle: string;
    readonly makeLead: string;
    readonly nameLabel: string;
    readonly nameHint: string;
    readonly make: string;
    readonly deleteTitle: string;
    readonly delete: string;
  };
}
