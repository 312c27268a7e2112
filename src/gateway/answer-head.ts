import type { FastifyReply, FastifyRequest } from 'fastify';
import { isPrivate } from '../fastify/private-answer.ts';
import { answeredHeaders } from '../http/forwarded-head.ts';
import type { GatewayRoute } from './config.ts';

/**
 * The header lines of an answer: the upstream's, and beneath them those that every answer of ours
 * has. What is for somebody who is signed in is nobody else's to keep, whatever the upstream says
 * of it, and what it depends on is said in any case (R-86, CWE-524, ASVS 14.3.2).
 */
export function answerHead(
  request: FastifyRequest,
  reply: FastifyReply,
  upstream: readonly string[],
  { access, setCookie }: Pick<GatewayRoute, 'access' | 'setCookie'>,
): string[] {
  const lines: string[] = [];
  const said = new Set<string>();
  const vary: string[] = [];
  const control: string[] = [];
  const kept = answeredHeaders(upstream, { setCookie });
  for (let index = 0; index + 1 < kept.length; index += 2) {
    const name = kept[index] ?? '';
    const value = kept[index + 1] ?? '';
    const lower = name.toLowerCase();
    if (lower === 'vary') vary.push(value);
    else if (lower === 'cache-control') control.push(value);
    else if (access === 'public' || !isForCachesAlone(lower)) {
      said.add(lower);
      lines.push(name, value);
    }
  }
  const own = reply.getHeaders();
  for (const name of Object.keys(own)) {
    const value = own[name];
    if (name === 'vary') lines.push('vary', [value, ...vary].flat().join(', '));
    else if (name === 'cache-control') {
      const asked = control.length > 0 ? control.join(', ') : String(value);
      const mayStay = access === 'public' || isPrivate(asked);
      lines.push('cache-control', mayStay ? asked : 'no-store');
    } else if (said.has(name)) continue;
    else if (Array.isArray(value)) for (const each of value) lines.push(name, each);
    else lines.push(name, String(value));
  }
  lines.push('x-request-id', request.id);
  return lines;
}

/**
 * What some cache goes by in place of `Cache-Control`: nginx, CDNs with surrogate keys, and whoever
 * has a field of its own (RFC 9213).
 */
function isForCachesAlone(name: string): boolean {
  return (
    name.endsWith('-cache-control') ||
    name === 'x-accel-expires' ||
    name === 'surrogate-control' ||
    name === 'edge-control'
  );
}

/** The lines as undici has them: buffers, name and value in turn. */
export function linesOf(raw: unknown): readonly string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((each) => (Buffer.isBuffer(each) ? each.toString('latin1') : String(each)));
}
