import { createHash, type Hash, randomUUID } from 'node:crypto';
import { pipeline, Transform } from 'node:stream';
import type { FastifyContextConfig, FastifyRequest, preParsingHookHandler } from 'fastify';
import type { Core } from '../core/core.ts';
import { type AnswerPlace, openAnswer } from '../core/kept-answer.ts';
import { digestOf } from '../core/secret.ts';
import type { RunInTransaction } from '../db/application-transaction.ts';
import type { Refusal, Requirement } from '../db/authorization.ts';
import type { Statement } from '../db/batch.ts';
import { UnknownOutcomeError } from '../db/errors.ts';
import { runOnce } from '../db/exactly-once.ts';
import { type DoneRequest, lookUpKey, type Marker } from '../db/idempotency-keys.ts';
import { readIdempotencyKey } from '../http/idempotency-key.ts';
import type { ProblemCode } from '../http/problem.ts';
import { isSafeMethod } from '../http/request-head.ts';
import { KeyTakenError, type KeyVerdict } from './replay.ts';

/** What the request's Idempotency-Key stands for; null on a request that has none. */
export const KEYED = Symbol('sallyport.keyed');

declare module 'fastify' {
  interface FastifyRequest {
    [KEYED]: Keyed | null;
  }
}

/** A request that is to happen once. */
export interface Keyed {
  readonly key: string;
  readonly body: Hash;
  /** Set when the key was looked up, behind the decision. */
  marker: Marker | null;
  /** What has become of the one transaction that the request may commit. */
  transaction: 'none' | 'under-way' | 'committed' | 'unknown';
}

/** After so long, whoever was to keep the answer is not going to: its process has ended. */
const ANSWER_SECONDS_MAX = 60;

/**
 * Whether requests of this route may carry a key: those that change something, on behalf of
 * somebody, in the application's own tables. Elsewhere the header means nothing: a safe method
 * changes nothing, a public route has no principal to whom a key could belong, the account's
 * operations have no transaction of the application, and what is handed on is somebody else's.
 */
export function takesKey(
  methods: readonly string[],
  { access, account, forwards }: FastifyContextConfig,
): boolean {
  if (access === undefined || access === 'public' || account || forwards) return false;
  return !methods.every(isSafeMethod);
}

/** Notes the key that a request carries. */
export function noteKey(request: FastifyRequest, config: FastifyContextConfig): ProblemCode | null {
  if (!takesKey([request.method], config)) return null;
  const key = readIdempotencyKey(request.raw);
  if (key.kind === 'malformed') return 'idempotency-key-malformed';
  if (key.kind === 'none') return null;
  const body = createHash('sha256');
  request[KEYED] = { key: key.text, body, marker: null, transaction: 'none' };
  return null;
}

/** Takes the digest of a body as it came: what parsers make of it may differ (CWE-436). */
export const digestBody: preParsingHookHandler = (request, _reply, payload, done) => {
  const keyed = request[KEYED];
  if (!keyed) return done(null, payload);
  const digesting = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      keyed.body.update(chunk);
      next(null, chunk);
    },
  });
  // An upload that breaks off ends the transform too, and its reader answers.
  pipeline(payload, digesting, () => {});
  return done(null, digesting);
};

/** The statements that look the key up, behind the decision on the request. */
export function lookUpFor(request: FastifyRequest, keyed: Keyed): readonly Statement[] {
  const { method, url, headers } = request;
  const route = request.routeOptions.url ?? '';
  const asked = [method, url, headers['content-type'] ?? '', keyed.body.digest('hex')];
  keyed.marker = {
    keyDigest: digestOf(JSON.stringify([method, route, keyed.key])),
    fingerprint: digestOf(JSON.stringify(asked)),
    holder: randomUUID(),
  };
  return lookUpKey(keyed.marker.keyDigest);
}

/** What to answer where something was done under the key. */
export function verdictOn(core: Core, request: FastifyRequest, done: DoneRequest): KeyVerdict {
  const marker = markerOf(request[KEYED]);
  if (done.fingerprint !== marker.fingerprint) return 'idempotency-key-reused';
  if (done.answer === null) {
    const lost = done.ageSeconds >= ANSWER_SECONDS_MAX;
    return lost ? 'idempotency-answer-not-kept' : 'idempotency-key-in-use';
  }
  const answer = openAnswer(
    core.encryptionKey,
    placeOf(request, marker),
    done.answer,
    core.previousKeys,
  );
  return answer ?? 'idempotency-answer-not-kept';
}

/**
 * Runs the one transaction of a keyed request: see runOnce.
 * @throws KeyTakenError when a duplicate was quicker.
 */
export async function commitOnce<T>(
  core: Core,
  request: FastifyRequest,
  keyed: Keyed,
  requirement: Requirement,
  work: (run: RunInTransaction) => Promise<T>,
): Promise<{ readonly result: T } | { readonly refusal: Refusal }> {
  if (keyed.transaction !== 'none') {
    throw new Error(
      'a request with an Idempotency-Key commits once: put all of its writes into one request.transaction',
    );
  }
  keyed.transaction = 'under-way';
  try {
    const outcome = await runOnce(core.database, requirement, markerOf(keyed), work);
    if ('done' in outcome) {
      const { done } = outcome;
      const verdict = done ? verdictOn(core, request, done) : 'idempotency-key-in-use';
      // The answer to keep is the other request's.
      request[KEYED] = null;
      throw new KeyTakenError(verdict);
    }
    keyed.transaction = 'result' in outcome ? 'committed' : 'none';
    return outcome;
  } catch (error) {
    keyed.transaction = error instanceof UnknownOutcomeError ? 'unknown' : 'none';
    throw error;
  }
}

export function markerOf(keyed: Keyed | null): Marker {
  if (!keyed?.marker) throw new Error('the Idempotency-Key has not been looked up');
  return keyed.marker;
}

/** Where the answer to this request is kept. */
export function placeOf(request: FastifyRequest, { keyDigest }: Marker): AnswerPlace {
  const { principal } = request;
  if (!principal) throw new Error('nobody is authorized');
  return { identityId: principal.identityId, tenantId: principal.tenantId, keyDigest };
}
