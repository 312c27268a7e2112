import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Core } from '../core/core.ts';
import type { Principal } from '../db/authorization.ts';
import { touchBearerCredential } from '../db/bearer-credentials.ts';
import { keepActive, touchSession } from '../db/session-activity.ts';

/**
 * Notes that a session or a bearer credential was used, after the answer, so that it is known to
 * about a minute: the inactivity limit of an hour needs no more, and a row that every request
 * writes is a row that every request waits for. One that fails is noted by the next request. The
 * row that a request looks up does not tell when its session was last seen, so each process
 * remembers whom it has noted; of several processes the first one writes, and each half a minute
 * late makes a minute.
 */
export function addLastSeen(app: FastifyInstance, core: Core): void {
  const underWay = new Map<string, Promise<void>>();
  const noted = new Recently(15_000);

  app.addHook('onResponse', (request, _reply, done) => {
    const { principal } = request;
    if (principal && (principal.seenLongAgo || isToBeNoted(principal))) {
      note(principal, request.log);
    }
    done();
  });

  function isToBeNoted({ sessionId, bearerId = '', createdAt }: Principal): boolean {
    if (noted.has(sessionId ?? bearerId)) return false;
    // Whoever has just signed in was noted with that.
    return sessionId === null || Date.now() - createdAt.getTime() > 60_000;
  }

  function note(
    { sessionId, bearerId = '', seenLongAgo }: Principal,
    log: FastifyBaseLogger,
  ): void {
    const id = sessionId ?? bearerId;
    if (underWay.has(id)) return;
    const statements =
      sessionId === null
        ? [touchBearerCredential(id)]
        : [touchSession(id), ...(seenLongAgo ? [keepActive(id)] : [])];
    const touch = core.database
      .batch({ role: 'sallyport_identity', access: 'write' }, statements)
      .then(() => noted.add(id))
      .catch((error: unknown) => log.warn({ err: error }, 'last seen was not noted'))
      .finally(() => underWay.delete(id));
    underWay.set(id, touch);
  }

  app.addHook('onClose', async () => {
    await Promise.all(underWay.values());
  });
}

/** What was added a moment ago: for so long at least, and for twice as long at the most. */
class Recently {
  readonly #milliseconds: number;
  #newer = new Set<string>();
  #older = new Set<string>();
  #since = performance.now();

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  has(id: string): boolean {
    this.#forget();
    return this.#newer.has(id) || this.#older.has(id);
  }

  add(id: string): void {
    this.#forget();
    this.#newer.add(id);
  }

  #forget(): void {
    const now = performance.now();
    if (now - this.#since < this.#milliseconds) return;
    this.#older = now - this.#since < 2 * this.#milliseconds ? this.#newer : new Set();
    this.#newer = new Set();
    this.#since = now;
  }
}
