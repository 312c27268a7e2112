import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { followOwnName } from '../../core/member-words.ts';
import { parseDisplayName } from '../../core/display-name.ts';
import { keepOwnIdentity } from '../../db/identities.ts';
import { updateOwnProfile } from '../../db/profiles.ts';
import { accountPage } from '../../pages/account.tsx';
import { callerOf } from '../caller.ts';
import { mounted } from '../mount.ts';
import { sendPage, textsFor } from '../reader.ts';
import { text } from '../schemas.ts';
import { accountValues, FORM, NO_FIELDS, noticeOf, PAGE, withDeletion } from './account-page.ts';
import { dataPages } from './data-pages.ts';
import { sessionPages } from './session-pages.ts';

/** The own account as pages: forms and links, no script needed. */
export function ownPages(server: FastifyInstance, core: Core): void {
  profilePages(server);
  sessionPages(server);
  dataPages(server, core);
}

function profilePages(server: FastifyInstance): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const form = z.strictObject({ _csrf: text, displayName: text });

  app.get(
    '/account',
    {
      ...PAGE,
      ...withDeletion,
      schema: { hide: true, querystring: noticeOf('saved', 'kept') },
    },
    async (request, reply) => {
      const values = { ...accountValues(request), notice: request.query.notice, errors: [] };
      return sendPage(reply, accountPage(textsFor(request), values));
    },
  );

  app.post(
    '/account',
    {
      ...FORM,
      load: (_db, { body }) => {
        const parsed = parseDisplayName(body.displayName);
        if ('problem' in parsed) return {};
        const { displayName } = parsed;
        return {
          profile: updateOwnProfile(displayName),
          memberships: followOwnName(displayName),
        };
      },
      schema: { hide: true, body: form },
    },
    async (request, reply) => {
      const parsed = parseDisplayName(request.body.displayName);
      if (!('problem' in parsed))
        return reply.redirect(mounted(request, '/account?notice=saved'), 303);
      const errors = [{ field: 'displayName', reason: parsed.problem }];
      return sendPage(
        reply.code(400),
        accountPage(textsFor(request), { ...accountValues(request), errors }),
      );
    },
  );

  app.post(
    '/account/keep',
    {
      ...FORM,
      role: 'sallyport_identity',
      load: (_db, request) => ({ identity: keepOwnIdentity(callerOf(request)) }),
      returnTo: '/account',
      schema: { hide: true, body: NO_FIELDS },
    },
    async (request, reply) => reply.redirect(mounted(request, '/account?notice=kept'), 303),
  );
}
