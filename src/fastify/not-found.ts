import type { FastifyInstance } from 'fastify';
import { refuse } from './refusals.ts';

/**
 * Answers what has no route: 405 with Allow where the path has one for another method, else 404.
 * A change is thereby never reached by GET, HEAD or OPTIONS.
 */
export function addNotFound(app: FastifyInstance): void {
  const methodsOf = new Map<string, { readonly path: RegExp; readonly methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    const escaped = url.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
    const path = new RegExp(`^${escaped.replace(/:\w+/g, '[^/]+').replace(/\\\*$/, '.*')}$`);
    const known = methodsOf.get(url) ?? { path, methods: new Set<string>() };
    for (const each of [method].flat()) known.methods.add(each);
    methodsOf.set(url, known);
  });
  app.setNotFoundHandler((request, reply) => {
    const [pathname = ''] = request.url.split('?');
    const found = [...methodsOf.values()].filter(({ path }) => path.test(pathname));
    const allowed = new Set(found.flatMap(({ methods }) => [...methods]));
    if (allowed.size === 0) return refuse('not-found', request, reply);
    reply.header('allow', [...allowed].toSorted().join(', '));
    return refuse('method-not-allowed', request, reply);
  });
}
