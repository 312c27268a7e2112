import {
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { REFUSED } from '../fastify/refusals.ts';
import { isTrustedPeer, type TrustedProxies } from '../http/source.ts';
import type { Metrics } from './metrics.ts';

const SPAN = Symbol('sallyport.span');

declare module 'fastify' {
  interface FastifyRequest {
    [SPAN]: Span | null;
  }
}

export interface Observing {
  readonly metrics: Metrics;
  readonly accessLog: boolean;
  readonly trustedProxies: TrustedProxies;
}

interface Begun {
  readonly began: number;
  readonly route: string;
  readonly address: string | null;
  readonly span: Span;
}

/**
 * Notes each request when it is over, answered or not: in the metrics, as a span, and as one line
 * of the access log. None of them has an address as it was asked for, a query, a header or a body:
 * secrets travel in all of these (CWE-532, ASVS 16.2.5).
 */
export function observe(app: FastifyInstance, options: Observing): void {
  const { metrics, accessLog, trustedProxies } = options;
  const tracer = trace.getTracer('sallyport');
  const log = app.log.child({ log: 'access' }, { level: 'info' });
  app.decorateRequest(SPAN, null);

  app.addHook('onRequest', (request, reply, done) => {
    const trusted = isTrustedPeer(request.socket.remoteAddress, trustedProxies);
    const parent = trusted
      ? propagation.extract(context.active(), request.headers)
      : context.active();
    const route = request.routeOptions.url ?? 'none';
    const span = tracer.startSpan(`${request.method} ${route}`, { kind: SpanKind.SERVER }, parent);
    request[SPAN] = span;
    const began = performance.now();
    // Behind its end a request has no connection any more.
    const { address } = request.source;
    reply.raw.once('close', () => over(request, reply, { began, route, address, span }));
    done();
  });

  function over(request: FastifyRequest, reply: FastifyReply, begun: Begun): void {
    const { began, route, address, span } = begun;
    const took = performance.now() - began;
    const { method, id, principal } = request;
    const { statusCode, writableFinished } = reply.raw;
    const status = writableFinished || statusCode === 101 ? statusCode : null;
    const refusal = request[REFUSED];
    metrics.answered({ method, route, status, refusal, seconds: took / 1000 });
    if (span.isRecording()) {
      span.setAttributes({
        'http.request.method': method,
        'http.route': route,
        'sallyport.request_id': id,
        ...(status === null ? {} : { 'http.response.status_code': status }),
        ...(refusal === null ? {} : { 'sallyport.refusal': refusal }),
      });
      if (status === null || status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end();
    if (!accessLog) return;
    log.info({
      id,
      method,
      route,
      status: status ?? 'aborted',
      milliseconds: Math.round(took * 10) / 10,
      address,
      identity: principal?.identityId ?? null,
      tenant: principal?.tenantId ?? null,
      ...(refusal === null ? {} : { refusal }),
    });
  }
}

/** Whether a tracer of the process makes spans. */
export function isTraced(request: FastifyRequest): boolean {
  return request[SPAN]?.isRecording() === true;
}

/** Header lines that let the upstream's spans hang below ours; none where nobody traces. */
export function traceHeaders(request: FastifyRequest): string[] {
  const span = request[SPAN];
  if (!span) return [];
  const carrier: Record<string, string> = {};
  propagation.inject(trace.setSpan(context.active(), span), carrier);
  return Object.entries(carrier).flat();
}
