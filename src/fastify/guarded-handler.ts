import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify';
import { answerKnownError } from './refusals.ts';

/** Set once the gate has let the request through; without it no handler runs. */
export const PASSED = Symbol('sallyport.passed');

declare module 'fastify' {
  interface FastifyRequest {
    [PASSED]: boolean;
  }
}

/**
 * A handler that refuses to run for a request that the gate has not let through, however that came
 * there, and in which what the database refuses is answered as the gate would answer it.
 */
export function guardHandler(name: string, handler: RouteHandlerMethod): RouteHandlerMethod {
  return function guarded(this: FastifyInstance, ...given: [FastifyRequest, FastifyReply]) {
    const [request, reply] = given;
    // A websocket's handler gets the socket first and the request behind it.
    if (!hasPassed(request) && !hasPassed(reply)) {
      throw new Error(`${name} was reached past the gate`);
    }
    const answer: unknown = handler.apply(this, given);
    if (!(answer instanceof Promise)) return answer;
    return answer.catch((error: unknown) => {
      const answered = answerKnownError(error, request, reply);
      if (!answered) throw error;
      return answered;
    });
  };
}

function hasPassed(value: object): boolean {
  return Reflect.get(value, PASSED) === true;
}
