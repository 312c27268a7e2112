import type { FastifyInstance } from 'fastify';
import type { Core } from '../core/core.ts';
import { bareApp, NO_TABLES } from '../fastify/app.ts';
import { parseForm } from '../fastify/body-parser.ts';
import type { Access } from '../fastify/declaration.ts';
import type { GatePolicy } from '../fastify/head-checks.ts';
import { gated, type GatedOptions } from '../fastify/plugin.ts';
import { refuse } from '../fastify/refusals.ts';
import type { GatewayConfig, GatewayRoute } from './config.ts';
import type { Upstream } from './exchange.ts';
import { forward } from './forward.ts';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';
import { observe } from './observation.ts';
import { FORM_BYTES, hasBody, limitBodyTime } from './request-body.ts';
import type { Forwarding } from './request-head.ts';
import { matches, routerPath } from './template.ts';
import { addTunnels, tunnel } from './tunnel.ts';

export interface GatewayAppOptions extends Pick<
  GatedOptions,
  'version' | 'development' | 'mailbox'
> {
  readonly config: GatewayConfig;
  readonly policy: GatePolicy;
  readonly logger: Parameters<typeof bareApp>[0]['logger'];
  readonly upstream: Upstream;
  readonly forwarding: Forwarding;
  readonly health: Health;
  readonly metrics: Metrics;
}

const HEAD_MILLISECONDS_MAX = 15_000;
/** Longer than any id, and than what a path may be in all. */
const PARAMETER_CHARACTERS_MAX = 16_384;

/** The product's pages and API under their prefix, and the upstream's routes, behind one gate. */
export async function buildGatewayApp(
  core: Core,
  options: GatewayAppOptions,
): Promise<FastifyInstance> {
  const { config, logger, upstream, forwarding, health, metrics } = options;
  const policy: GatePolicy = Object.assign(options.policy, { forwards: true as const });
  const app = bareApp(
    { logger, policy },
    // Uploads may take long: each route says how long, and a head may not take longer than this.
    {
      requestTimeout: 0,
      routerOptions: { maxParamLength: PARAMETER_CHARACTERS_MAX },
    },
  );
  app.server.headersTimeout = HEAD_MILLISECONDS_MAX;
  const { trustedProxies } = policy;
  observe(app, { metrics, accessLog: config.accessLog, trustedProxies });
  addTunnels(app);
  app.addHook('onRequest', (request, reply, done) => {
    if (hasBody(request.raw) && !request.routeOptions.config.forwards)
      limitBodyTime(request, reply);
    done();
  });
  await app.register(gated, {
    ...options,
    core,
    policy,
    mount: config.prefix,
    scope: NO_TABLES,
    permissions: config.permissions,
  });
  const routesOf = (isForm: boolean) =>
    config.routes.filter(({ body }) => (body === 'form') === isForm);

  // Nothing that looks like the account's is the upstream's, also where a wildcard would take it.
  const isAccounts = (url: string) =>
    `${url.replace(/\?.*/s, '')}/`.startsWith(`${config.prefix}/`);

  const add = (scope: FastifyInstance, route: GatewayRoute) => {
    const handle = route.websocket ? tunnel : forward;
    scope.route({
      method: route.method,
      url: routerPath(route.template),
      access: route.access as Access,
      forwards: true,
      ...(config.databaseLogin === undefined ? {} : { databaseLogin: config.databaseLogin }),
      exposeHeadRoute: false,
      bodyLimit: Math.max(1, route.bodyLimit),
      ...(route.body ? { bodyType: route.body } : {}),
      ...(route.websocket ? { tunnels: true } : {}),
      onRequest(request, reply, done) {
        if (route.body === 'form') limitBodyTime(request, reply, route.timeoutSeconds * 1000);
        const parameters = request.params as Record<string, string>;
        if (!isAccounts(request.url) && matches(route.template, parameters)) done();
        else refuse('not-found', request, reply);
      },
      handler(request, reply) {
        if (!health.isUp()) return refuse('upstream-unavailable', request, reply);
        return handle(core, upstream, forwarding, route, request, reply);
      },
    });
  };
  await app.register(async (scope) => {
    // Left where it is: it is read behind the decision, or passed on as it comes.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
    for (const route of routesOf(false)) add(scope, route);
  });
  await app.register(async (scope) => {
    // The decision needs the token in it.
    scope.decorateRequest(FORM_BYTES, null);
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
      request[FORM_BYTES] = body;
      done(null, parseForm(body.toString('utf8')));
    });
    for (const route of routesOf(true)) add(scope, route);
  });
  return app;
}
