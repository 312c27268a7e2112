import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { DELETION_GRACE_DAYS, requestDeletion } from '../../core/account-deletion.ts';
import type { Core } from '../../core/core.ts';
import type { FieldError } from '../../http/problem.ts';
import { dataPage } from '../../pages/data.tsx';
import { deletionPage, deletionRequestedPage } from '../../pages/deletion.tsx';
import { authorityOf } from '../access.ts';
import { mounted } from '../mount.ts';
import { languageOf, sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { text } from '../schemas.ts';
import { csrfTokenFor, endBrowserSession } from '../session-cookies.ts';
import { accountValues, FORM, PAGE, withDeletion } from './account-page.ts';
import { exportOf, loadExport } from './export-api.ts';
import { FRESH } from './own-account-api.ts';

/** What is kept about a person: to take away, and to end. */
export function dataPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/account/data',
    { ...PAGE, ...withDeletion, schema: { hide: true } },
    async (request, reply) => sendPage(reply, dataPage(textsFor(request), accountValues(request))),
  );

  app.get(
    '/account/export',
    {
      ...PAGE,
      load: loadExport,
      schema: { hide: true },
    },
    async (request, reply) =>
      reply
        .header('content-disposition', 'attachment; filename="account.json"')
        .send(exportOf(request)),
  );

  deletionPages(server, core);
}

function deletionPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const form = z.strictObject({ _csrf: text, confirm: text.optional() });
  const sendForm = (
    request: FastifyRequest,
    reply: FastifyReply,
    filledIn: { readonly confirmed?: boolean; readonly errors: readonly FieldError[] },
  ) => {
    const values = { csrfToken: csrfTokenFor(request), graceDays: DELETION_GRACE_DAYS };
    return sendPage(reply, deletionPage(textsFor(request), { ...values, ...filledIn }));
  };

  // Asked for before anything is typed: whoever stays too long here comes back with the tick.
  app.get(
    '/account/delete',
    {
      ...PAGE,
      ...withDeletion,
      access: FRESH,
      schema: { hide: true, querystring: z.object({ confirm: text.optional() }) },
    },
    async (request, reply) => {
      if (accountValues(request).deletesAt)
        return reply.redirect(mounted(request, '/account/data'), 303);
      return sendForm(request, reply, { confirmed: request.query.confirm === 'yes', errors: [] });
    },
  );

  app.post(
    '/account/delete',
    {
      ...FORM,
      access: FRESH,
      role: 'sallyport_identity',
      returnTo: ({ body }) => {
        const { confirm } = (body ?? {}) as Partial<z.output<typeof form>>;
        return confirm === 'yes' ? '/account/delete?confirm=yes' : '/account/delete';
      },
      schema: { hide: true, body: form },
    },
    async (request, reply) => {
      if (request.body.confirm !== 'yes') {
        const errors = [{ field: 'confirm', reason: 'required' }];
        return sendForm(request, reply.code(400), { errors });
      }
      const outcome = await requestDeletion(core, authorityOf(request), languageOf(request));
      if (outcome === 'last-owner') return refuse(outcome, request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      endBrowserSession(reply);
      return sendPage(reply, deletionRequestedPage(textsFor(request), outcome));
    },
  );
}
