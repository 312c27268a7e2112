import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Core } from '../core/core.ts';
import { type KeptAnswer, sealAnswer } from '../core/kept-answer.ts';
import { runAuthorized } from '../db/authorization.ts';
import { insertOrKeepAnswer, keepAnswer } from '../db/idempotency-keys.ts';
import { requirementFor } from './access.ts';
import { PASSED } from './guarded-handler.ts';
import { digestBody, type Keyed, KEYED, markerOf, placeOf, takesKey } from './keyed-request.ts';

/**
 * Lets every route that changes something in the application's tables be asked with an
 * Idempotency-Key. The answer is kept before it leaves, as the handler gave it: what hooks of the
 * application make of it, they make of the replay too.
 */
export function addIdempotency(app: FastifyInstance, core: Core): void {
  app.decorateRequest(KEYED, null);

  app.addHook('onRoute', (route) => {
    const methods = Array.isArray(route.method) ? route.method : [route.method];
    if (!takesKey(methods, route.config ?? {})) return;
    route.preParsing = [route.preParsing ?? [], digestBody].flat();
  });

  app.addHook('onSend', (request, reply, payload, done) => {
    const keyed = request[KEYED];
    if (!keyed || !request[PASSED]) return done(null, payload);
    request[KEYED] = null;
    const kept = keepOrTell(core, request, keyed, answerOf(reply, payload));
    return void kept.finally(() => done(null, payload));
  });
}

/** Headers that say what the body is or where; those of the connection and cookies are not kept. */
const KEPT_HEADERS = [
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'etag',
  'last-modified',
  'link',
  'location',
] as const;

/** They tell of this moment, and not of what was asked. */
const PASSING: ReadonlySet<number> = new Set([401, 403, 408, 425, 429]);

/** Null for what is no answer to give again: a failure, or a body that is still being made. */
function answerOf(reply: FastifyReply, payload: unknown): KeptAnswer | null {
  const { statusCode: status } = reply;
  if (status >= 500 || PASSING.has(status)) return null;
  const body = payload ?? null;
  if (body !== null && typeof body !== 'string' && !Buffer.isBuffer(body)) return null;
  const headers = Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => {
      const value = reply.getHeader(name);
      return value === undefined ? [] : [[name, [value].flat().join(', ')]];
    }),
  );
  return { status, headers, body };
}

/** What was done is done, and its answer good, kept or not; who asks again learns that much. */
async function keepOrTell(
  core: Core,
  request: FastifyRequest,
  keyed: Keyed,
  answer: KeptAnswer | null,
): Promise<void> {
  try {
    await keep(core, request, keyed, answer);
  } catch (error) {
    request.log.warn({ err: error }, 'the answer to an Idempotency-Key was not kept');
  }
}

async function keep(
  core: Core,
  request: FastifyRequest,
  keyed: Keyed,
  answer: KeptAnswer | null,
): Promise<void> {
  const marker = markerOf(keyed);
  const sealed = sealAnswer(core.encryptionKey, placeOf(request, marker), answer);
  // A failure that changed nothing is forgotten, so that the request can be sent again.
  if (answer === null && keyed.transaction === 'none') return;
  const certain = answer !== null && keyed.transaction !== 'unknown';
  const statement = certain ? insertOrKeepAnswer(marker, sealed) : keepAnswer(marker, sealed);
  // The session must still be alive; what the route asked for was met when it was done.
  const { role, proof, synchronizerDigest = null } = requirementFor(request);
  const requirement = { role, proof, permission: null, synchronizerDigest };
  const kept = await runAuthorized(core.database, requirement, [statement]);
  if ('refusal' in kept) throw new Error(`refused: ${kept.refusal}`);
}
