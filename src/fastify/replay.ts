import type { FastifyReply } from 'fastify';
import type { KeptAnswer } from '../core/kept-answer.ts';
import type { ProblemCode } from '../http/problem.ts';

/** What a request is answered whose Idempotency-Key has been used: the kept answer, or why not. */
export type KeyVerdict = KeptAnswer | ProblemCode;

/** Another request with the same Idempotency-Key was quicker; of this one nothing was done. */
export class KeyTakenError extends Error {
  override readonly name = 'KeyTakenError';
  readonly verdict: KeyVerdict;

  constructor(verdict: KeyVerdict) {
    super('another request with this Idempotency-Key was quicker');
    this.verdict = verdict;
  }
}

/** Answers as the first request was answered, and says that it does. */
export function replay({ status, headers, body }: KeptAnswer, reply: FastifyReply): FastifyReply {
  return reply
    .code(status)
    .headers({ ...headers, 'idempotency-replayed': 'true' })
    .send(body ?? undefined);
}
