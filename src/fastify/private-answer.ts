import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Keeps answers for one person out of every shared cache, whatever the handler or a plugin such as
 * one for static files has set: without `private` beside it, what may be cached may be served to
 * somebody else (R-86, CWE-524, ASVS 14.3.2).
 */
export function keepPrivate(
  _request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: (error: null, payload: unknown) => void,
): void {
  const control = reply.getHeader('cache-control');
  if (control !== 'no-store' && !isPrivate(String(control ?? ''))) {
    reply.header('cache-control', 'no-store');
  }
  done(null, payload);
}

export function isPrivate(control: string): boolean {
  const directives = control.toLowerCase().split(/[\s,]+/);
  if (directives.some((each) => each === 'public' || each.startsWith('s-maxage'))) return false;
  return directives.includes('private') || directives.includes('no-store');
}
