import type { IncomingMessage } from 'node:http';
import { type Readable, Transform } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ProblemCode } from '../http/problem.ts';
import type { GatewayRoute } from './config.ts';

/** Bytes of a form, kept beside what was read of them for its token. */
export const FORM_BYTES = Symbol('sallyport.formBytes');

declare module 'fastify' {
  interface FastifyRequest {
    [FORM_BYTES]: Buffer | null;
  }
}

export type ForwardedBody =
  | { readonly bytes: Buffer }
  | { readonly stream: Readable; readonly length: string | null }
  | { readonly problem: ProblemCode };

const NOTHING = Buffer.alloc(0);
/** A body that is kept whole has to be there within this time. */
const BODY_MILLISECONDS_MAX = 15_000;

/**
 * The body to forward. It is read only now, after the decision: who may not send it cannot have us
 * keep it (CWE-770). One that is streamed is counted as it passes.
 */
export function bodyOf(
  request: FastifyRequest,
  { bodyLimit, stream, timeoutSeconds }: GatewayRoute,
): ForwardedBody | Promise<ForwardedBody> {
  const { raw } = request;
  const length = raw.headers['content-length'] ?? null;
  const isChunked = raw.headers['transfer-encoding'] !== undefined;
  const form = request[FORM_BYTES];
  if (form) return { bytes: form };
  if (!isChunked && Number(length ?? 0) === 0) return { bytes: NOTHING };
  if (Number(length ?? 0) > bodyLimit) return { problem: 'body-too-large' };
  if (stream) return { stream: isChunked ? limited(raw, bodyLimit) : raw, length };
  return readBody(raw, bodyLimit, Math.min(BODY_MILLISECONDS_MAX, timeoutSeconds * 1000));
}

/**
 * The same for a body that the framework reads, because the decision needs what is in it: whoever
 * sends it byte by byte does not keep the connection (CWE-400).
 */
export function limitBodyTime(
  { raw }: FastifyRequest,
  reply: FastifyReply,
  milliseconds = BODY_MILLISECONDS_MAX,
): void {
  if (!hasBody(raw)) return;
  const timer = setTimeout(() => {
    if (!raw.complete) raw.destroy();
  }, milliseconds);
  reply.raw.once('close', () => clearTimeout(timer));
}

/** Whether a body is announced, be it an empty one. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Boolean(headers['content-length']);
}

/** A body that turns out to be larger than the route takes. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError';
}

function limited(raw: IncomingMessage, limit: number): Readable {
  let count = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      count += chunk.length;
      if (count > limit) next(new BodyTooLargeError('the body is too large'));
      else next(null, chunk);
    },
  });
  // Not as a pipeline, which would take the connection away from under the answer.
  raw.pipe(counted);
  raw.once('close', () => {
    if (!raw.complete) counted.destroy(new Error('the body breaks off'));
  });
  return counted;
}

function readBody(
  raw: IncomingMessage,
  limit: number,
  milliseconds: number,
): Promise<ForwardedBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let count = 0;
    const end = (read: ForwardedBody) => {
      clearTimeout(timer);
      raw.off('data', onData);
      raw.off('end', onEnd);
      raw.off('close', onClose);
      raw.off('error', onClose);
      if ('problem' in read) raw.on('error', () => {}).pause();
      resolve(read);
    };
    const onData = (chunk: Buffer) => {
      count += chunk.length;
      if (count > limit) end({ problem: 'body-too-large' });
      else chunks.push(chunk);
    };
    const onEnd = () => end({ bytes: Buffer.concat(chunks) });
    const onClose = () => end({ problem: 'malformed-request' });
    const timer = setTimeout(() => end({ problem: 'request-timeout' }), milliseconds);
    raw.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}
