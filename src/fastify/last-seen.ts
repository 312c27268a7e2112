import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Core } from '../core/core.ts';
import type { Principal } from '../db/authorization.ts';
import { touchBearerCredential } from '../db/bearer-credentials.ts';
import { touchSession } from '../db/sessions.ts';

/**
 * Notes that a session or a bearer credential was used, after the answer, at most once a minute:
 * the inactivity limit of an hour needs no more, and a row that every request writes is a row that
 * every request waits for. One that fails is noted by the next request.
 */
export function addLastSeen(app: FastifyInstance, core: Core): void {
  const underWay = new Map<string, Promise<void>>();

  app.addHook('onResponse', (request, _reply, done) => {
    if (request.principal?.seenLongAgo) note(request.principal, request.log);
    done();
  });

  function note({ sessionId, bearerId = '' }: Principal, log: FastifyBaseLogger): void {
    const id = sessionId ?? bearerId;
    if (underWay.has(id)) return;
    const statement = sessionId === null ? touchBearerCredential(id) : touchSession(id);
    const touch = core.database
      .batch({ role: 'sallyport_identity', access: 'write' }, [statement])
      .then(() => {})
      .catch((error: unknown) => log.warn({ err: error }, 'last seen was not noted'))
      .finally(() => underWay.delete(id));
    underWay.set(id, touch);
  }

  app.addHook('onClose', async () => {
    await Promise.all(underWay.values());
  });
}
