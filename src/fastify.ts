import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { recordPermissions } from './core/permissions.ts';
import { findApplicationTables, namesOf } from './db/application-tables.ts';
import { scopeTo } from './db/scoping.ts';
import type { GatePolicy } from './fastify/head-checks.ts';
import { gated, refuseEarlyRoutes } from './fastify/plugin.ts';
// For their types: whoever imports this file finds request.db, principal, load and the rest.
import './fastify/access.ts';
import './fastify/application.ts';
import './fastify/route-types.ts';
import { hostsOf } from './http/host.ts';
import type { TenantHosts } from './http/tenant-host.ts';
import { startBackgroundWork } from './server/background-work.ts';
import { type Config, isDevelopment, isLoopback } from './server/config.ts';
import { StartError } from './server/data-folder.ts';
import { mailboxOf } from './server/mailbox.ts';
import { openCore, type OpenedCore } from './server/opening.ts';
import {
  inOptions,
  OPENED,
  type PluginConfig,
  readPluginOptions,
  type SallyportOptions,
} from './server/plugin-options.ts';
import type { Repeated } from './server/repeat.ts';
import { packageVersion } from './server/package-version.ts';
import { atPort } from './server/server.ts';

export { type AccessRow, accessTable } from './fastify/access-table.ts';
export { declareRoutes } from './fastify/declaration.ts';
export type { Access, Declaration, Load, Loaded, Queries } from './fastify/declaration.ts';
export {
  DatabaseUnavailableError,
  RefusedError,
  RequestOverError,
  SafeMethodError,
  TooMuchContentionError,
  UnknownOutcomeError,
  UnscopedQueryError,
} from './db/errors.ts';
export type { Principal } from './db/authorization.ts';
export type { PermissionDeclaration } from './core/permissions.ts';
export type {
  ApplicationPermission,
  ApplicationTables,
  DeclaredPermissions,
  Permission,
  Register,
} from './fastify/register.ts';
export type { SallyportOptions } from './server/plugin-options.ts';

/**
 * Guards every route of a Fastify app, and mounts the account's pages and API in it. Register it
 * first, and wait for it: the gate stands before the routes that come after.
 *
 * It opens the database as `sallyport serve` does, and refuses to start for the same reasons, with
 * a line for each. The connections, and the work beside answering, end when the app is closed.
 */
const sallyport: FastifyPluginAsync<SallyportOptions> = fastifyPlugin(
  async (app: FastifyInstance, options: SallyportOptions) => {
    refuseEarlyRoutes(app);
    const read = readPluginOptions(options);
    // Fastify gives a plugin ten seconds to load, and a first start may take longer, or wait for
    // another process that migrates. For the promise of a plugin it waits as long as that takes.
    const opened = inTheirWords(() => (options[OPENED] ?? openCore)(read.config)).then((core) => ({
      default: guardedBy(core, read),
    }));
    opened.catch(() => {});
    app.register(opened);
  },
  { name: 'sallyport', fastify: '5.x' },
);

/** The plugin once its database is open. */
function guardedBy(opened: OpenedCore, { config, permissions, prefix }: PluginConfig) {
  return fastifyPlugin(async (app: FastifyInstance) => {
    const { core } = opened;
    let work: Repeated | undefined;
    app.addHook('onClose', async () => {
      await work?.stop();
      await opened.close();
    });
    await recordPermissions(core.database, permissions);
    const policy = policyOf(config);
    followPort(app, policy);
    const base = () => `${policy.origin}${prefix}`;
    const development = isDevelopment(config);
    await app.register(gated, {
      core,
      policy,
      mount: prefix,
      version: packageVersion(),
      permissions,
      scope: scopeTo(namesOf(await findApplicationTables(core.database))),
      development,
      ...(development && !config.mail ? { mailbox: mailboxOf(core, base) } : {}),
    });
    app.addHook('onReady', async () => {
      work = startBackgroundWork(core, config.mail, base(), app.log);
    });
  });
}

export default sallyport;

function policyOf({
  origin,
  trustedOrigins,
  trustedProxies,
  tenantHeader,
  tenantHosts,
}: Config): FollowingPolicy {
  const origins = { origin, trustedOrigins, hosts: hostsAt(origin), tenantHosts };
  return { ...origins, trustedProxies, tenantHeader };
}

/** A policy whose port may not be known before the app listens. */
type FollowingPolicy = GatePolicy & {
  origin: string;
  hosts: readonly string[];
  tenantHosts: TenantHosts | null;
};

function hostsAt(origin: string): readonly string[] {
  const { hostname, port } = new URL(origin);
  return hostsOf(origin, { loopback: isLoopback(hostname), port: Number(port || 80) }).hosts;
}

/** An origin with port 0 is for tests: which port it is, is known once the app listens. */
function followPort(app: FastifyInstance, policy: FollowingPolicy): void {
  if (!policy.origin.endsWith(':0')) return;
  app.addHook('onListen', async () => {
    const address = app.server.address();
    if (address === null || typeof address === 'string') return;
    Object.assign(policy, atPort(policy, address.port));
    policy.hosts = hostsAt(policy.origin);
  });
}

async function inTheirWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    throw new StartError(inOptions(error.message), { cause: error });
  }
}
