import { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Dispatcher } from 'undici';
import type { Core } from '../core/core.ts';
import { refuse } from '../fastify/refusals.ts';
import { answeredHeaders } from '../http/forwarded-head.ts';
import type { ProblemCode } from '../http/problem.ts';
import { headerValues } from '../http/request-head.ts';
import { answerHead, linesOf } from './answer-head.ts';
import type { GatewayRoute } from './config.ts';
import type { Upstream } from './exchange.ts';
import { type Forwarding, upstreamHead } from './request-head.ts';
import { watchStanding } from './standing-watch.ts';

/** The connection of a request that asks for another protocol, and what came behind its head. */
const SOCKET = Symbol('sallyport.upgradedSocket');
const HEAD = Symbol('sallyport.upgradedHead');
/** Of an answer that refuses a handshake: a page or a problem, and no download. */
const REFUSAL_BYTES_MAX = 65_536;

/** Leads upgrades into the app, where they are requests like others and pass the same gate. */
export function addTunnels(app: FastifyInstance): void {
  app.decorate('sallyportTunnels', true);
  app.server.on('upgrade', (raw, socket, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    Object.assign(raw, { [SOCKET]: socket, [HEAD]: head });
    const answer = new ServerResponse(raw);
    answer.assignSocket(socket as never);
    app.routing(raw, answer);
  });
}

/**
 * Opens a WebSocket to the upstream and passes bytes both ways, until either side ends it, nobody
 * says anything for as long as the route allows, or who asked may not have it any more. An upstream
 * that answers with anything else has its answer passed on (RFC 6455 4.1).
 */
export async function tunnel(
  core: Core,
  upstream: Upstream,
  forwarding: Forwarding,
  route: GatewayRoute,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const client = Reflect.get(request.raw, SOCKET) as Duplex | undefined;
  if (!client || !isHandshake(request)) return refuse('malformed-request', request, reply);
  const key = (await forwarding.signingKey?.(new Date())) ?? null;
  const headers = upstreamHead(request, forwarding, key, null);
  const opened = await openUpstream(upstream, request, route, client, headers);
  if ('problem' in opened) return refuse(opened.problem, request, reply);
  if ('status' in opened) {
    const answered = answerHead(request, reply, opened.lines, route);
    reply.hijack();
    reply.raw.writeHead(opened.status, [...answered, 'connection', 'close']).end(opened.body);
    return reply;
  }

  reply.hijack();
  reply.raw.statusCode = 101;
  const { socket, lines } = opened;
  const kept = answeredHeaders(lines, route);
  const head = Array.from(
    { length: kept.length / 2 },
    (_, at) => `${kept[2 * at]}: ${kept[2 * at + 1]}`,
  );
  const first = ['HTTP/1.1 101 Switching Protocols', 'connection: upgrade', 'upgrade: websocket'];
  client.write(Buffer.from([...first, ...head, '', ''].join('\r\n'), 'latin1'));
  socket.write(Reflect.get(request.raw, HEAD) as Buffer);

  const cut = () => {
    client.destroy();
    socket.destroy();
  };
  const idle = setTimeout(cut, route.timeoutSeconds * 1000);
  const unwatch = watchStanding(core, request, cut);
  const ended = upstream.underWay.add(cut);
  await new Promise<void>((resolve) => {
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      from.on('data', () => void idle.refresh());
      from.pipe(to);
      from.on('error', cut).on('close', cut).on('close', resolve);
    }
  });
  clearTimeout(idle);
  unwatch();
  ended();
  return reply;
}

function isHandshake({ raw }: FastifyRequest): boolean {
  const [protocol, ...more] = headerValues(raw, 'upgrade');
  return protocol?.toLowerCase() === 'websocket' && more.length === 0;
}

type Opened =
  | { readonly socket: Duplex; readonly lines: readonly string[] }
  | { readonly status: number; readonly lines: readonly string[]; readonly body: Buffer }
  | { readonly problem: ProblemCode };

function openUpstream(
  { pool }: Upstream,
  request: FastifyRequest,
  route: GatewayRoute,
  client: Duplex,
  headers: string[],
): Promise<Opened> {
  return new Promise((resolve) => {
    let controller: Dispatcher.DispatchController | null = null;
    let over = false;
    let refusal: { status: number; lines: readonly string[] } | null = null;
    const chunks: Buffer[] = [];
    let count = 0;
    const end = (opened: Opened) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      client.off('close', gone);
      if ('problem' in opened) controller?.abort(new Error('the handshake is over'));
      resolve(opened);
    };
    const gone = () => end({ problem: 'upstream-failed' });
    client.once('close', gone);
    const timer = setTimeout(
      () => end({ problem: 'upstream-timeout' }),
      route.timeoutSeconds * 1000,
    );
    pool.dispatch(
      {
        method: 'GET',
        path: request.raw.url ?? '',
        headers,
        upgrade: 'websocket',
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      {
        onRequestStart(started) {
          controller = started;
          if (over) started.abort(new Error('the handshake is over'));
        },
        onRequestUpgrade({ rawHeaders }, _status, _headers, socket) {
          if (over) return void socket.destroy();
          end({ socket, lines: linesOf(rawHeaders) });
        },
        onResponseStart({ rawHeaders }, status) {
          // What only informs, such as 103, is for the next hop.
          if (status >= 200) refusal = { status, lines: linesOf(rawHeaders) };
        },
        onResponseData(_controller, chunk) {
          count += chunk.length;
          if (count > REFUSAL_BYTES_MAX) end({ problem: 'upstream-failed' });
          else chunks.push(chunk);
        },
        onResponseEnd() {
          controller = null;
          if (refusal) end({ ...refusal, body: Buffer.concat(chunks) });
        },
        onResponseError(_controller, error) {
          controller = null;
          if (!over) request.log.warn({ err: error }, 'the upstream took no WebSocket');
          end({ problem: 'upstream-failed' });
        },
      },
    );
  });
}
