import type { FastifyInstance } from 'fastify';
import { refuse } from './refusals.ts';

/**
 * Answers what has no route: 405 with Allow where the path has one for another method, else 404.
 * A change is thereby never reached by GET, HEAD or OPTIONS.
 */
export function addNotFound(app: FastifyInstance): void {
  const methodsOf = new Map<string, { readonly path: RegExp; readonly methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    const path = new RegExp(
      `^${url.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')}$`,
    );
    const known = methodsOf.get(url) ?? { path, methods: new Set<string>() };
    for (const each of [method].flat()) known.methods.add(each);
    methodsOf.set(url, known);
  });
  app.setNotFoundHandler((request, reply) => {
    const [pathname = ''] = request.url.split('?');
    const found = [...methodsOf.values()].find(({ path }) => path.test(pathname));
    if (!found) return refuse('not-found', request, reply);
    reply.header('allow', [...found.methods].toSorted().join(', '));
    return refuse('method-not-allowed', request, reply);
  });
}
