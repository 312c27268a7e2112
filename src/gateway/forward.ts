import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Core } from '../core/core.ts';
import { refuse } from '../fastify/refusals.ts';
import { isSafeMethod } from '../http/request-head.ts';
import type { GatewayRoute } from './config.ts';
import { type Ending, exchange, type Upstream } from './exchange.ts';
import { bodyOf } from './request-body.ts';
import { type Forwarding, upstreamHead } from './request-head.ts';
import { watchStanding } from './standing-watch.ts';

/** Before each further attempt; an upstream that restarts takes a moment. */
const PAUSES_MILLISECONDS = [0, 100];

/**
 * Forwards a request that the gate has let through. A safe method is tried again on another
 * connection where nothing came back; anything else may have been done (RFC 9110 9.2.2).
 */
export async function forward(
  core: Core,
  upstream: Upstream,
  forwarding: Forwarding,
  route: GatewayRoute,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const body = await bodyOf(request, route);
  if ('problem' in body) {
    // What is left of the body is not read.
    return refuse(body.problem, request, reply.header('connection', 'close'));
  }
  const key = (await forwarding.signingKey?.(new Date())) ?? null;
  const bound = route.stream ? null : 'bytes' in body ? body.bytes : null;
  const head = () => upstreamHead(request, forwarding, key, bound);

  let late = false;
  const timer = setTimeout(() => {
    late = true;
    ending.cut('upstream-timeout');
  }, route.timeoutSeconds * 1000);
  const ending: Ending = {
    cut: () => {},
    progress: route.stream ? () => void timer.refresh() : () => {},
  };
  const stop = () => ending.cut('upstream-unavailable');
  const ended = upstream.underWay.add(stop);
  const unwatch = route.stream
    ? watchStanding(core, request, () => ending.cut('not-signed-in'))
    : () => {};
  try {
    const attempt = () => exchange(upstream, request, reply, route, body, head, ending);
    let last = await attempt();
    if (isSafeMethod(request.method)) {
      for (const pause of PAUSES_MILLISECONDS) {
        if (!last.connection) break;
        await sleep(pause);
        last = late ? { problem: 'upstream-timeout', connection: false } : await attempt();
      }
    }
    if (last.problem === null) return reply.hijack();
    if (!request.raw.complete) reply.header('connection', 'close');
    return refuse(last.problem, request, reply);
  } finally {
    clearTimeout(timer);
    unwatch();
    ended();
  }
}
