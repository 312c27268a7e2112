import { invitationsPage } from '../../src/pages/invitations.tsx';
import { membersPage, removeMemberPage, resetMemberPage } from '../../src/pages/members.tsx';
import { rolesPage } from '../../src/pages/roles.tsx';
import { tenantEventsPage } from '../../src/pages/tenant-events.tsx';
import { deleteTeamPage, teamPage } from '../../src/pages/team.tsx';
import { teamsPage } from '../../src/pages/teams.tsx';
import { tenantPolicyPage } from '../../src/pages/tenant-policy.tsx';
import {
  deleteTenantPage,
  leaveTenantPage,
  tenantSettingsPage,
} from '../../src/pages/tenant-settings.tsx';
import { newTenantPage, tenantsPage } from '../../src/pages/tenants.tsx';
import type { Texts } from '../../src/pages/texts.ts';
import { events, type Values } from './samples.ts';

const ID = '5b0e6f3a-52f5-4c5e-9c6e-0d7a3f1b2c4d';
const deletesAt = new Date('2026-03-15T12:00:00Z');
const OTHER_HOSTS = { main: 'http://127.0.0.1:4000', tenant: () => 'http://127.0.0.1:4000' };

/** Every page of a tenant in every state, made from the same values. */
export function tenantPages(values: Values, plain: Texts): Record<string, string> {
  const { csrfToken, displayName: name, email, returnTo, text } = values;
  const texts = {
    ...plain,
    switcher: [
      { id: ID, name, active: true },
      { id: ID, name: text, active: false },
    ],
  };
  const errors = [
    { field: 'name', reason: 'required' },
    { field: 'slug', reason: 'slug-taken' },
    { field: 'nothing', reason: 'unknown-field' },
  ];
  const tenants = [
    { id: ID, slug: 'acme', name, role: 'owner', active: true, deletesAt: null },
    { id: ID, slug: 'globex', name, role: text, active: false, deletesAt: null },
    { id: ID, slug: 'initech', name, role: 'owner', active: false, deletesAt },
    { id: ID, slug: 'umbrella', name, role: 'viewer', active: false, deletesAt },
  ];
  const may = { mayWrite: true, mayDelete: true, mayAsk: true };
  const settings = { csrfToken, name, slug: text, graceDays: 30, ...may };
  const policy = {
    memberProof: 'second-factor',
    idleMinutes: 15,
    proofMinutes: NaN,
    authenticators: ['passkey', 'totp'],
  } as const;
  return {
    tenants: tenantsPage(texts, { csrfToken, tenants }),
    "tenants, on one's own host": tenantsPage(
      { ...texts, otherHosts: OTHER_HOSTS },
      { csrfToken, tenants },
    ),
    'tenants, none': tenantsPage(plain, { csrfToken, tenants: [] }),
    'tenants, to choose from': tenantsPage(plain, { csrfToken, tenants, returnTo, asked: true }),
    'new tenant': newTenantPage(texts, { csrfToken, errors: [] }),
    'new tenant, wrong': newTenantPage(texts, { csrfToken, name, slug: text, errors }),
    tenant: tenantSettingsPage(texts, { ...settings, notice: 'tenant-saved', errors: [] }),
    'tenant, wrong': tenantSettingsPage(texts, { ...settings, errors }),
    'tenant policy': tenantPolicyPage(texts, { csrfToken, policy, errors: [] }),
    'tenant policy, wrong': tenantPolicyPage(texts, { csrfToken, policy, errors }),
    'tenant, of a viewer': tenantSettingsPage(texts, {
      ...settings,
      mayWrite: false,
      mayDelete: false,
      mayAsk: false,
      errors: [],
    }),
    'leave tenant': leaveTenantPage(texts, { csrfToken }),
    'delete tenant': deleteTenantPage(texts, { csrfToken, graceDays: 30 }),
    ...memberSamples(values, texts),
    ...eventSamples(values, texts),
    ...roleSamples(values, texts),
    ...teamSamples(values, texts),
    ...invitationSamples(values, texts),
    'remove member': removeMemberPage(texts, {
      csrfToken,
      member: { id: ID, displayName: name, email, role: 'viewer', level: 10, own: false },
    }),
    'reset member': resetMemberPage(texts, {
      csrfToken,
      member: { id: ID, displayName: name, email, role: 'viewer', level: 10, own: false },
    }),
  };
}

function memberSamples(values: Values, texts: Texts): Record<string, string> {
  const { csrfToken, displayName, email, text } = values;
  const member = { id: ID, displayName, email, role: 'viewer', level: 10, own: false };
  const page = {
    csrfToken,
    total: 3,
    totalMax: 1_000,
    roles: [
      { name: 'viewer', title: '' },
      { name: text, title: displayName },
    ],
    levelMax: 30,
    mayReset: true,
    mayWrite: true,
    errors: [],
  };
  const members = [
    { ...member, own: true },
    { ...member, role: text },
    { ...member, role: 'owner', level: 40 },
  ];
  return {
    members: membersPage(texts, {
      ...page,
      members,
      search: '',
      next: '/tenant/members?cursor=a',
      notice: 'member-changed',
    }),
    'members, found': membersPage(texts, { ...page, members, search: `x${text}`, next: null }),
    'members, nobody': membersPage(texts, { ...page, members: [], search: 'x', next: null }),
    'members, very many': membersPage(texts, {
      ...page,
      members,
      total: 1_000,
      search: '',
      next: null,
      mayWrite: false,
    }),
    'members, wrong': membersPage(texts, {
      ...page,
      members,
      search: '',
      next: null,
      errors: [{ field: 'role', reason: 'unknown-role' }],
    }),
  };
}

function roleSamples(values: Values, texts: Texts): Record<string, string> {
  const { csrfToken, displayName: title, text } = values;
  const permissions = ['members:read'];
  const page = {
    csrfToken,
    roles: [
      { name: 'owner', title: '', builtIn: true, changeable: false, permissions },
      { name: 'clerk', title, builtIn: false, changeable: true, permissions },
    ],
    permissions: [
      { name: 'members:read', text: 'See the members', own: true },
      { name: 'members:write', text, own: false },
      { name: 'roles:read', text, own: true },
    ],
    levels: [
      ['viewer', 10],
      ['member', 20],
    ] as const,
    mayWrite: true,
    errors: [],
  };
  return {
    roles: rolesPage(texts, { ...page, notice: 'roles-saved' }),
    'roles, wrong': rolesPage(texts, {
      ...page,
      made: { name: 'clerk', title, level: 20 },
      errors: [{ field: 'name', reason: 'role-name-taken' }],
    }),
    'roles, of a viewer': rolesPage(texts, {
      ...page,
      roles: page.roles.map((role) => ({ ...role, changeable: false })),
      mayWrite: false,
    }),
  };
}

function teamSamples(values: Values, texts: Texts): Record<string, string> {
  const { csrfToken, displayName: name, email, text } = values;
  const teams = [
    { slug: 'support', name, members: 1, ownRole: 'lead' as const },
    { slug: 'sales', name: text, members: 2, ownRole: null },
  ];
  const errors = [{ field: 'slug', reason: 'slug-taken' }];
  const list = { csrfToken, teams, next: null, mayWrite: true, errors: [] };
  const team = { slug: 'support', name };
  const member = { id: ID, displayName: name, email, role: 'lead' as const, own: true };
  const one = {
    csrfToken,
    team,
    members: [member, { ...member, role: 'member' as const, own: false }],
    next: null,
    mayWrite: true,
    mayDelete: true,
    search: '',
    found: [],
    errors: [],
  };
  return {
    teams: teamsPage(texts, { ...list, next: '/tenant/teams?cursor=a', notice: 'team-deleted' }),
    'teams, none': teamsPage(texts, { ...list, teams: [], mayWrite: false }),
    'teams, wrong': teamsPage(texts, { ...list, made: { name, slug: text }, errors }),
    team: teamPage(texts, { ...one, notice: 'team-made' }),
    'team, of a viewer': teamPage(texts, { ...one, mayWrite: false, mayDelete: false }),
    'team, empty': teamPage(texts, { ...one, members: [], search: text, found: [member] }),
    'team, nobody found': teamPage(texts, { ...one, search: 'x', next: '/tenant/teams/support' }),
    'team, wrong': teamPage(texts, { ...one, changed: { name, slug: text }, errors }),
    'delete team': deleteTeamPage(texts, { csrfToken, team }),
  };
}

function invitationSamples(values: Values, texts: Texts): Record<string, string> {
  const { csrfToken, displayName: invitedBy, email, text } = values;
  const expiresAt = new Date('2026-03-08T09:05:00Z');
  const page = {
    csrfToken,
    invitations: [{ id: ID, email, role: 'member', invitedBy, expiresAt }],
    next: null,
    mayWrite: true,
    roles: [
      { name: 'member', title: '' },
      { name: text, title: invitedBy },
    ],
    errors: [],
  };
  return {
    invitations: invitationsPage(texts, {
      ...page,
      next: '/tenant/invitations?cursor=a',
      notice: 'invited',
    }),
    'invitations, none': invitationsPage(texts, { ...page, invitations: [], mayWrite: false }),
    'invitations, wrong': invitationsPage(texts, {
      ...page,
      made: { email: text, role: 'member' },
      errors: [{ field: 'email', reason: 'malformed-address' }],
    }),
  };
}

function eventSamples(values: Values, texts: Texts) {
  const { csrfToken, email } = values;
  const nobody = { identityId: null, person: null, actor: null };
  const all = [
    { identityId: ID, person: email, actor: email },
    { identityId: ID, person: null, actor: null },
    nobody,
  ].flatMap((people, index) =>
    events(values).events.map((event) => ({ ...event, ...people, id: `${event.id}-${index}` })),
  );
  const page = { csrfToken, filter: {}, next: null, older: false };
  return {
    'tenant events': tenantEventsPage(texts, { ...page, events: all }),
    'tenant events, of one person': tenantEventsPage(
      { ...texts, permissions: ['events:read'] },
      { ...page, events: all, filter: { person: ID, from: '2026-11-01' }, next: 'n', older: true },
    ),
    'tenant events, none': tenantEventsPage(texts, { ...page, events: [] }),
  };
}
