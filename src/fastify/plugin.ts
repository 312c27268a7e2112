import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { validatorCompiler } from 'fastify-type-provider-zod';
import type { QueryCompiler } from 'kysely';
import type { Core } from '../core/core.ts';
import type { PermissionRegistry } from '../core/permissions.ts';
import { startAccessTable } from './access-table.ts';
import { addApplicationDatabase } from './application.ts';
import { addBodyParser } from './body-parser.ts';
import { markAccount } from './declaration.ts';
import { errorRecord } from './error-record.ts';
import { addGate } from './gate.ts';
import type { GatePolicy } from './head-checks.ts';
import { addIdempotency } from './idempotency.ts';
import { addLastSeen } from './last-seen.ts';
import { mountAt } from './mount.ts';
import { addOpenApi } from './openapi.ts';
import { keepPermissions } from './permissions.ts';
import { addRefusalLog } from './refusal-log.ts';
import { answerError } from './refusals.ts';
import { accountApi } from './routes/account-api.ts';
import { authenticatorsApi } from './routes/authenticators-api.ts';
import { authenticatorsPages } from './routes/authenticators-pages.ts';
import { credentialPages } from './routes/credential-pages.ts';
import { developmentRoutes, docsRoute, type Mailbox } from './routes/development.ts';
import { exportApi } from './routes/export-api.ts';
import { externalTokenApi } from './routes/external-token-api.ts';
import { factorResetApi, factorResetPages } from './routes/factor-reset.ts';
import { firstPasskeyApi } from './routes/first-passkey-api.ts';
import { keyPages } from './routes/key-pages.ts';
import { keyApi } from './routes/key-api.ts';
import { keySetRoute } from './routes/key-set.ts';
import { eventPages } from './routes/event-pages.ts';
import { eventsApi } from './routes/events-api.ts';
import { operationRoutes } from './routes/operation.ts';
import { ownAccountApi } from './routes/own-account-api.ts';
import { ownPages } from './routes/own-pages.ts';
import { memberPages } from './routes/member-pages.ts';
import { invitationPages } from './routes/invitation-pages.ts';
import { invitationsApi } from './routes/invitations-api.ts';
import { joinPages } from './routes/join-pages.ts';
import { membersApi } from './routes/members-api.ts';
import { rolePages } from './routes/role-pages.ts';
import { rolesApi } from './routes/roles-api.ts';
import { policyApi } from './routes/policy-api.ts';
import { policyPages } from './routes/policy-pages.ts';
import { passwordApi } from './routes/password-api.ts';
import { passkeyPages } from './routes/passkey-pages.ts';
import { passkeySignInApi } from './routes/passkey-sign-in-api.ts';
import { passkeysApi } from './routes/passkeys-api.ts';
import { secondFactorApi } from './routes/second-factor-api.ts';
import { providerApi } from './routes/provider-api.ts';
import { providerPages } from './routes/provider-pages.ts';
import { tenantApi } from './routes/tenant-api.ts';
import { tenantPages } from './routes/tenant-pages.ts';
import { recoveryApi, recoveryPages } from './routes/recovery.ts';
import { teamPages } from './routes/team-pages.ts';
import { teamsApi } from './routes/teams-api.ts';
import { visitorPages } from './routes/visitor-pages.ts';
import { serializerCompiler } from './serializer.ts';
import { refuseBareListeners } from './upgrades.ts';

export interface GatedOptions {
  readonly core: Core;
  readonly policy: GatePolicy;
  /** Where the account's pages and API are mounted: '' or a path. */
  readonly mount: string;
  readonly version: string;
  /** What routes may ask for. */
  readonly permissions: PermissionRegistry;
  /** Puts the tenant into each of the application's queries. */
  readonly scope: QueryCompiler;
  /** Whether the documentation is offered, from which requests can be tried. */
  readonly development?: boolean;
  /** The mails that wait, for /development/mailbox.json; absent outside development. */
  readonly mailbox?: Mailbox;
}

const TALKATIVE: readonly string[] = ['info', 'debug', 'trace'];

/** Bodies are names, addresses and passwords: nothing of ours is larger. */
export const BODY_BYTES_MAX = 16_384;

/**
 * The gate before every route of an app, and the accounts service mounted in it. What the routes of
 * the service need of Fastify, its compilers, parser and error handler, stays in their own scope.
 */
export const gated = fastifyPlugin(
  (async (app, options) => {
    const { core, policy, mount, scope } = options;
    refuseEarlyRoutes(app);
    app.setGenReqId(() => randomUUID());
    mountAt(app, mount);
    startAccessTable(app);
    keepPermissions(app, options.permissions);
    refuseBareListeners(app);
    addRefusalLog(app, core, policy);
    addGate(app, core, policy, addApplicationDatabase(app, core, scope));
    addIdempotency(app, core);
    addLastSeen(app, core);
    await app.register(accounts, { ...options, prefix: mount });
  }) satisfies FastifyPluginAsync<GatedOptions>,
  { name: 'sallyport', fastify: '5.x' },
);

/**
 * The gate stands before the routes that are registered behind it, so there may be none before it,
 * and it must be the app's own and not that of a part. @throws Error
 */
export function refuseEarlyRoutes(app: FastifyInstance): void {
  if (!Object.hasOwn(app, 'listen')) {
    throw new Error(
      'Sallyport guards a whole app: register it on the app itself, and not inside of a plugin.',
    );
  }
  const routes = app.printRoutes({ commonPrefix: false }).trimEnd();
  if (routes === '(empty tree)') return;
  throw new Error(
    `These routes were registered before Sallyport, so nothing would guard them. Put \`await app.register(sallyport, ...)\` before them:\n${routes}`,
  );
}

const accounts: FastifyPluginAsync<GatedOptions> = async (app, options) => {
  const { core, policy } = options;
  markAccount(app);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(answerError);
  addBodyParser(app);
  app.addHook('onRoute', (route) => {
    route.bodyLimit ??= BODY_BYTES_MAX;
    // What Fastify logs of a request is its address, which may hold a mailed token (CWE-532).
    if (TALKATIVE.includes(app.log.level)) route.logLevel = 'warn';
    route.logSerializers = { err: (error) => errorRecord(error) };
  });
  await addOpenApi(app, options.version);
  accountApi(app, core);
  ownAccountApi(app, core);
  passwordApi(app, core);
  exportApi(app);
  eventsApi(app, core);
  keySetRoute(app, core);
  keyApi(app, core);
  externalTokenApi(app, core);
  tenantApi(app, core);
  membersApi(app, core);
  teamsApi(app, core);
  invitationsApi(app, core);
  teamPages(app, core);
  invitationPages(app, core);
  rolesApi(app, core);
  const origin = () => policy.origin;
  joinPages(app, core, origin);
  firstPasskeyApi(app, core, origin);
  recoveryApi(app, core);
  secondFactorApi(app, core);
  passkeysApi(app, core, origin);
  passkeySignInApi(app, core, origin);
  passkeyPages(app, core, origin);
  providerApi(app, core, origin);
  providerPages(app, core, origin);
  authenticatorsApi(app, core, origin);
  authenticatorsPages(app, core, origin);
  visitorPages(app, core, origin);
  recoveryPages(app, core);
  factorResetApi(app, core);
  factorResetPages(app, core);
  ownPages(app, core);
  eventPages(app, core);
  credentialPages(app, core, origin);
  tenantPages(app, core, origin);
  policyApi(app, core);
  policyPages(app, core);
  memberPages(app, core);
  rolePages(app, core);
  keyPages(app, core);
  operationRoutes(app, core, origin);
  if (options.development) docsRoute(app, policy);
  if (options.mailbox) developmentRoutes(app, options.mailbox);
};
