import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify';
import { answerKnownError } from './refusals.ts';

/** What the gate has let the request through to; no other handler runs for it. */
export const PASSED = Symbol('sallyport.passed');

declare module 'fastify' {
  interface FastifyRequest {
    [PASSED]: object | null;
  }
}

/**
 * A handler that refuses to run for a request that the gate has not let through to what the route
 * declares, however that came there, and in which what the database refuses is answered as
 * the gate would answer it.
 */
export function guardHandler(
  name: string,
  declared: object,
  handler: RouteHandlerMethod,
): RouteHandlerMethod {
  return function guarded(this: FastifyInstance, ...given: [FastifyRequest, FastifyReply]) {
    const [request, reply] = given;
    // A websocket's handler gets the socket first and the request behind it.
    if (passedTo(request) !== declared && passedTo(reply) !== declared) {
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

function passedTo(value: object): unknown {
  return Reflect.get(value, PASSED);
}
