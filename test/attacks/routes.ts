import { randomUUID } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance } from 'fastify';
import type pg from 'pg';
import { expect } from 'vitest';
import { createPasswordHasher } from '../../src/core/password-hashing.ts';
import type { Access } from '../../src/fastify/access.ts';
import { ask, fieldValue, Visitor, type Answer } from '../support/client.ts';
import {
  mailedToken,
  newcomer,
  newPerson,
  type Person,
  register,
  signedIn,
} from '../support/people.ts';
import {
  setUpTotp,
  signInHalfway,
  signInHalfwayWithPasskey,
  TotpApp,
} from '../support/authenticators.ts';
import { addPasskey, optionsFrom, SoftwarePasskey } from '../support/passkeys.ts';
import { providersFile } from '../support/providers.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { smallProvider } from '../support/small-provider.ts';
import {
  insertTestMember,
  insertTestPerson,
  insertTestTenant,
  type TestTenant,
} from '../support/tenants.ts';

/** A route as the running product registered it. */
export interface Route {
  readonly method: string;
  readonly path: string;
  readonly access: Access | undefined;
  readonly bodyType: 'json' | 'form' | undefined;
  readonly page: boolean;
}

export interface RecordedServer extends TestServer {
  /** All routes, as the product's own framework came to know them. */
  readonly routes: readonly Route[];
  /** Those that may change something: a new one is attacked without anybody adding it here. */
  readonly unsafeRoutes: readonly Route[];
}

/** Starts the product and writes down every route that it registers on the way. */
export async function startRecordedServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<RecordedServer> {
  const routes: Route[] = [];
  const record = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onRoute', ({ method, url, access, bodyType, page }) => {
      for (const each of [method].flat()) {
        if (bodyType === 'any') throw new Error('a route of the product takes any body');
        routes.push({ method: each, path: url, access, bodyType, page: page === true });
      }
    });
  };
  subscribe('fastify.initialization', record);
  try {
    const file = providersFile([await smallProvider()]);
    const server = await startTestServer({ SALLYPORT_PROVIDERS_FILE: file.path, ...settings });
    file.remove();
    const unsafeRoutes = routes.filter(({ method }) => !['GET', 'HEAD'].includes(method));
    expect(unsafeRoutes.length).toBeGreaterThan(0);
    admins.set(server.origin, server.admin);
    return { ...server, routes, unsafeRoutes };
  } finally {
    unsubscribe('fastify.initialization', record);
  }
}

/**
 * The fields of a legitimate request; those that its path names go there, the others in the body.
 */
type Fields = Readonly<Record<string, unknown>>;

/** Who sends it: a visitor, or somebody who has signed in and is known. */
interface Sender {
  readonly browser: Visitor;
  readonly person: Person;
}

/** The databases of the servers that are running, by origin: to write a tenant as rows. */
const admins = new Map<string, pg.Client>();

function adminOf(origin: string): pg.Client {
  const admin = admins.get(origin);
  if (!admin) throw new Error('this server was not started here');
  return admin;
}

/**
 * Somebody who is known and has just signed in, as rows: to sign up and in at the front door, as a
 * newcomer does, takes longer than most attacks.
 */
async function personSignedIn(origin: string): Promise<Sender> {
  const person = { ...newPerson(), password: PASSWORD };
  const { email, displayName } = person;
  const passwordHash = await hashOfPassword;
  const known = { email, displayName, passwordHash };
  return { person, browser: await insertTestPerson(adminOf(origin), origin, known) };
}

const PASSWORD = newPerson().password;
const hashOfPassword = createPasswordHasher().hash(PASSWORD);

const noFields = async (): Promise<Fields> => ({});
const signUpFields = async (): Promise<Fields> => ({ ...newPerson() });
const profileFields = async (): Promise<Fields> => ({ displayName: 'Changed' });
const newAddress = async (): Promise<Fields> => ({ email: newPerson().email });

async function confirmationFields({ browser: { origin } }: Sender): Promise<Fields> {
  const { email, password, displayName } = newPerson();
  await new Visitor(origin).send('POST', '/api/sign-up', { email, password, displayName });
  return { token: await mailedToken(origin, email), password };
}

const anyAddress = async (): Promise<Fields> => ({ email: newPerson().email });

async function recoveryFields({ browser: { origin } }: Sender): Promise<Fields> {
  const { email } = await register(origin);
  await new Visitor(origin).send('POST', '/api/recoveries', { email });
  return { token: await mailedToken(origin, email), password: newPerson().password };
}

async function signInFields({ browser }: Sender): Promise<Fields> {
  const { email, password } = await register(browser.origin);
  return { email, password };
}

/** The way back that was mailed to an address which its owner is about to leave. */
async function reversionFields({ browser: { origin } }: Sender): Promise<Fields> {
  const { browser, person } = await newcomer(origin);
  const { status } = await browser.send('POST', '/api/account/change-email', await newAddress());
  expect(status).toBe(202);
  return { token: await mailedToken(origin, person.email) };
}

const ownPassword = async ({ person }: Sender): Promise<Fields> => ({ password: person.password });

const passwordFields = async ({ person }: Sender): Promise<Fields> => ({
  currentPassword: person.password,
  newPassword: newPerson().password,
});

/** Another session of the same person, to be ended. */
async function otherSession({ browser, person }: Sender): Promise<Fields> {
  const other = await signedIn(browser.origin, person);
  const { session } = (await other.get('/api/session')).json() as { session: { id: string } };
  return { id: session.id };
}

async function withOtherSession(sender: Sender): Promise<Fields> {
  await otherSession(sender);
  return {};
}

/** Asks for the deletion, which ends every session, and signs in again within its grace. */
async function scheduledDeletion({ browser, person }: Sender): Promise<Fields> {
  expect((await browser.send('POST', '/api/account/delete')).status).toBe(202);
  const { email, password } = person;
  expect((await browser.send('POST', '/api/sign-in', { email, password })).status).toBe(200);
  return {};
}

/** A tenant that the sender owns, together with somebody else, and is in. */
async function ownTenant({ browser }: Sender) {
  const { tenant } = (await browser.send('POST', '/api/tenants', { name: 'Acme' })).json() as {
    tenant: TestTenant;
  };
  const admin = adminOf(browser.origin);
  const member = await insertTestMember(admin, browser.origin, tenant, 'owner');
  return { tenant, member };
}

async function ownRole(sender: Sender): Promise<Fields> {
  await ownTenant(sender);
  const made = await sender.browser.send('POST', '/api/roles', NEW_ROLE);
  expect(made.status).toBe(201);
  return { name: NEW_ROLE.name };
}

const NEW_FORM = { name: 'clerk', title: 'Clerk' };
const NEW_ROLE = { name: 'clerk', level: 10, permissions: ['members:read'] };

async function inOwnTenant(fields: Fields, sender: Sender): Promise<Fields> {
  await ownTenant(sender);
  return fields;
}

/** A tenant that the sender has had deleted, and may restore. */
async function deletedTenant(sender: Sender): Promise<Fields> {
  const { tenant } = await ownTenant(sender);
  expect((await sender.browser.send('POST', '/api/tenant/delete')).status).toBe(202);
  return { id: tenant.id };
}

async function otherMember(sender: Sender, fields: Fields = {}): Promise<Fields> {
  const { member } = await ownTenant(sender);
  return { id: member.identityId, ...fields };
}

/** A sign-in under way, and what its app shows next: that is taken for a minute, or longer. */
async function totpFields({ browser }: Sender): Promise<Fields> {
  const { totp } = await signInHalfway(browser);
  return { code: totp.at(1) };
}

async function recoveryCodeFields({ browser }: Sender): Promise<Fields> {
  const { recoveryCodes } = await signInHalfway(browser);
  return { code: recoveryCodes[0] ?? '' };
}

async function enrolmentFields({ browser }: Sender): Promise<Fields> {
  const answer = await browser.send('POST', '/api/account/totp');
  expect(answer.status).toBe(201);
  return { code: new TotpApp((answer.json() as { secret: string }).secret).at(1) };
}

/** A passkey of somebody's, and what a visitor's browser answers with it. */
async function passkeySignIn({ browser }: Sender): Promise<object> {
  const { browser: own } = await newcomer(browser.origin);
  const { passkey } = await addPasskey(own);
  return passkey.get(await optionsFrom(browser, '/api/passkeys/sign-in-options'));
}

async function passkeySecond({ browser }: Sender): Promise<object> {
  const { passkey } = await signInHalfwayWithPasskey(browser);
  return passkey.get(await optionsFrom(browser, '/api/sign-in/passkey-options'));
}

async function passkeyAgain({ browser }: Sender): Promise<object> {
  const { passkey } = await addPasskey(browser);
  return passkey.get(await optionsFrom(browser, '/api/re-authentication/passkey-options'));
}

async function passkeyMade({ browser }: Sender): Promise<object> {
  const options = await optionsFrom(browser, '/api/account/passkeys/options');
  return new SoftwarePasskey(browser.origin).create(options);
}

/** The passkey that opens a sign-up which has no password, made where its link was followed. */
async function openSignUp({ browser: { origin } }: Sender): Promise<string> {
  const { email, displayName } = newPerson();
  await new Visitor(origin).send('POST', '/api/sign-up', { email, displayName });
  return await mailedToken(origin, email);
}

async function behindLink(sender: Sender, path: string, token: string) {
  const options = await optionsFrom(sender.browser, `${path}/passkey-options`, { token });
  return { token, response: new SoftwarePasskey(sender.browser.origin).create(options) };
}

async function firstPasskey(sender: Sender): Promise<{ token: string; response: object }> {
  return await behindLink(sender, '/api/email-confirmations', await openSignUp(sender));
}

async function invitedPasskey(sender: Sender) {
  const { email, displayName } = newPerson();
  const { token } = await invited(sender.browser.origin, email);
  const made = await behindLink(sender, '/api/invited-sign-ups', String(token));
  return { ...made, displayName };
}

/** An account that has both, and may lose one. */
async function withPasskeyToo({ browser }: Sender): Promise<Fields> {
  await addPasskey(browser);
  return {};
}

/** A member who is in no other tenant. */
async function lostMember({ browser }: Sender): Promise<Fields> {
  const { member } = await ownTenant({ browser, person: newPerson() });
  return { id: member.identityId };
}

/** The link that a member was mailed because an owner asked for it. */
async function resetLink({ browser: { origin } }: Sender): Promise<Fields> {
  const admin = adminOf(origin);
  const tenant = await insertTestTenant(admin);
  const owner = await insertTestMember(admin, origin, tenant, 'owner');
  const member = await insertTestMember(admin, origin, tenant, 'member');
  const path = `/api/members/${member.identityId}/factor-resets`;
  expect((await owner.browser.send('POST', path)).status).toBe(202);
  return { token: await mailedToken(origin, member.email), password: newPerson().password };
}

/** What a script would put into the form. */
function inFields({ response, ...rest }: { readonly response: object }): Fields {
  return { ...rest, passkey: JSON.stringify(response) };
}

/** The same answer of a browser as JSON, and as the field that a script fills in. */
const asResponse =
  (answer: (sender: Sender) => Promise<object>, more: Fields = {}) =>
  async (sender: Sender): Promise<Fields> => ({ response: await answer(sender), ...more });
const asField =
  (answer: (sender: Sender) => Promise<object>, more: Fields = {}) =>
  async (sender: Sender): Promise<Fields> => ({
    passkey: JSON.stringify(await answer(sender)),
    ...more,
  });

async function onePasskey({ browser }: Sender): Promise<Fields> {
  return { id: (await addPasskey(browser)).id };
}

async function newName(sender: Sender): Promise<Fields> {
  return { ...(await onePasskey(sender)), name: 'Another name' };
}

async function withPasskey({ browser }: Sender): Promise<Fields> {
  await addPasskey(browser);
  return {};
}

async function halfwayWithPasskey({ browser }: Sender): Promise<Fields> {
  await signInHalfwayWithPasskey(browser);
  return {};
}

async function withTotp({ browser }: Sender): Promise<Fields> {
  await setUpTotp(browser);
  return {};
}

async function keyToRevoke(sender: Sender): Promise<Fields> {
  await ownTenant(sender);
  const made = await sender.browser.send('POST', '/api/keys', { title: 'Nightly import' });
  return { id: (made.json() as { id: string }).id };
}

async function ownTeam(sender: Sender): Promise<string> {
  await ownTenant(sender);
  const made = await sender.browser.send('POST', '/api/teams', { name: 'Support' });
  return (made.json() as { slug: string }).slug;
}

async function ownIdentity({ browser }: Sender): Promise<string> {
  const { identity } = (await browser.get('/api/session')).json() as { identity: { id: string } };
  return identity.id;
}

async function ownTeamMember(sender: Sender): Promise<Fields> {
  const team = await ownTeam(sender);
  const id = await ownIdentity(sender);
  const path = `/api/teams/${team}/members/${id}`;
  expect((await sender.browser.send('PUT', path, { role: 'member' })).status).toBe(200);
  return { team, id };
}

async function ownInvitation(sender: Sender): Promise<Fields> {
  await ownTenant(sender);
  const invitations = [{ email: newPerson().email, role: 'member' }];
  expect((await sender.browser.send('POST', '/api/invitations', { invitations })).status).toBe(202);
  const list = (await sender.browser.get('/api/invitations')).json() as {
    invitations: { id: string }[];
  };
  return { id: list.invitations[0]?.id ?? '' };
}

/** The token of an invitation into somebody else's tenant that was mailed to this address. */
async function invited(origin: string, email: string): Promise<Fields> {
  const admin = adminOf(origin);
  const owner = await insertTestMember(admin, origin, await insertTestTenant(admin), 'owner');
  const invitations = [{ email, role: 'member' }];
  expect((await owner.browser.send('POST', '/api/invitations', { invitations })).status).toBe(202);
  return { token: await mailedToken(origin, email) };
}

async function invitedNewcomer({ browser }: Sender): Promise<Fields> {
  const { email, password, displayName } = newPerson();
  return { ...(await invited(browser.origin, email)), password, displayName };
}

const PROVIDER: Fields = { provider: 'small' };
const oneProvider = async (): Promise<Fields> => PROVIDER;

/** A visit that has begun in this browser, and what the provider has sent it back with. */
async function backFrom({ browser }: Sender, api: string, subject: string = randomUUID()) {
  const begun = await browser.send('POST', api, PROVIDER);
  expect(begun.status, begun.text).toBe(200);
  const { email, displayName: name } = newPerson();
  const account = { sub: subject, email, email_verified: true, name };
  const provider = await smallProvider();
  return { ...PROVIDER, ...provider.answer((begun.json() as { url: string }).url, account) };
}

/** An account at the provider that the sender has linked. */
async function linkedAccount(sender: Sender) {
  const subject = randomUUID();
  const { issuer } = await smallProvider();
  const { rows } = await adminOf(sender.browser.origin).query<{ id: string }>(
    `INSERT INTO sallyport.provider_links (identity_id, issuer, subject, address)
      VALUES ($1, $2, $3, 'ada@example.com') RETURNING id`,
    [await ownIdentity(sender), issuer, subject],
  );
  return { id: rows[0]?.id ?? '', subject };
}

async function linkToRemove(sender: Sender): Promise<Fields> {
  return { id: (await linkedAccount(sender)).id };
}

async function proofOfProvider(sender: Sender): Promise<Fields> {
  const { subject } = await linkedAccount(sender);
  const { code, ...back } = await backFrom(sender, '/api/re-authentication/provider', subject);
  return { ...back, answer: code };
}

/** A token of another issuer that stands for the sender, as if it had just been verified. */
async function tokenToRevoke(sender: Sender): Promise<Fields> {
  const { tenant } = await ownTenant(sender);
  const { identity } = (await sender.browser.get('/api/session')).json() as {
    identity: { id: string };
  };
  const { rows } = await adminOf(sender.browser.origin).query<{ id: string }>(
    `INSERT INTO sallyport.bearer_credentials
        (kind, proof_digest, tenant_id, identity_id, title, hint, issuer, token_id, expires_at,
          token_expires_at, member_role)
      SELECT 'external-token', x.digest, $1, $2, '', '', 'https://issuer.example', x.digest,
          now() + INTERVAL '1 minute', now() + INTERVAL '1 hour',
          (SELECT m.role FROM sallyport.memberships AS m
          WHERE m.tenant_id = $1 AND m.identity_id = $2)
        FROM (SELECT encode(sha256(CAST(gen_random_uuid() AS TEXT)::BYTEA), 'hex') AS digest) AS x
      RETURNING id`,
    [tenant.id, identity.id],
  );
  return { id: rows[0]?.id ?? '' };
}

async function withTokenToRevoke(sender: Sender): Promise<Fields> {
  await tokenToRevoke(sender);
  return {};
}

/**
 * A route that is missing here fails its control, not its attacks: add what it legitimately takes.
 */
const fieldsOf: Readonly<Record<string, (sender: Sender) => Promise<Fields>>> = {
  'POST /api/sign-up': signUpFields,
  'POST /api/email-confirmations': confirmationFields,
  'POST /api/email-reversions': reversionFields,
  'POST /api/confirmation-mails': anyAddress,
  'POST /api/recoveries': anyAddress,
  'POST /api/recoveries/confirmations': recoveryFields,
  'POST /api/sign-in': signInFields,
  'POST /api/sign-in/totp': totpFields,
  'POST /api/sign-in/recovery-code': recoveryCodeFields,
  'POST /api/passkeys/sign-in-options': noFields,
  'POST /api/passkeys/sign-in': asResponse(passkeySignIn),
  'POST /api/sign-in/passkey-options': halfwayWithPasskey,
  'POST /api/sign-in/passkey': asResponse(passkeySecond),
  'POST /api/re-authentication/passkey-options': withPasskey,
  'POST /api/re-authentication/passkey': asResponse(passkeyAgain),
  'POST /api/account/passkeys/options': noFields,
  'POST /api/account/passkeys': asResponse(passkeyMade, { name: 'New' }),
  'PATCH /api/account/passkeys/:id': newName,
  'DELETE /api/account/passkeys/:id': onePasskey,
  'POST /sign-in/with-passkey': asField(passkeySignIn),
  'POST /sign-in/passkey': asField(passkeySecond),
  'POST /re-authenticate/with-passkey': asField(passkeyAgain),
  'POST /account/authenticators/passkeys': asField(passkeyMade, { passkeyName: 'New' }),
  'POST /account/authenticators/passkeys/rename': async (sender) => ({
    ...(await onePasskey(sender)),
    passkeyName: 'Another name',
  }),
  'POST /account/authenticators/passkeys/remove': onePasskey,
  'POST /api/account/totp': noFields,
  'POST /api/account/totp/confirmations': enrolmentFields,
  'DELETE /api/account/totp': withTotp,
  'POST /api/account/recovery-codes': withTotp,
  'POST /api/sign-out': noFields,
  'POST /api/re-authentication': ownPassword,
  'PATCH /api/account/profile': profileFields,
  'POST /api/account/change-email': newAddress,
  'POST /api/account/change-password': passwordFields,
  'DELETE /api/account/password': withPasskeyToo,
  'POST /api/email-confirmations/passkey-options': async (sender) => ({
    token: await openSignUp(sender),
  }),
  'POST /api/email-confirmations/with-passkey': firstPasskey,
  'POST /api/invited-sign-ups/passkey-options': ({ browser }) =>
    invited(browser.origin, newPerson().email),
  'POST /api/invited-sign-ups/with-passkey': invitedPasskey,
  'POST /sign-up/with-passkey': async () => {
    const { email, displayName } = newPerson();
    return { email, displayName };
  },
  'POST /confirm-email/with-passkey': async (sender) => inFields(await firstPasskey(sender)),
  'POST /join/with-passkey': async (sender) => inFields(await invitedPasskey(sender)),
  'POST /account/password/remove': withPasskeyToo,
  'POST /api/account/delete': noFields,
  'POST /api/account/keep': scheduledDeletion,
  'DELETE /api/sessions/:id': otherSession,
  'DELETE /api/sessions': withOtherSession,
  'POST /api/tenants': async () => ({ name: 'Acme' }),
  'PUT /api/session/tenant': async (sender) => ({ tenantId: (await ownTenant(sender)).tenant.id }),
  'POST /api/tenants/:id/restore': deletedTenant,
  'PATCH /api/tenant': (sender) => inOwnTenant({ name: 'Changed' }, sender),
  'POST /api/tenant/delete': (sender) => inOwnTenant({}, sender),
  'POST /api/tenant/leave': (sender) => inOwnTenant({}, sender),
  'PATCH /api/members/:id': (sender) => otherMember(sender, { role: 'viewer' }),
  'DELETE /api/members/:id': (sender) => otherMember(sender),
  'PATCH /api/members': async (sender) => {
    const { member } = await ownTenant(sender);
    return { changes: [{ id: member.identityId, role: 'viewer' }] };
  },
  'POST /api/members/:id/factor-resets': lostMember,
  'POST /tenant/members/reset': lostMember,
  'POST /api/factor-resets/confirmations': resetLink,
  'POST /reset-factors': resetLink,
  'PUT /api/tenant/policy': (sender) =>
    inOwnTenant(
      { memberProof: 'any', idleMinutes: 30, proofMinutes: 60, authenticators: null },
      sender,
    ),
  'POST /tenant/policy': (sender) =>
    inOwnTenant(
      { memberProof: 'any', idleMinutes: '30', proofMinutes: '60', password: 'yes' },
      sender,
    ),
  'POST /api/roles': (sender) => inOwnTenant(NEW_ROLE, sender),
  'PATCH /api/roles/:name': async (sender) => ({ ...(await ownRole(sender)), title: 'Changed' }),
  'PATCH /api/roles': async (sender) => ({
    roles: [{ ...(await ownRole(sender)), title: 'Changed' }],
  }),
  'DELETE /api/roles/:name': ownRole,
  'POST /tenants/new': async () => ({ name: 'Acme', slug: '' }),
  'POST /tenants/enter': async (sender) => ({ tenantId: (await ownTenant(sender)).tenant.id }),
  'POST /tenants/restore': async (sender) => ({ tenantId: (await deletedTenant(sender))['id'] }),
  'POST /tenant': async (sender) => {
    const { slug } = (await ownTenant(sender)).tenant;
    return { name: 'Changed', slug };
  },
  'POST /tenant/leave': (sender) => inOwnTenant({}, sender),
  'POST /tenant/delete': (sender) => inOwnTenant({}, sender),
  'POST /tenant/members': (sender) => otherMember(sender, { role: 'viewer' }),
  'POST /tenant/members/remove': (sender) => otherMember(sender),
  'POST /tenant/roles': async (sender) => {
    const { name } = await ownRole(sender);
    return { role: name, permit: `${NEW_ROLE.name} roles:read` };
  },
  'POST /tenant/roles/new': (sender) => inOwnTenant({ ...NEW_FORM, level: '10' }, sender),
  'POST /tenant/roles/delete': ownRole,
  'POST /tenant/keys': (sender) =>
    inOwnTenant({ title: 'Nightly import', permit: 'members:read', days: '30' }, sender),
  'POST /tenant/keys/revoke': keyToRevoke,
  'POST /api/keys': (sender) => inOwnTenant({ title: 'Nightly import' }, sender),
  'DELETE /api/keys/:id': keyToRevoke,
  'POST /api/teams': (sender) => inOwnTenant({ name: 'Support' }, sender),
  'PATCH /api/teams/:team': async (sender) => ({ team: await ownTeam(sender), name: 'Changed' }),
  'DELETE /api/teams/:team': async (sender) => ({ team: await ownTeam(sender) }),
  'PATCH /api/teams/:team/members': async (sender) => ({
    team: await ownTeam(sender),
    changes: [{ id: await ownIdentity(sender), role: 'lead' }],
  }),
  'PUT /api/teams/:team/members/:id': async (sender) => ({
    team: await ownTeam(sender),
    id: await ownIdentity(sender),
    role: 'lead',
  }),
  'DELETE /api/teams/:team/members/:id': ownTeamMember,
  'POST /api/invitations': (sender) =>
    inOwnTenant({ invitations: [{ email: newPerson().email, role: 'member' }] }, sender),
  'POST /api/invitations/:id/mail': ownInvitation,
  'DELETE /api/invitations/:id': ownInvitation,
  'POST /api/invitation-acceptances': ({ browser, person }) =>
    invited(browser.origin, person.email),
  'POST /api/invited-sign-ups': invitedNewcomer,
  'POST /tenant/teams': (sender) => inOwnTenant({ name: 'Support', slug: '' }, sender),
  'POST /tenant/teams/:team': async (sender) => ({
    team: await ownTeam(sender),
    name: 'Changed',
    slug: '',
  }),
  'POST /tenant/teams/:team/members': async (sender) => ({
    team: await ownTeam(sender),
    id: await ownIdentity(sender),
    role: 'lead',
  }),
  'POST /tenant/teams/:team/delete': async (sender) => ({ team: await ownTeam(sender) }),
  'POST /tenant/invitations': (sender) =>
    inOwnTenant({ email: newPerson().email, role: 'member' }, sender),
  'POST /tenant/invitations/resend': ownInvitation,
  'POST /tenant/invitations/withdraw': ownInvitation,
  'POST /join': invitedNewcomer,
  'POST /join/accept': ({ browser, person }) => invited(browser.origin, person.email),
  'DELETE /api/external-tokens/:id': tokenToRevoke,
  'DELETE /api/external-tokens': withTokenToRevoke,
  'POST /api/sign-in/provider': oneProvider,
  'POST /api/account/providers': oneProvider,
  'POST /api/re-authentication/provider': oneProvider,
  'DELETE /api/account/providers/:id': linkToRemove,
  'POST /sign-in/provider': oneProvider,
  'POST /sign-in/providers/:provider/callback': (sender) =>
    backFrom(sender, '/api/sign-in/provider'),
  'POST /account/authenticators/providers': oneProvider,
  'POST /account/authenticators/providers/:provider/link': (sender) =>
    backFrom(sender, '/api/account/providers'),
  'POST /account/authenticators/providers/unlink': linkToRemove,
  'POST /re-authenticate/provider': oneProvider,
  'POST /re-authenticate/providers/:provider': proofOfProvider,
  'POST /sign-up': signUpFields,
  'POST /confirm-email': confirmationFields,
  'POST /revert-email': reversionFields,
  'POST /resend-confirmation': anyAddress,
  'POST /forgot-password': anyAddress,
  'POST /reset-password': recoveryFields,
  'POST /sign-in': signInFields,
  'POST /sign-in/second-factor': totpFields,
  'POST /sign-in/recovery-code': recoveryCodeFields,
  'POST /account/authenticators/totp': noFields,
  'POST /account/authenticators/totp/confirm': enrolmentFields,
  'POST /account/authenticators/totp/remove': withTotp,
  'POST /account/authenticators/recovery-codes': withTotp,
  'POST /sign-out': noFields,
  'POST /re-authenticate': ownPassword,
  'POST /account': profileFields,
  'POST /account/email': newAddress,
  'POST /account/password': passwordFields,
  'POST /account/sessions/end': otherSession,
  'POST /account/sessions/end-others': withOtherSession,
  'POST /account/delete': async () => ({ confirm: 'yes' }),
  'POST /account/keep': scheduledDeletion,
};

/** A request that succeeds. An attack is this one with a single thing changed. */
export interface Legitimate {
  readonly route: Route;
  readonly origin: string;
  readonly browser: Visitor;
  readonly token: string;
  /** The route's path with its parameters in it. */
  readonly path: string;
  readonly fields: Fields;
  /** Everything that goes over the wire beside the path and the body. */
  readonly headers: Readonly<Record<string, string | string[]>>;
}

/** What the route takes from its own page or script, in a browser that has what it needs. */
export async function legitimate(origin: string, route: Route): Promise<Legitimate> {
  const sender = isPublic(route)
    ? { browser: new Visitor(origin), person: newPerson() }
    : await personSignedIn(origin);
  const given = await (fieldsOf[named(route)] ?? noFields)(sender);
  const { browser } = sender;
  const token = browser.csrfToken ?? fieldValue((await browser.get('/sign-in')).text, '_csrf');
  const path = route.path.replaceAll(PARAMETER, (_, name: string) => String(given[name]));
  const inBody = Object.entries(given).filter(([name]) => !route.path.includes(`:${name}`));
  const headers = {
    ...browser.cookieHeader(),
    origin,
    'sec-fetch-site': 'same-origin',
    'content-type': route.bodyType === 'json' ? JSON_TYPE : FORM_TYPE,
    ...(route.bodyType === 'json' ? { 'x-csrf-token': token } : {}),
  };
  return { route, origin, browser, token, path, fields: Object.fromEntries(inBody), headers };
}

const PARAMETER = /:(\w+)/g;

export const JSON_TYPE = 'application/json';
export const FORM_TYPE = 'application/x-www-form-urlencoded';

/** Headers to set instead of the legitimate ones; null takes one away. */
export type Headers = Readonly<Record<string, string | string[] | null>>;

/** Sends the legitimate request with other headers, another path, another body. */
export function send(
  request: Legitimate,
  headers: Headers = {},
  changed: { readonly path?: string; readonly body?: string; readonly method?: string } = {},
): Promise<Answer> {
  const { route, path } = request;
  const merged = Object.entries({ ...request.headers, ...headers });
  return ask(request.origin, changed.path ?? path, {
    method: changed.method ?? route.method,
    headers: Object.fromEntries(
      merged.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])),
    ),
    body: changed.body ?? bodyOf(request),
  });
}

/** The body in the route's own type; a form has its token in it. */
export function bodyOf({ route, fields, token }: Legitimate): string {
  if (route.bodyType === 'json') return JSON.stringify(fields);
  const texts = Object.entries(fields).map(([name, value]) => [name, String(value)]);
  return formOf({ ...Object.fromEntries(texts), _csrf: token });
}

export function formOf(fields: Readonly<Record<string, unknown>>): string {
  return new URLSearchParams(inForm(fields)).toString();
}

/** As a form would carry them: every value is a text. */
export function inForm(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts = Object.entries(fields).map(([name, value]) => {
    return [name, typeof value === 'string' ? value : JSON.stringify(value)] as const;
  });
  return Object.fromEntries(texts);
}

/** Whether the control went through: a page answers with the next page or leads to it. */
export function expectSuccess(answer: Answer): void {
  expect([200, 201, 202, 204, 303], answer.text).toContain(answer.status);
  // A refusal of a page leads to where one proves who one is.
  expect(answer.headers.location ?? '').not.toMatch(/sign-in|re-authenticate/);
}

/**
 * What a ceremony with a passkey begins with: its challenge is signed and stored nowhere, so that
 * the legitimate request changes no row either. That it went through, its answer tells.
 */
export const STORES_NOTHING: readonly string[] = [
  'POST /api/passkeys/sign-in-options',
  'POST /api/sign-in/passkey-options',
  'POST /api/re-authentication/passkey-options',
  'POST /api/account/passkeys/options',
  'POST /api/email-confirmations/passkey-options',
  'POST /api/invited-sign-ups/passkey-options',
];

/** Whether the control had an effect: an attack that would change nothing proves nothing. */
export function expectEffect(route: Route, changed: readonly string[]): void {
  if (STORES_NOTHING.includes(named(route))) expect(changed, named(route)).toEqual([]);
  else expect(changed, `add what ${named(route)} takes to fieldsOf in routes.ts`).not.toEqual([]);
}

export function isPublic({ access }: Route): boolean {
  return access === 'public';
}

export function named({ method, path }: Route): string {
  return `${method} ${path}`;
}

/** The status that each attempt was answered with, and the tables in which any changed a row. */
export async function tryAll<Attempt>(
  admin: pg.Client,
  attempts: Readonly<Record<string, Attempt>>,
  attempt: (each: Attempt) => Promise<Answer>,
) {
  const answers: Record<string, number> = {};
  const changed = await changedBy(admin, async () => {
    for (const [name, each] of Object.entries(attempts)) {
      answers[name] = (await attempt(each)).status;
    }
  });
  return { answers, changed };
}

/** On so many routes of each kind every attack is tried. */
const ROUTES_OF_AN_ATTACK = 3;

/**
 * The attacks for one of these routes. What is judged before a handler is known is judged in one
 * place, so routes of one kind share the attacks out: each attack is tried on three of every kind,
 * and the first one on all. SALLYPORT_ATTACKS=all, the nightly setting, tries each on all.
 */
export function shareOf<Attempt>(
  routes: readonly Route[],
  route: Route,
  attacks: Readonly<Record<string, Attempt>>,
): Readonly<Record<string, Attempt>> {
  if (process.env['SALLYPORT_ATTACKS'] === 'all') return attacks;
  const kin = routes.filter((other) => kindOf(other) === kindOf(route));
  const turn = kin.indexOf(route);
  const isTried = (index: number) =>
    index === 0 || (index + kin.length - turn) % kin.length < ROUTES_OF_AN_ATTACK;
  return Object.fromEntries(Object.entries(attacks).filter((_, index) => isTried(index)));
}

function kindOf(route: Route): string {
  const { bodyType, method } = route;
  return `${isPublic(route) ? 'public' : 'signed in'}, ${bodyType}, ${method}`;
}
