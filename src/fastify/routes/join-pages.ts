import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import {
  acceptInvitation,
  invitedPasskeyOptions,
  signUpInvited,
} from '../../core/invitation-acceptance.ts';
import { readInvitation } from '../../core/invitations.ts';
import { parseSecret } from '../../core/secret.ts';
import type { FieldError } from '../../http/problem.ts';
import { recoveryCodesPage } from '../../pages/authenticators.tsx';
import {
  acceptInvitationPage,
  deadInvitationPage,
  joinAsOwnerPage,
  joinPage,
  joinWithPasskeyPage,
} from '../../pages/join.tsx';
import { landingPage } from '../../pages/landing.tsx';
import { authorityOf, readPresessionSecret } from '../access.ts';
import { callerOf } from '../caller.ts';
import { mounted } from '../mount.ts';
import { sendPage, textsFor } from '../reader.ts';
import { comesFromElsewhere, refuse } from '../refusals.ts';
import { ceremonyText, text } from '../schemas.ts';
import {
  csrfTokenFor,
  startBrowserSession,
  visitorForm,
  visitorFormToken,
} from '../session-cookies.ts';
import { FORM, PAGE } from './account-page.ts';
import { joinFrom } from './first-passkey-api.ts';

const VISITOR = { access: 'public', page: true, mainOriginOnly: true } as const;
const LINK = z.object({ token: text.default('') });

/**
 * Where the link of an invitation leads. Opening it consumes nothing: mail scanners do. Somebody
 * without an account signs up with it; somebody who has one signs in, and is asked.
 */
export function joinPages(server: FastifyInstance, core: Core, origin: () => string): void {
  signUpPages(server, core);
  passkeyPages(server, core, origin);
  acceptPages(server, core);
}

function signUpPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/join',
    { ...VISITOR, schema: { hide: true, querystring: LINK } },
    async (request, reply) => {
      const texts = textsFor(request);
      // The Strict cookies of this browser must not be replaced by new ones here.
      if (readPresessionSecret(request) === null && comesFromElsewhere(request)) {
        return sendPage(reply, landingPage(texts, { path: request.url }));
      }
      const { token } = request.query;
      const invitation = await invitationOf(core, token);
      if (!invitation) return sendPage(reply.code(400), deadInvitationPage(texts));
      const { address, tenantName, hasAccount } = invitation;
      if (hasAccount) return sendPage(reply, joinAsOwnerPage(texts, { token, ...invitation }));
      const csrfToken = visitorFormToken(request, reply);
      const values = { csrfToken, token, tenantName, address, errors: [] };
      return sendPage(reply, joinPage(texts, values));
    },
  );

  const form = z.strictObject({ _csrf: text, token: text, displayName: text, password: text });
  app.post(
    '/join',
    { ...VISITOR, bodyType: 'form', schema: { hide: true, body: form } },
    async (request, reply) => {
      const texts = textsFor(request);
      const { token, displayName, password } = request.body;
      const input = { token, displayName, credential: { password } };
      const caller = callerOf(request);
      const outcome = await signUpInvited(core, input, request.sessionSecret, caller);
      const invitation = await invitationOf(core, token);
      if (outcome === 'sign-in-first' && invitation) {
        return sendPage(reply, joinAsOwnerPage(texts, { token, ...invitation }));
      }
      if (typeof outcome === 'object' && 'problems' in outcome && invitation) {
        const csrfToken = visitorFormToken(request, reply);
        const { tenantName, address } = invitation;
        const errors = outcome.problems;
        const values = { csrfToken, token, tenantName, address, displayName, errors };
        return sendPage(reply.code(400), joinPage(texts, values));
      }
      if (typeof outcome === 'string' || 'problems' in outcome) {
        return sendPage(reply.code(400), deadInvitationPage(texts));
      }
      startBrowserSession(reply, outcome);
      return reply.redirect(mounted(request, '/account'), 303);
    },
  );
}

function passkeyPages(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const path = '/join/with-passkey';

  app.get(
    path,
    { ...VISITOR, schema: { hide: true, querystring: LINK } },
    async (request, reply) => {
      if (readPresessionSecret(request) === null && comesFromElsewhere(request)) {
        return sendPage(reply, landingPage(textsFor(request), { path: request.url }));
      }
      return await show(request, reply, request.query.token, {});
    },
  );

  const form = z.strictObject({
    _csrf: text,
    token: text,
    displayName: text,
    passkey: ceremonyText,
  });
  app.post(
    path,
    { ...VISITOR, bodyType: 'form', schema: { hide: true, body: form } },
    async (request, reply) => {
      const { token, displayName, passkey: response } = request.body;
      const input = { token, displayName, response };
      const outcome = await joinFrom(core, origin(), request, input);
      if (typeof outcome === 'string' || 'problems' in outcome) {
        const errors = typeof outcome === 'object' ? outcome.problems : [];
        const refused = outcome === 'refused';
        return await show(request, reply.code(400), token, { displayName, refused, errors });
      }
      const csrfToken = startBrowserSession(reply, outcome);
      const values = { csrfToken, codes: outcome.recoveryCodes, added: 'passkey' } as const;
      return sendPage(reply, recoveryCodesPage(textsFor(request), values));
    },
  );

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    token: string,
    given: { displayName?: string; refused?: boolean; errors?: readonly FieldError[] },
  ) {
    const texts = textsFor(request);
    const invitation = await invitationOf(core, token);
    const { csrfToken, secret } = visitorForm(request, reply);
    const party = { origin: origin() };
    const options = await invitedPasskeyOptions(core, token, secret, party, new Date());
    if (!invitation || !options) return sendPage(reply.code(400), deadInvitationPage(texts));
    const { address, tenantName } = invitation;
    const about = { csrfToken, token, tenantName, address, options };
    const values = { refused: false, errors: [], ...given, ...about };
    return sendPage(reply, joinWithPasskeyPage(texts, values));
  }
}

function acceptPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/join/accept',
    { ...PAGE, schema: { hide: true, querystring: LINK } },
    async (request, reply) => {
      const texts = textsFor(request);
      const { token } = request.query;
      const invitation = await invitationOf(core, token);
      if (!invitation) return sendPage(reply.code(400), deadInvitationPage(texts));
      const csrfToken = csrfTokenFor(request);
      return sendPage(reply, acceptInvitationPage(texts, { csrfToken, token, ...invitation }));
    },
  );

  app.post(
    '/join/accept',
    {
      ...FORM,
      returnTo: ({ body }) => {
        const { token = '' } = (body ?? {}) as { readonly token?: string };
        return `/join/accept?token=${encodeURIComponent(token)}`;
      },
      schema: { hide: true, body: z.strictObject({ _csrf: text, token: text }) },
    },
    async (request, reply) => {
      const outcome = await acceptInvitation(core, authorityOf(request), request.body.token);
      if (outcome === 'invalid') {
        return sendPage(reply.code(400), deadInvitationPage(textsFor(request)));
      }
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      startBrowserSession(reply, outcome.session);
      return reply.redirect(mounted(request, '/account'), 303);
    },
  );
}

async function invitationOf(core: Core, link: string) {
  const token = parseSecret(link);
  return token ? await readInvitation(core, token) : undefined;
}
