import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyServerOptions } from 'fastify';
import { Pool } from 'undici';
import type { Core } from '../core/core.ts';
import { recordPermissions } from '../core/permissions.ts';
import { keptSigningKey } from '../core/signing-keys.ts';
import { findUpstreamRoleProblems } from '../db/checks/upstream-role.ts';
import { PING } from '../db/database.ts';
import { hostsOf } from '../http/host.ts';
import { startBackgroundWork } from '../server/background-work.ts';
import { type Config, isDevelopment, isLoopback } from '../server/config.ts';
import { StartError } from '../server/data-folder.ts';
import { mailboxOf } from '../server/mailbox.ts';
import { openCore } from '../server/opening.ts';
import { packageVersion } from '../server/package-version.ts';
import { atPort } from '../server/server.ts';
import { buildGatewayApp } from './app.ts';
import type { GatewayConfig } from './config.ts';
import { fetchOperations, unlistedOperations } from './document.ts';
import type { Upstream } from './exchange.ts';
import { watchHealth } from './health.ts';
import { startMetrics } from './metrics.ts';
import { startOperatorServer } from './operator.ts';
import { slots } from './slots.ts';
import { underWay } from './under-way.ts';

export interface RunningGateway {
  readonly origin: string;
  /** Where the account's pages are. */
  readonly accounts: string;
  /** Where /metrics, /live and /ready are; null where nobody wanted them. */
  readonly operatorPort: number | null;
  /**
   * Takes no more requests, answers those under way, and cuts what is left after the configured
   * seconds.
   */
  close(): Promise<void>;
}

/** Between connections that the upstream closes, such as uvicorn's after five seconds, and ours. */
const KEEP_ALIVE_MILLISECONDS = 4_000;
const CONNECT_MILLISECONDS_MAX = 5_000;

/**
 * Starts the product in front of somebody else's API.
 * @throws StartError with a line for each thing that is wrong.
 */
export async function startGateway(
  config: Config,
  gateway: GatewayConfig,
  stream?: Exclude<FastifyServerOptions['logger'], boolean | undefined>['stream'],
): Promise<RunningGateway> {
  const undo: Array<() => Promise<void>> = [];
  const close = async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    await refuseUnlisted(gateway);
    const opened = await openCore(config);
    undo.push(() => opened.close());
    const { core } = opened;
    await refuseUnfitLogin(core, gateway.databaseLogin);
    await recordPermissions(core.database, gateway.permissions);
    const upstream: Upstream = {
      pool: new Pool(gateway.upstream, {
        pipelining: 1,
        keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
        connect: { timeout: CONNECT_MILLISECONDS_MAX },
      }),
      slots: slots(gateway.connections),
      underWay: underWay(),
    };
    undo.push(() => upstream.pool.destroy());

    let tell = (_message: string) => {};
    const health = watchHealth(upstream.pool, gateway.health, (message) => tell(message));
    undo.push(async () => health.stop());
    const metrics = startMetrics({
      upstreamUp: () => health.isUp(),
      underWay: () => upstream.underWay.count(),
    });
    const policy = policyOf(config);
    const app = await buildGatewayApp(core, {
      config: gateway,
      policy,
      version: packageVersion(),
      logger: { level: config.logLevel, ...(stream ? { stream } : {}) },
      development: isDevelopment(config),
      ...(isDevelopment(config) && !config.mail
        ? { mailbox: mailboxOf(core, () => `${policy.origin}${gateway.prefix}`) }
        : {}),
      upstream,
      forwarding: {
        policy,
        audience: gateway.audience,
        signingKey: gateway.assertions ? keptSigningKey(core) : null,
      },
      health,
      metrics,
    });
    undo.push(() => app.close());
    tell = (message) => app.log.warn(message);
    await app.listen({ host: config.host, port: config.port });
    const { port } = app.server.address() as AddressInfo;
    if (config.port === 0) Object.assign(policy, atPort(policy, port));
    policy.hosts = hostsOf(policy.origin, { loopback: isLoopback(config.host), port }).hosts;

    let draining = false;
    const isReady = async () => {
      if (draining || !health.isUp()) return false;
      const asApp = { role: 'sallyport_app', access: 'read' } as const;
      return await core.database.batch(asApp, [PING]).then(
        () => true,
        () => false,
      );
    };
    const operator =
      gateway.operatorPort === false
        ? null
        : await startOperatorServer(gateway.operatorPort, metrics.registry, isReady);
    if (operator) undo.push(() => operator.close());
    const base = `${policy.origin}${gateway.prefix}`;
    const work = startBackgroundWork(core, config.mail, base, app.log);
    undo.push(() => work.stop());
    undo.push(async () => {
      draining = true;
      const ending = new AbortController();
      const cutting = sleep(gateway.drainSeconds * 1000, undefined, { signal: ending.signal }).then(
        () => {
          upstream.underWay.cutAll();
        },
        () => {},
      );
      await app.close();
      ending.abort();
      await cutting;
      upstream.underWay.cutAll();
    });
    return { origin: policy.origin, accounts: base, operatorPort: operator?.port ?? null, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Its origin and hosts are those of the port that it gets, which may be known only then. */
function policyOf(config: Config) {
  const { origin, trustedOrigins, trustedProxies, tenantHeader, tenantHosts } = config;
  const hosts: readonly string[] = [];
  return { origin, trustedOrigins, trustedProxies, tenantHeader, tenantHosts, hosts };
}

async function refuseUnlisted({ openapi, upstream, listed }: GatewayConfig): Promise<void> {
  if (openapi === false) return;
  const unlisted = unlistedOperations(await fetchOperations(upstream, openapi), listed);
  if (unlisted.length > 0) throw new StartError(unlisted.join('\n'));
}

async function refuseUnfitLogin({ database }: Core, login: string | undefined): Promise<void> {
  if (login === undefined) return;
  const problems = await findUpstreamRoleProblems(database, login);
  if (problems.length === 0) return;
  throw new StartError(problems.map((problem) => `databaseLogin: ${problem}`).join('\n'));
}
