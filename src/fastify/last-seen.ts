import type { FastifyInstance } from 'fastify';
import type { Core } from '../core/core.ts';
import { touchSession } from '../db/sessions.ts';

/**
 * Notes that a session was used, after the answer, at most once a minute: the inactivity limit of
 * an hour needs no more, and a row that every request writes is a row that every request waits for.
 * One that fails is noted by the next request.
 */
export function addLastSeen(app: FastifyInstance, core: Core): void {
  const underWay = new Map<string, Promise<void>>();

  app.addHook('onResponse', async (request) => {
    const { principal } = request;
    if (!principal?.seenLongAgo) return;
    const { sessionId } = principal;
    if (underWay.has(sessionId)) return;
    const touch = core.database
      .batch({ role: 'sallyport_identity', access: 'write' }, [touchSession(sessionId)])
      .then(() => {})
      .catch((error: unknown) => request.log.warn({ err: error }, 'last seen was not noted'))
      .finally(() => underWay.delete(sessionId));
    underWay.set(sessionId, touch);
  });

  app.addHook('onClose', async () => {
    await Promise.all(underWay.values());
  });
}
