import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { AUTHENTICATORS, changePolicy, type TenantPolicy } from '../../core/tenant-policy.ts';
import type { FieldError } from '../../http/problem.ts';
import { tenantPolicyPage } from '../../pages/tenant-policy.tsx';
import { authorityOf } from '../access.ts';
import { mounted } from '../mount.ts';
import { sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { text } from '../schemas.ts';
import { csrfTokenFor } from '../session-cookies.ts';
import { noticeOf, PAGE } from './account-page.ts';
import { loadedPolicy, SET_POLICY, withPolicy } from './policy-api.ts';
import { TENANT_FORM } from './tenant-pages.ts';

/** The same as a page: a form, no script needed. */
export function policyPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const path = '/tenant/policy';

  app.get(
    path,
    {
      ...PAGE,
      access: SET_POLICY,
      ...withPolicy,
      schema: { hide: true, querystring: noticeOf('tenant-saved') },
    },
    async (request, reply) => {
      const policy = loadedPolicy(request);
      if (!policy) return refuse('not-found', request, reply);
      return show(request, reply, { policy, errors: [], notice: request.query.notice });
    },
  );

  const ticked = z.literal('yes').optional();
  const form = z.strictObject({
    _csrf: text,
    memberProof: z.enum(['any', 'second-factor', 'passkey']),
    idleMinutes: text,
    proofMinutes: text,
    passkey: ticked,
    password: ticked,
    provider: ticked,
    totp: ticked,
    'recovery-code': ticked,
  });
  app.post(
    path,
    { ...TENANT_FORM, access: SET_POLICY, schema: { hide: true, body: form } },
    async (request, reply) => {
      const { memberProof, idleMinutes, proofMinutes } = request.body;
      const policy: TenantPolicy = {
        memberProof,
        idleMinutes: numberOf(idleMinutes),
        proofMinutes: numberOf(proofMinutes),
        authenticators: AUTHENTICATORS.filter((name) => request.body[name] === 'yes'),
      };
      const outcome = await changePolicy(core, authorityOf(request), policy);
      if (outcome === 'policy-unmet') return refuse(outcome, request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problems' in outcome)
        return show(request, reply.code(400), { policy, errors: outcome.problems });
      return reply.redirect(mounted(request, `${path}?notice=tenant-saved`), 303);
    },
  );
}

/** Not a number where it is no whole one in digits: core says so. */
function numberOf(value: string): number {
  return /^\d{1,5}$/.test(value) ? Number(value) : NaN;
}

function show(
  request: FastifyRequest,
  reply: FastifyReply,
  values: {
    readonly policy: TenantPolicy;
    readonly errors: readonly FieldError[];
    readonly notice?: 'tenant-saved' | undefined;
  },
) {
  const page = tenantPolicyPage(textsFor(request), {
    ...values,
    csrfToken: csrfTokenFor(request),
  });
  return sendPage(reply, page);
}
