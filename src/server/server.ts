import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Core } from '../core/core.ts';
import { OWN_REGISTRY, recordPermissions } from '../core/permissions.ts';
import { buildApp } from '../fastify/app.ts';
import { hostsOf } from '../http/host.ts';
import { tenantHostsOf, type TenantHosts } from '../http/tenant-host.ts';
import { type Config, isDevelopment, isLoopback } from './config.ts';
import { startBackgroundWork } from './background-work.ts';
import { mailboxOf } from './mailbox.ts';
import { openCore } from './opening.ts';
import { packageVersion } from './package-version.ts';

export interface RunningServer {
  readonly origin: string;
  /** Answers what is under way, then stops. */
  close(): Promise<void>;
}

/**
 * Starts the product as configured.
 * @throws StartError with a message for the person who started it.
 */
export async function startServer(config: Config): Promise<RunningServer> {
  const undo: Array<() => Promise<void>> = [];
  const close = async () => {
    for (const step of undo.toReversed()) await step();
  };
  try {
    const opened = await openCore(config);
    undo.push(() => opened.close());
    await recordPermissions(opened.core.database, OWN_REGISTRY);
    const { app, origin } = await listen(opened.core, config);
    undo.push(() => app.close());
    const work = startBackgroundWork(opened.core, config.mail, origin, app.log);
    undo.push(() => work.stop());
    return { origin, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** With port 0 the origin is known only once the socket is bound, and the app needs it before. */
async function listen(
  core: Core,
  config: Config,
): Promise<{ app: FastifyInstance; origin: string }> {
  const policy = {
    origin: config.origin,
    trustedOrigins: config.trustedOrigins,
    trustedProxies: config.trustedProxies,
    tenantHeader: config.tenantHeader,
    tenantHosts: config.tenantHosts,
    hosts: [] as readonly string[],
  };
  const mailbox = mailboxOf(core, () => policy.origin);
  const app = await buildApp(core, {
    policy,
    version: packageVersion(),
    logger: { level: config.logLevel },
    development: isDevelopment(config),
    ...(isDevelopment(config) && !config.mail ? { mailbox } : {}),
  });
  await app.listen({ host: config.host, port: config.port });
  const { port } = app.server.address() as AddressInfo;
  if (config.port === 0) Object.assign(policy, atPort(policy, port));
  policy.hosts = hostsOf(policy.origin, { loopback: isLoopback(config.host), port }).hosts;
  return { app, origin: policy.origin };
}

/** The origins with the port that was free, in the place of port 0. */
export function atPort(
  { origin, tenantHosts }: { readonly origin: string; readonly tenantHosts: TenantHosts | null },
  port: number,
) {
  const at = (text: string) => text.replace(/:0$/, `:${port}`);
  return {
    origin: at(origin),
    tenantHosts: tenantHosts && tenantHostsOf(at(tenantHosts.pattern)),
  };
}
