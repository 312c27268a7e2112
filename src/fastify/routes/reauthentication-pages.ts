import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { reauthenticationOptions } from '../../core/passkey-proof.ts';
import { reauthenticate } from '../../core/reauthentication.ts';
import { ownPassword } from '../../db/passwords.ts';
import { ownPasskeys } from '../../db/passkeys.ts';
import { ownProviderLinks } from '../../db/provider-links.ts';
import { ownTotp } from '../../db/totp.ts';
import { parseReturnTarget } from '../../http/return-target.ts';
import { reauthenticationPage } from '../../pages/reauthentication.tsx';
import { authorityOf, loadedBy, principalOf, sessionSecretOf } from '../access.ts';
import { mounted } from '../mount.ts';
import { sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { ceremonyText, text } from '../schemas.ts';
import { startBrowserSession } from '../session-cookies.ts';
import { accountValues, FORM, PAGE } from './account-page.ts';
import { reauthenticateFrom } from './passkey-sign-in-api.ts';
import { linkedOf, offeredBy } from './provider-visits.ts';

const FACTORS = {
  load: () => ({
    password: ownPassword,
    totp: ownTotp,
    passkeys: ownPasskeys,
    links: ownProviderLinks,
  }),
} as const;

/** The pages that ask again who is there, and lead back to where the person was. */
export function reauthenticationPages(
  server: FastifyInstance,
  core: Core,
  origin: () => string,
): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const targetOf = (request: FastifyRequest, given: string | undefined) =>
    (given === undefined ? null : parseReturnTarget(given, origin())) ??
    mounted(request, '/account');

  app.get(
    '/re-authenticate',
    {
      ...PAGE,
      ...FACTORS,
      schema: {
        hide: true,
        querystring: z.object({
          return_to: text.optional(),
          tenant: z.literal('').optional().catch(undefined),
        }),
      },
    },
    async (request, reply) =>
      ask(request, reply, targetOf(request, request.query.return_to), {
        failed: false,
        forTenant: request.query.tenant !== undefined,
      }),
  );

  const form = z.strictObject({
    _csrf: text,
    password: text,
    code: text.optional(),
    return_to: text.optional(),
  });
  app.post(
    '/re-authenticate',
    { ...FORM, ...FACTORS, role: 'sallyport_identity', schema: { hide: true, body: form } },
    async (request, reply) => {
      const { password, code, return_to: given } = request.body;
      const returnTo = targetOf(request, given);
      const proofs = { password, code };
      const outcome = await reauthenticate(core, authorityOf(request), proofs);
      if (outcome === 'wrong-credentials')
        return await ask(request, reply.code(401), returnTo, { failed: true });
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      startBrowserSession(reply, outcome);
      return reply.redirect(returnTo, 303);
    },
  );

  const passkeyForm = z.strictObject({
    _csrf: text,
    passkey: ceremonyText,
    return_to: text.optional(),
  });
  app.post(
    '/re-authenticate/with-passkey',
    {
      mainOriginOnly: true,
      ...FORM,
      ...FACTORS,
      role: 'sallyport_identity',
      returnTo: '/account',
      schema: { hide: true, body: passkeyForm },
    },
    async (request, reply) => {
      const { passkey, return_to: given } = request.body;
      const returnTo = targetOf(request, given);
      const outcome = await reauthenticateFrom(core, origin(), request, passkey);
      if (outcome === 'wrong-credentials')
        return await ask(request, reply.code(401), returnTo, { failed: true });
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      startBrowserSession(reply, outcome);
      return reply.redirect(returnTo, 303);
    },
  );

  async function ask(
    request: FastifyRequest,
    reply: FastifyReply,
    returnTo: string,
    how: { readonly failed: boolean; readonly forTenant?: boolean },
  ) {
    const has = (name: string) => (loadedBy(request, name)?.rowCount ?? 0) > 0;
    const party = { origin: origin() };
    const secret = sessionSecretOf(request);
    const linked = linkedOf(core, request);
    const values = {
      ...accountValues(request),
      providers: offeredBy(core, request).filter(({ id }) =>
        linked.some(({ issuer }) => issuer === core.providers?.byId(id)?.issuer),
      ),
      returnTo,
      ...how,
      hasPassword: has('password'),
      secondFactor: has('totp') || has('passkeys'),
      passkeyOptions: has('passkeys')
        ? await reauthenticationOptions(core, principalOf(request), secret, party, new Date())
        : null,
    };
    return sendPage(reply, reauthenticationPage(textsFor(request), values));
  }
}
