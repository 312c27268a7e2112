import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isUnbelieved, type Source, sourceOf, type TrustedProxies } from '../http/source.ts';

/** What was worked out before: behind the end of a request there is no connection to ask. */
const KNOWN = Symbol('sallyport.source');

declare module 'fastify' {
  interface FastifyRequest {
    [KNOWN]: Source | null;
    /** Where it comes from, as far as configured proxies tell; worked out when it is asked for. */
    readonly source: Source;
  }
}

/**
 * Gives each request its source. Somebody who forgot to name the proxy is told once: behind it
 * everybody would count as one source, and one could use up the budget of all.
 */
export function addSource(app: FastifyInstance, trusted: TrustedProxies): void {
  let told = false;
  app.decorateRequest(KNOWN, null);
  app.decorateRequest('source', {
    getter(this: FastifyRequest) {
      if (this[KNOWN]) return this[KNOWN];
      const peer = this.socket.remoteAddress;
      if (!told && isUnbelieved(this.raw, peer, trusted)) {
        told = true;
        this.log.warn(
          { peer },
          'X-Forwarded-For is not believed: SALLYPORT_TRUSTED_PROXIES does not name this peer',
        );
      }
      return (this[KNOWN] = sourceOf(this.raw, peer, trusted));
    },
  });
}
