import type { FastifyRequest } from 'fastify';
import type { Core } from '../core/core.ts';
import { stillStands } from '../fastify/standing.ts';

/** How often it is asked whether a stream still serves somebody who may have it. */
export const WATCH_SECONDS = 3;
/** For so long a stream goes on while the database does not answer. */
const UNANSWERED_MILLISECONDS = 15_000;

/**
 * Asks the database every three seconds whether the request still stands, and cuts it where it does
 * not: after a sign-out, a revocation, a change of role. The bound is three seconds and one answer
 * of the database; without a database, fifteen seconds.
 * @returns what ends the asking.
 */
export function watchStanding(core: Core, request: FastifyRequest, cut: () => void): () => void {
  if (request.principal === null) return () => {};
  let stoodAt = performance.now();
  let asking = false;
  const timer = setInterval(() => {
    if (performance.now() - stoodAt >= UNANSWERED_MILLISECONDS) return cut();
    if (asking) return;
    asking = true;
    const asked = performance.now();
    stillStands(core, request)
      .then((stands) => {
        if (stands) stoodAt = asked;
        else cut();
      })
      .catch((error: unknown) => request.log.warn({ err: error }, 'a stream was not asked about'))
      .finally(() => (asking = false));
  }, WATCH_SECONDS * 1000);
  return () => clearInterval(timer);
}
