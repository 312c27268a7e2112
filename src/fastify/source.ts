import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isUnbelieved, type Source, sourceOf, type TrustedProxies } from '../http/source.ts';

declare module 'fastify' {
  interface FastifyRequest {
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
  app.decorateRequest('source', {
    getter(this: FastifyRequest) {
      const peer = this.socket.remoteAddress;
      if (!told && isUnbelieved(this.raw, peer, trusted)) {
        told = true;
        this.log.warn(
          { peer },
          'X-Forwarded-For is not believed: SALLYPORT_TRUSTED_PROXIES does not name this peer',
        );
      }
      return sourceOf(this.raw, peer, trusted);
    },
  });
}
