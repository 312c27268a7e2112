import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { renewRecoveryCodes } from '../../core/recovery-codes.ts';
import { beginTotp, confirmTotp, pendingTotp, removeTotp } from '../../core/totp.ts';
import { ownDeletion } from '../../db/identities.ts';
import { ownProviderLinks } from '../../db/provider-links.ts';
import {
  authenticatorsPage,
  recoveryCodesPage,
  removeTotpPage,
  renewCodesPage,
  totpPage,
} from '../../pages/authenticators.tsx';
import { authorityOf } from '../access.ts';
import { mounted } from '../mount.ts';
import { sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { text } from '../schemas.ts';
import { csrfTokenFor, startBrowserSession } from '../session-cookies.ts';
import { accountValues, FORM, NO_FIELDS, noticeOf, PAGE } from './account-page.ts';
import { authenticatorsOf, issuerOf, loadAuthenticators } from './authenticators-api.ts';
import { FRESH } from './own-account-api.ts';
import { linkedOf, offeredBy } from './provider-visits.ts';

const HOME = '/account/authenticators';

/** The ways in which a person proves who they are, as pages: forms and links, no script needed. */
export function authenticatorsPages(
  server: FastifyInstance,
  core: Core,
  origin: () => string,
): void {
  listPage(server, core);
  totpPages(server, core, origin);
  removalPages(server, core);
  recoveryCodePages(server, core);
}

function listPage(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  app.get(
    HOME,
    {
      ...PAGE,
      load: () => ({ ...loadAuthenticators(), links: ownProviderLinks, deletion: ownDeletion }),
      schema: {
        hide: true,
        querystring: noticeOf(
          'second-factor-missing',
          'tenant-factor-missing',
          'totp-removed',
          'passkey-removed',
          'provider-linked',
          'provider-unlinked',
          'last-way-in',
        ),
      },
    },
    async (request, reply) => {
      const { notice } = request.query;
      const linked = linkedOf(core, request);
      const offered = offeredBy(core, request).filter(
        ({ id }) => !linked.some(({ issuer }) => issuer === core.providers?.byId(id)?.issuer),
      );
      const own = { ...accountValues(request), ...authenticatorsOf(request) };
      const values = { ...own, linked, offered, notice };
      return sendPage(reply, authenticatorsPage(textsFor(request), values));
    },
  );
}

function totpPages(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const form = z.strictObject({ _csrf: text, code: text });
  const SETUP = `${HOME}/totp`;

  app.post(
    SETUP,
    { ...FORM, access: FRESH, returnTo: HOME, schema: { hide: true, body: NO_FIELDS } },
    async (request, reply) => {
      const outcome = await beginTotp(core, authorityOf(request), issuerOf(origin()));
      if (outcome === 'already') return reply.redirect(mounted(request, HOME), 303);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      return reply.redirect(mounted(request, SETUP), 303);
    },
  );

  app.get(SETUP, { ...PAGE, access: FRESH, schema: { hide: true } }, async (request, reply) =>
    show(request, reply, false),
  );

  app.post(
    `${SETUP}/confirm`,
    { ...FORM, access: FRESH, returnTo: SETUP, schema: { hide: true, body: form } },
    async (request, reply) => {
      const { code } = request.body;
      const outcome = await confirmTotp(core, authorityOf(request), code);
      if (outcome === 'expired') return reply.redirect(mounted(request, HOME), 303);
      if (outcome === 'wrong-code') return await show(request, reply.code(400), true);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      const csrfToken = startBrowserSession(reply, outcome);
      const values = { csrfToken, codes: outcome.recoveryCodes, added: 'totp' } as const;
      return sendPage(reply, recoveryCodesPage(textsFor(request), values));
    },
  );

  async function show(request: FastifyRequest, reply: FastifyReply, failed: boolean) {
    const pending = await pendingTotp(core, authorityOf(request), issuerOf(origin()));
    if (!pending) return reply.redirect(mounted(request, HOME), 303);
    const errors = failed ? [{ field: 'code', reason: 'wrong-code' }] : [];
    const values = { csrfToken: csrfTokenFor(request), ...pending, errors };
    return sendPage(reply, totpPage(textsFor(request), values));
  }
}

function removalPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const REMOVAL = `${HOME}/totp/remove`;

  app.get(REMOVAL, { ...PAGE, access: FRESH, schema: { hide: true } }, async (request, reply) =>
    sendPage(reply, removeTotpPage(textsFor(request), { csrfToken: csrfTokenFor(request) })),
  );

  app.post(
    REMOVAL,
    { ...FORM, access: FRESH, schema: { hide: true, body: NO_FIELDS } },
    async (request, reply) => {
      const outcome = await removeTotp(core, authorityOf(request));
      if (typeof outcome === 'object') return refuse(outcome.refusal, request, reply);
      return reply.redirect(mounted(request, `${HOME}?notice=totp-removed`), 303);
    },
  );
}

function recoveryCodePages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const RENEWAL = `${HOME}/recovery-codes`;

  app.get(RENEWAL, { ...PAGE, access: FRESH, schema: { hide: true } }, async (request, reply) =>
    sendPage(reply, renewCodesPage(textsFor(request), { csrfToken: csrfTokenFor(request) })),
  );

  app.post(
    RENEWAL,
    { ...FORM, access: FRESH, schema: { hide: true, body: NO_FIELDS } },
    async (request, reply) => {
      const outcome = await renewRecoveryCodes(core, authorityOf(request));
      if (outcome === null) return refuse('second-factor-missing', request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      const values = { csrfToken: csrfTokenFor(request), codes: outcome.codes, added: null };
      return sendPage(reply, recoveryCodesPage(textsFor(request), values));
    },
  );
}
