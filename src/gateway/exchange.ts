import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Dispatcher, errors, type Pool } from 'undici';
import type { ProblemCode } from '../http/problem.ts';
import { answerHead, linesOf } from './answer-head.ts';
import type { GatewayRoute } from './config.ts';
import { BodyTooLargeError, type ForwardedBody } from './request-body.ts';
import type { Slots } from './slots.ts';
import type { UnderWay } from './under-way.ts';

/** The way to the upstream, shared by all requests of the process. */
export interface Upstream {
  readonly pool: Pool;
  readonly slots: Slots;
  readonly underWay: UnderWay;
}

/** How an attempt ended: null where the client has its answer, or is gone. */
export interface Attempt {
  readonly problem: ProblemCode | null;
  /** Whether nothing came back because of the connection, so that another one may do. */
  readonly connection: boolean;
}

/** An answer that is here as a whole, and not larger, leaves together with its head. */
const AT_ONCE_BYTES_MAX = 16_384;
/** Out here, so that it has no request in its scope. */
const nothing = () => {};
const ANSWERED: Attempt = { problem: null, connection: false };

/** What ends an attempt from outside: the route's time, a revocation, the end of the process. */
export interface Ending {
  cut: (problem: ProblemCode) => void;
  /** That something has come or gone: of a stream the time begins anew. */
  readonly progress: () => void;
}

/**
 * One attempt to have the upstream answer a request. The answer goes to the client as it comes, no
 * faster than the client takes it; once its head is out, what goes wrong can only break it off, so
 * that nobody takes a part for the whole.
 */
export function exchange(
  { pool, slots }: Upstream,
  request: FastifyRequest,
  reply: FastifyReply,
  route: GatewayRoute,
  body: Exclude<ForwardedBody, { problem: ProblemCode }>,
  head: () => string[],
  ending: Ending,
): Promise<Attempt> {
  return new Promise((resolve) => {
    const answer = reply.raw;
    let controller: Dispatcher.DispatchController | null = null;
    let holdsSlot = false;
    let over = false;
    let begun = false;
    let length = '';
    let whole: Buffer | null = null;
    let withdraw = nothing;

    const end = (attempt: Attempt) => {
      if (over) return;
      over = true;
      // Whatever still has the ending must not keep all of this by it.
      ending.cut = nothing;
      withdraw();
      answer.off('close', gone);
      if (holdsSlot) slots.give();
      controller?.abort(new Error('the request is over'));
      resolve(attempt);
    };
    const fail = (problem: ProblemCode, connection = false) => {
      if (begun) answer.destroy();
      end(begun ? ANSWERED : { problem, connection });
    };
    const gone = () => end(ANSWERED);
    if (answer.destroyed) return gone();
    answer.once('close', gone);
    ending.cut = (problem) => fail(problem);

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started;
        if (over) started.abort(new Error('the request is over'));
      },
      onBodySent: () => ending.progress(),
      onResponseStart(started, status, headers) {
        // What only informs, such as 103, is for the next hop.
        if (over || status < 200) return;
        const lines = answerHead(request, reply, linesOf(started.rawHeaders), route);
        if (!request.raw.complete) lines.push('connection', 'close');
        answer.writeHead(status, lines);
        begun = true;
        length = String(headers['content-length']);
        reply.hijack();
        if (route.stream) answer.flushHeaders();
        ending.progress();
      },
      onResponseData(started, chunk) {
        if (over) return;
        ending.progress();
        if (chunk.length <= AT_ONCE_BYTES_MAX && String(chunk.length) === length) whole = chunk;
        else if (!answer.write(chunk)) pauseUntilDrained(answer, started);
      },
      onResponseEnd() {
        if (over) return;
        // Node writes a text in one piece with the head before it, and a buffer in two.
        if (whole) answer.end(whole.toString('latin1'), 'latin1');
        else answer.end();
        controller = null;
        end(ANSWERED);
      },
      onResponseError(_controller, error) {
        if (over) return;
        controller = null;
        if (error instanceof BodyTooLargeError) return fail('body-too-large');
        request.log.warn({ err: error }, 'the upstream failed');
        fail('upstream-failed', isOfConnection(error));
      },
    };

    const send = () => {
      if (over) return slots.give();
      holdsSlot = !route.stream;
      const headers = head();
      if ('stream' in body && body.length !== null) headers.push('content-length', body.length);
      pool.dispatch(
        {
          method: request.method,
          path: request.raw.url ?? '',
          headers,
          body: 'bytes' in body ? body.bytes : body.stream,
          // Ours are kept for each route, and to the millisecond.
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        handler,
      );
    };
    // A stream may be open for hours: it takes the place of nobody.
    if (route.stream) send();
    else withdraw = slots.take(send);
  });
}

function pauseUntilDrained(answer: ServerResponse, controller: Dispatcher.DispatchController) {
  controller.pause();
  answer.once('drain', () => controller.resume());
}

const OF_CONNECTION: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

function isOfConnection(error: Error & { code?: string }): boolean {
  return error instanceof errors.SocketError || OF_CONNECTION.has(error.code ?? '');
}
