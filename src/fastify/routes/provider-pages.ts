import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import {
  linkProvider,
  reauthenticateWithProvider,
  unlinkProvider,
} from '../../core/provider-links.ts';
import { signInWithProvider } from '../../core/provider-sign-in.ts';
import { findVisit } from '../../core/provider-visits.ts';
import { ownPasskeys } from '../../db/passkeys.ts';
import { ownProviderLinks } from '../../db/provider-links.ts';
import { ownTotp } from '../../db/totp.ts';
import { landingPage } from '../../pages/landing.tsx';
import { backPage, leavingPage, unlinkPage } from '../../pages/providers.tsx';
import { authorityOf, loadedBy, principalOf, readFlowSecret } from '../access.ts';
import { callerOf } from '../caller.ts';
import { mounted } from '../mount.ts';
import { sendPage, textsFor } from '../reader.ts';
import { comesFromElsewhere, refuse } from '../refusals.ts';
import { text } from '../schemas.ts';
import {
  csrfTokenFor,
  endBrowserVisit,
  startBrowserSession,
  startBrowserSignIn,
  visitorFormToken,
} from '../session-cookies.ts';
import { FORM, PAGE } from './account-page.ts';
import { FRESH } from './own-account-api.ts';
import { ANSWER, callbackPath, depart, linkedOf, redirectUriOf } from './provider-visits.ts';
import { secondFactorPath } from './second-factor-pages.ts';

/** A provider sends every browser back to the main origin, so a visit begins and ends there. */
const THERE = { mainOriginOnly: true } as const;
const VISITOR_PAGE = { ...THERE, access: 'public', page: true } as const;
const VISITOR_FORM = { ...THERE, access: 'public', page: true, bodyType: 'form' } as const;
const HOME = '/account/authenticators';
const ONE = z.object({ provider: text });
const CHOICE = z.strictObject({ _csrf: text, provider: text, return_to: text.optional() });
const ANSWER_FORM = z.strictObject({ _csrf: text, ...ANSWER.shape });

/** Where the answer to a visit of each purpose is judged. */
const linkPath = (id: string) => `${HOME}/providers/${id}/link`;
const provePath = (id: string) => `/re-authenticate/providers/${id}`;

/** The pages on which somebody signs in with an account that they have elsewhere. */
export function providerPages(server: FastifyInstance, core: Core, origin: () => string): void {
  signInPages(server, core, origin);
  linkPages(server, core, origin);
  unlinkPages(server, core);
  reauthenticationPages(server, core, origin);
}

function signInPages(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/sign-in/provider',
    { ...VISITOR_FORM, returnTo: '/sign-in', schema: { hide: true, body: CHOICE } },
    async (request, reply) => {
      const { provider, return_to: returnTo } = request.body;
      const visit = { provider, purpose: 'sign-in', sessionId: null, returnTo } as const;
      return await leave(request, reply, await depart(core, request, reply, origin(), visit));
    },
  );

  // Every visit ends here. Opening the address changes nothing: the form that it answers does.
  app.get(
    callbackPath(':provider'),
    { ...VISITOR_PAGE, schema: { hide: true, params: ONE, querystring: ANSWER } },
    async (request, reply) => {
      const texts = textsFor(request);
      if (comesFromElsewhere(request)) {
        return sendPage(reply, landingPage(texts, { path: request.url }));
      }
      const { provider: id } = request.params;
      const answer = request.query;
      const provider = core.providers?.byId(id);
      if (!provider) return refuse('not-found', request, reply);
      const flow = readFlowSecret(request);
      const visit = await findVisit(core, flow, provider, answer.state);
      if (!visit) return reply.redirect(mounted(request, '/sign-in?over'), 303);
      if (visit.purpose !== 'sign-in') {
        const there = visit.purpose === 'link' ? linkPath(id) : provePath(id);
        const given = Object.entries(answer).filter(([, value]) => value !== undefined);
        const query = new URLSearchParams(given as [string, string][]).toString();
        return reply.redirect(mounted(request, `${there}?${query}`), 303);
      }
      const csrfToken = visitorFormToken(request, reply);
      const path = callbackPath(id);
      const values = { csrfToken, path, answer, asksCode: false, signedIn: false };
      return sendPage(reply, backPage(texts, values));
    },
  );

  app.post(
    callbackPath(':provider'),
    {
      ...VISITOR_FORM,
      returnTo: '/sign-in',
      schema: { hide: true, params: ONE, body: ANSWER_FORM },
    },
    async (request, reply) => {
      const provider = core.providers?.byId(request.params.provider);
      if (!provider) return refuse('not-found', request, reply);
      const browser = { previous: request.sessionSecret, caller: callerOf(request) };
      const uri = redirectUriOf(request, origin(), provider);
      const flow = readFlowSecret(request);
      const done = await signInWithProvider(core, flow, provider, request.body, uri, browser);
      if (typeof done === 'string') return over(done, request, reply);
      const { outcome, returnTo } = done;
      endBrowserVisit(reply);
      if ('flow' in outcome) {
        startBrowserSignIn(reply, outcome.flow);
        return reply.redirect(mounted(request, secondFactorPath(request, outcome.needed)), 303);
      }
      startBrowserSession(reply, outcome);
      return reply.redirect(returnTo ?? mounted(request, '/account'), 303);
    },
  );
}

function linkPages(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post(
    `${HOME}/providers`,
    { ...FORM, ...THERE, access: FRESH, returnTo: HOME, schema: { hide: true, body: CHOICE } },
    async (request, reply) => {
      const { provider, return_to: returnTo } = request.body;
      const { sessionId } = principalOf(request);
      const visit = { provider, purpose: 'link', sessionId, returnTo } as const;
      return await leave(request, reply, await depart(core, request, reply, origin(), visit));
    },
  );

  app.get(
    linkPath(':provider'),
    { ...PAGE, ...THERE, schema: { hide: true, params: ONE, querystring: ANSWER } },
    async (request, reply) => {
      const path = linkPath(request.params.provider);
      const csrfToken = csrfTokenFor(request);
      const values = { csrfToken, path, answer: request.query, asksCode: false, signedIn: true };
      return sendPage(reply, backPage(textsFor(request), values));
    },
  );

  app.post(
    linkPath(':provider'),
    {
      ...FORM,
      ...THERE,
      access: FRESH,
      returnTo: HOME,
      schema: { hide: true, params: ONE, body: ANSWER_FORM },
    },
    async (request, reply) => {
      const provider = core.providers?.byId(request.params.provider);
      if (!provider) return refuse('not-found', request, reply);
      const flow = readFlowSecret(request);
      const uri = redirectUriOf(request, origin(), provider);
      const authority = authorityOf(request);
      const done = await linkProvider(core, authority, flow, provider, request.body, uri);
      if (typeof done === 'string') return over(done, request, reply);
      if ('refusal' in done) return refuse(done.refusal, request, reply);
      endBrowserVisit(reply);
      const home = mounted(request, `${HOME}?notice=provider-linked`);
      return reply.redirect(done.returnTo ?? home, 303);
    },
  );
}

function unlinkPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const UNLINK = `${HOME}/providers/unlink`;
  const form = z.strictObject({ _csrf: text, id: z.uuid().toLowerCase() });

  app.get(
    UNLINK,
    {
      ...PAGE,
      access: FRESH,
      load: () => ({ links: ownProviderLinks }),
      schema: { hide: true, querystring: z.object({ id: text.default('') }) },
    },
    async (request, reply) => {
      const link = linkedOf(core, request).find(({ id }) => id === request.query.id);
      if (!link) return reply.redirect(mounted(request, HOME), 303);
      const values = { csrfToken: csrfTokenFor(request), link };
      return sendPage(reply, unlinkPage(textsFor(request), values));
    },
  );

  app.post(
    UNLINK,
    { ...FORM, access: FRESH, returnTo: HOME, schema: { hide: true, body: form } },
    async (request, reply) => {
      const outcome = await unlinkProvider(core, authorityOf(request), request.body.id);
      if (outcome === 'last-way-in')
        return reply.redirect(mounted(request, `${HOME}?notice=last-way-in`), 303);
      if (outcome !== 'unlinked')
        return refuse(typeof outcome === 'object' ? outcome.refusal : outcome, request, reply);
      return reply.redirect(mounted(request, `${HOME}?notice=provider-unlinked`), 303);
    },
  );
}

function reauthenticationPages(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const form = ANSWER_FORM.omit({ code: true }).extend({
    answer: text.optional(),
    code: text.optional(),
  });

  app.post(
    '/re-authenticate/provider',
    { ...FORM, ...THERE, returnTo: '/account', schema: { hide: true, body: CHOICE } },
    async (request, reply) => {
      const { provider, return_to: returnTo } = request.body;
      const { sessionId } = principalOf(request);
      const visit = { provider, purpose: 're-authentication', sessionId, returnTo } as const;
      return await leave(request, reply, await depart(core, request, reply, origin(), visit));
    },
  );

  app.get(
    provePath(':provider'),
    {
      ...PAGE,
      ...THERE,
      load: () => ({ totp: ownTotp, passkeys: ownPasskeys }),
      schema: { hide: true, params: ONE, querystring: ANSWER },
    },
    async (request, reply) => {
      const { code, ...rest } = request.query;
      const has = (name: string) => (loadedBy(request, name)?.rowCount ?? 0) > 0;
      const values = {
        csrfToken: csrfTokenFor(request),
        path: provePath(request.params.provider),
        // The field `code` is that of the second factor.
        answer: { ...rest, answer: code },
        asksCode: has('totp') || has('passkeys'),
        signedIn: true,
      };
      return sendPage(reply, backPage(textsFor(request), values));
    },
  );

  app.post(
    provePath(':provider'),
    { ...FORM, ...THERE, returnTo: '/account', schema: { hide: true, params: ONE, body: form } },
    async (request, reply) => {
      const provider = core.providers?.byId(request.params.provider);
      if (!provider) return refuse('not-found', request, reply);
      const { answer, code: secondCode, state, iss } = request.body;
      const returned = { state, iss, code: answer, secondCode };
      const flow = readFlowSecret(request);
      const uri = redirectUriOf(request, origin(), provider);
      const authority = authorityOf(request);
      const done = await reauthenticateWithProvider(core, authority, flow, provider, returned, uri);
      if (typeof done === 'string') return over(done, request, reply);
      const { outcome, returnTo } = done;
      if (outcome === 'wrong-credentials') return over(outcome, request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      endBrowserVisit(reply);
      startBrowserSession(reply, outcome);
      return reply.redirect(returnTo ?? mounted(request, '/account'), 303);
    },
  );
}

/** A page that leads to the provider, or why there is none. */
async function leave(
  request: FastifyRequest,
  reply: FastifyReply,
  departure: Awaited<ReturnType<typeof depart>>,
): Promise<FastifyReply> {
  if (typeof departure === 'string') return refuse(departure, request, reply);
  const { url, provider } = departure;
  return sendPage(reply, leavingPage(textsFor(request), { name: provider.name, url }));
}

/** The visit has come to nothing, and is used up. */
function over(
  code: Parameters<typeof refuse>[0],
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (code !== 'sign-in-over') endBrowserVisit(reply);
  return refuse(code, request, reply);
}
