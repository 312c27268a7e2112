import type { FastifyInstance, FastifyRequest } from 'fastify';

const MOUNT = Symbol('sallyport.mount');

/** Notes where on this app the account's pages and API are: '' or a path such as '/accounts'. */
export function mountAt(app: FastifyInstance, prefix: string): void {
  app.decorate(MOUNT, prefix);
}

/** A path of the account's pages, as it is reached in the app that answers this request. */
export function mounted(request: FastifyRequest, path: string): string {
  return `${String(Reflect.get(request.server, MOUNT) ?? '')}${path}`;
}
