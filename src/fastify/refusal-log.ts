import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Core } from '../core/core.ts';
import { digestOf, proofOf } from '../core/secret.ts';
import { eventOfRefusal, insertRefusal, type Refusal } from '../db/refusals.ts';
import type { ProblemCode } from '../http/problem.ts';
import { NAMED_TENANT } from './access.ts';
import { BEARER } from './bearer.ts';
import { callerOf } from './caller.ts';
import type { GatePolicy } from './head-checks.ts';
import { refusalBudget } from './refusal-budget.ts';
import { REFUSED } from './refusals.ts';
import { decisionOn } from './verdicts.ts';

/** Refusals wait this long for others, and go to the database together, one batch at a time. */
const GATHER_MILLISECONDS = 50;
const PENDING_MAX = 200;
const BATCH_MAX = 50;
const COMPLAIN_MILLISECONDS = 60_000;
const UNKEPT = 'refusals were not kept';

/** Of a signed-in person's requests, what their log and the tenant's tell (ASVS 16.3.2, 16.3.3). */
const NOTED: readonly string[] = [
  'foreign-origin',
  'synchronizer-token-mismatch',
  'forbidden',
] satisfies readonly ProblemCode[];

/**
 * Keeps the decision on each refused request, after its answer, so that `sallyport why` can tell
 * it: nobody waits for that, and one that cannot be written is counted, not tried again. How many
 * are written is bounded (refusal-budget.ts).
 */
export function addRefusalLog(app: FastifyInstance, core: Core, policy: GatePolicy): void {
  const mayWrite = refusalBudget();
  const pending: Refusal[] = [];
  let writing: Promise<void> | null = null;
  let dropped = 0;
  let complainedAt = 0;
  app.decorateRequest(REFUSED, null);

  async function write(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, GATHER_MILLISECONDS));
    while (pending.length > 0) {
      const batch = pending.splice(0, BATCH_MAX);
      const statements = batch.flatMap((refusal) => [
        insertRefusal(refusal),
        ...(NOTED.includes(refusal.code) ? [eventOfRefusal(refusal)] : []),
      ]);
      try {
        const asIdentity = { role: 'sallyport_identity', access: 'write' } as const;
        await core.database.batch(asIdentity, statements);
      } catch (error) {
        dropped += batch.length;
        app.log.warn({ err: error }, UNKEPT);
      }
    }
  }

  function complain(now: number): void {
    if (dropped === 0 || now - complainedAt < COMPLAIN_MILLISECONDS) return;
    app.log.warn({ refusals: dropped }, 'more requests were refused than are kept');
    dropped = 0;
    complainedAt = now;
  }

  app.addHook('onResponse', (request, _reply, done) => {
    const code = request[REFUSED];
    if (code !== null) {
      note(request, code).catch((error: unknown) => app.log.warn({ err: error }, UNKEPT));
    }
    done();
  });

  async function note(request: FastifyRequest, code: ProblemCode): Promise<void> {
    const now = performance.now();
    const caller = callerOf(request);
    if (pending.length >= PENDING_MAX || !mayWrite(caller.network, now)) {
      dropped++;
      return complain(now);
    }
    const { sessionSecret } = request;
    const proof = sessionSecret ? proofOf(sessionSecret) : (request[BEARER]?.proof ?? null);
    const proofDigest = proof === null ? null : digestOf(proof);
    const namedTenant = request[NAMED_TENANT];
    const decision = decisionOn(request, code, policy);
    pending.push({ caller, code, proofDigest, namedTenant, decision });
    writing ??= write().finally(() => {
      writing = null;
    });
  }

  app.addHook('onClose', async () => {
    await writing;
  });
}
