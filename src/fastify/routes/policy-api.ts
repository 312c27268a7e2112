import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import {
  AUTHENTICATORS,
  changePolicy,
  LIMITS,
  policyOf,
  type TenantPolicy,
} from '../../core/tenant-policy.ts';
import { currentPolicy, type PolicyRow } from '../../db/tenant-policies.ts';
import { authorityOf, loadedBy } from '../access.ts';
import { refuse } from '../refusals.ts';
import { refusals } from '../schemas.ts';
import { FRESH } from './own-account-api.ts';
import { READ_TENANT } from './tenant-api.ts';

export const SET_POLICY = { permission: 'tenant:policy', ...FRESH } as const;
export const withPolicy = { load: () => ({ policy: currentPolicy }) };

const minutes = ({ min, max }: { readonly min: number; readonly max: number }) =>
  z.int().meta({ minimum: min, maximum: max });

const policy = z.strictObject({
  memberProof: z.enum(['any', 'second-factor', 'passkey']),
  idleMinutes: minutes(LIMITS.idleMinutes),
  proofMinutes: minutes(LIMITS.proofMinutes),
  authenticators: z
    .array(z.enum(AUTHENTICATORS))
    .nullable()
    .describe('what a session may have been proved with; null for all'),
});

/** The JSON API of what a tenant asks of the proofs of its members. */
export function policyApi(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/tenant/policy',
    {
      access: READ_TENANT,
      role: 'sallyport_identity',
      ...withPolicy,
      schema: {
        summary: 'What the tenant asks of the proofs of its members',
        response: { 200: policy, ...refusals('not-found') },
      },
    },
    async (request, reply) => {
      const found = loadedPolicy(request);
      return found ? reply.send(viewOf(found)) : refuse('not-found', request, reply);
    },
  );

  app.put(
    '/api/tenant/policy',
    {
      access: SET_POLICY,
      bodyType: 'json',
      schema: {
        summary: 'Ask another proof of the members, from their next request on',
        body: policy,
        response: { 200: policy, ...refusals('policy-unmet') },
      },
    },
    async (request, reply) => {
      const outcome = await changePolicy(core, authorityOf(request), request.body);
      if (outcome === 'policy-unmet') return refuse(outcome, request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problems' in outcome) return refuse('invalid-fields', request, reply, outcome.problems);
      return reply.send(viewOf(outcome.policy));
    },
  );
}

function viewOf({ authenticators, ...rest }: TenantPolicy): z.input<typeof policy> {
  return { ...rest, authenticators: authenticators && [...authenticators] };
}

/** What `withPolicy` has found. */
export function loadedPolicy(request: FastifyRequest): TenantPolicy | null {
  const row = loadedBy(request, 'policy')?.rows[0] as PolicyRow | undefined;
  return row ? policyOf(row) : null;
}
