import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { parseDisplayName } from '../../core/display-name.ts';
import { addPasskey, passkeyCreationOptions, removePasskey } from '../../core/passkeys.ts';
import { describeUserAgent } from '../../core/user-agent.ts';
import { ownPasskeys, renameOwnPasskey } from '../../db/passkeys.ts';
import { recoveryCodesPage } from '../../pages/authenticators.tsx';
import {
  newPasskeyPage,
  type Passkey,
  removePasskeyPage,
  renamePasskeyPage,
} from '../../pages/passkeys.tsx';
import { deviceText } from '../../pages/session-end.tsx';
import { authorityOf, loadedBy, sessionSecretOf } from '../access.ts';
import { mounted } from '../mount.ts';
import { sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { ceremonyText, text } from '../schemas.ts';
import { csrfTokenFor, startBrowserSession } from '../session-cookies.ts';
import { FORM, PAGE } from './account-page.ts';
import { FRESH } from './own-account-api.ts';

const HOME = '/account/authenticators';
const ONE = z.object({ id: text.default('') });

/** The pages on which a person adds, names and removes passkeys. */
export function passkeyPages(server: FastifyInstance, core: Core, origin: () => string): void {
  additionPages(server, core, origin);
  renamingPages(server);
  removalPages(server, core);
}

function additionPages(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const form = z.strictObject({ _csrf: text, passkey: ceremonyText, passkeyName: text });

  app.get(
    `${HOME}/passkeys/new`,
    { ...PAGE, mainOriginOnly: true, access: FRESH, schema: { hide: true } },
    async (request, reply) => await show(request, reply, false),
  );

  app.post(
    `${HOME}/passkeys`,
    {
      mainOriginOnly: true,
      ...FORM,
      access: FRESH,
      returnTo: `${HOME}/passkeys/new`,
      schema: { hide: true, body: form },
    },
    async (request, reply) => {
      const { passkey: response, passkeyName: name } = request.body;
      const party = { origin: origin() };
      const secret = sessionSecretOf(request);
      const input = { response, name };
      const authority = authorityOf(request);
      const outcome = await addPasskey(core, authority, secret, party, input);
      if (outcome === 'refused') return await show(request, reply.code(400), true);
      if (outcome === 'too-many') return refuse('too-many', request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      const csrfToken = startBrowserSession(reply, outcome);
      const values = { csrfToken, codes: outcome.recoveryCodes, added: 'passkey' } as const;
      return sendPage(reply, recoveryCodesPage(textsFor(request), values));
    },
  );

  async function show(request: FastifyRequest, reply: FastifyReply, failed: boolean) {
    const texts = textsFor(request);
    const party = { origin: origin() };
    const secret = sessionSecretOf(request);
    const authority = authorityOf(request);
    const options = await passkeyCreationOptions(core, authority, secret, party, new Date());
    const name = deviceText(texts, describeUserAgent(request.headers['user-agent']));
    const values = { csrfToken: csrfTokenFor(request), options, name, failed };
    return sendPage(reply, newPasskeyPage(texts, values));
  }
}

function renamingPages(server: FastifyInstance): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const form = z.strictObject({ _csrf: text, id: z.uuid().toLowerCase(), passkeyName: text });
  const RENAMING = `${HOME}/passkeys/rename`;

  app.get(
    RENAMING,
    { ...PAGE, load: () => ({ passkeys: ownPasskeys }), schema: { hide: true, querystring: ONE } },
    async (request, reply) => {
      const passkey = ownPasskey(request, request.query.id);
      if (!passkey) return reply.redirect(mounted(request, HOME), 303);
      const values = { csrfToken: csrfTokenFor(request), passkey, errors: [] };
      return sendPage(reply, renamePasskeyPage(textsFor(request), values));
    },
  );

  app.post(
    RENAMING,
    {
      ...FORM,
      role: 'sallyport_identity',
      load: (_db, { body: { id, passkeyName } }) => {
        const parsed = parseDisplayName(passkeyName);
        return 'problem' in parsed ? {} : { passkey: renameOwnPasskey(id, parsed.displayName) };
      },
      returnTo: HOME,
      schema: { hide: true, body: form },
    },
    async (request, reply) => {
      const { id, passkeyName: name } = request.body;
      const parsed = parseDisplayName(name);
      if ('problem' in parsed) {
        const errors = [{ field: 'passkeyName', reason: parsed.problem }];
        const values = { csrfToken: csrfTokenFor(request), passkey: { id, name }, errors };
        return sendPage(reply.code(400), renamePasskeyPage(textsFor(request), values));
      }
      if (loadedBy(request, 'passkey')?.rowCount !== 1) return refuse('not-found', request, reply);
      return reply.redirect(mounted(request, HOME), 303);
    },
  );
}

function removalPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const form = z.strictObject({ _csrf: text, id: z.uuid().toLowerCase() });
  const REMOVAL = `${HOME}/passkeys/remove`;

  app.get(
    REMOVAL,
    {
      ...PAGE,
      access: FRESH,
      load: () => ({ passkeys: ownPasskeys }),
      schema: { hide: true, querystring: ONE },
    },
    async (request, reply) => {
      const passkey = ownPasskey(request, request.query.id);
      if (!passkey) return reply.redirect(mounted(request, HOME), 303);
      const values = { csrfToken: csrfTokenFor(request), passkey };
      return sendPage(reply, removePasskeyPage(textsFor(request), values));
    },
  );

  app.post(
    REMOVAL,
    { ...FORM, access: FRESH, returnTo: HOME, schema: { hide: true, body: form } },
    async (request, reply) => {
      const { id } = request.body;
      const outcome = await removePasskey(core, authorityOf(request), id);
      if (outcome === 'last-way-in')
        return reply.redirect(mounted(request, `${HOME}?notice=last-way-in`), 303);
      if (outcome !== 'removed')
        return refuse(typeof outcome === 'object' ? outcome.refusal : outcome, request, reply);
      return reply.redirect(mounted(request, `${HOME}?notice=passkey-removed`), 303);
    },
  );
}

function ownPasskey(request: FastifyRequest, id: string): Passkey | undefined {
  const rows = (loadedBy(request, 'passkeys')?.rows ?? []) as unknown as readonly Passkey[];
  return rows.find((passkey) => passkey.id === id);
}
