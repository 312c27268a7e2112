import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { addPasskey, passkeyCreationOptions, removePasskey } from '../../core/passkeys.ts';
import { renameOwnPasskey } from '../../db/passkeys.ts';
import { authorityOf, sessionSecretOf } from '../access.ts';
import { refuse } from '../refusals.ts';
import { csrfToken, displayName, newDisplayName, refusals } from '../schemas.ts';
import { startBrowserSession } from '../session-cookies.ts';
import { FRESH } from './own-account-api.ts';

/** What a browser answers, in the form of WebAuthn Level 3; core judges it. */
export const credential = z
  .looseObject({ id: z.string().max(2_000), response: z.looseObject({}) })
  .describe('what PublicKeyCredential.toJSON() gives');

/** What a browser is given. */
export const ceremonyOptions = z
  .looseObject({ challenge: z.string() })
  .describe('for navigator.credentials, as JSON');

/** The JSON API of a person's own passkeys. */
export function passkeysApi(server: FastifyInstance, core: Core, origin: () => string): void {
  additionRoutes(server, core, origin);
  changeRoutes(server, core);
}

function additionRoutes(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/api/account/passkeys/options',
    {
      mainOriginOnly: true,
      access: FRESH,
      bodyType: 'json',
      schema: {
        summary: 'What the browser makes a passkey with',
        body: z.strictObject({}).nullish(),
        response: { 200: z.object({ options: ceremonyOptions }), ...refusals() },
      },
    },
    async (request, reply) => {
      const secret = sessionSecretOf(request);
      const party = { origin: origin() };
      const authority = authorityOf(request);
      const options = await passkeyCreationOptions(core, authority, secret, party, new Date());
      return reply.send({ options: { ...options } });
    },
  );

  app.post(
    '/api/account/passkeys',
    {
      mainOriginOnly: true,
      access: FRESH,
      bodyType: 'json',
      schema: {
        summary: 'Add the passkey that the browser has made',
        body: z.strictObject({ response: credential, name: newDisplayName }),
        response: {
          201: z.object({
            id: z.uuid(),
            recoveryCodes: z
              .array(z.string())
              .nullable()
              .describe('not shown again; null where there are some already'),
            csrfToken,
          }),
          ...refusals('invalid-token', 'too-many'),
        },
      },
    },
    async (request, reply) => {
      const party = { origin: origin() };
      const secret = sessionSecretOf(request);
      const authority = authorityOf(request);
      const outcome = await addPasskey(core, authority, secret, party, request.body);
      if (outcome === 'refused') return refuse('invalid-token', request, reply);
      if (outcome === 'too-many') return refuse('too-many', request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      const { id, recoveryCodes } = outcome;
      const token = startBrowserSession(reply, outcome);
      return reply
        .code(201)
        .send({ id, recoveryCodes: recoveryCodes && [...recoveryCodes], csrfToken: token });
    },
  );
}

function changeRoutes(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const params = z.object({ id: z.uuid().toLowerCase() });

  app.patch(
    '/api/account/passkeys/:id',
    {
      access: 'signed-in',
      bodyType: 'json',
      role: 'sallyport_identity',
      load: (_db, { params: { id }, body }) => ({ passkey: renameOwnPasskey(id, body.name) }),
      schema: {
        summary: 'Give a passkey another name',
        params,
        body: z.strictObject({ name: displayName }),
        response: { 204: z.undefined(), ...refusals('not-found') },
      },
    },
    async (request, reply) => {
      if (request.loaded['passkey']?.rowCount !== 1) return refuse('not-found', request, reply);
      return reply.code(204).send();
    },
  );

  app.delete(
    '/api/account/passkeys/:id',
    {
      access: FRESH,
      bodyType: 'json',
      schema: {
        summary: 'Remove a passkey; the assurance that it gave is gone at once',
        params,
        response: { 204: z.undefined(), ...refusals('not-found', 'last-way-in') },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const outcome = await removePasskey(core, authorityOf(request), id);
      if (outcome === 'removed') return reply.code(204).send();
      return refuse(typeof outcome === 'object' ? outcome.refusal : outcome, request, reply);
    },
  );
}
