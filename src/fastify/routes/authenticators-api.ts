import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { renewRecoveryCodes } from '../../core/recovery-codes.ts';
import { beginTotp, confirmTotp, removeTotp } from '../../core/totp.ts';
import { ownPassword } from '../../db/passwords.ts';
import { ownPasskeys } from '../../db/passkeys.ts';
import { ownRecoveryCodes } from '../../db/recovery-codes.ts';
import { ownAssurance } from '../../db/sessions.ts';
import { ownTotp } from '../../db/totp.ts';
import type { Passkey } from '../../pages/passkeys.tsx';
import { authorityOf, loadedBy } from '../access.ts';
import { refuse } from '../refusals.ts';
import { csrfToken, instant, refusals, text } from '../schemas.ts';
import { startBrowserSession } from '../session-cookies.ts';
import { FRESH } from './own-account-api.ts';

/** The statements behind everything that shows a person's own authenticators. */
export const loadAuthenticators = () => ({
  assurance: ownAssurance,
  totp: ownTotp,
  recoveryCodes: ownRecoveryCodes,
  passkeys: ownPasskeys,
  password: ownPassword,
});

const authenticators = z.object({
  session: z.object({
    aal: z.int().describe('NIST SP 800-63B-4 section 2; 2 where two factors were proved'),
    amr: z.array(z.string()).describe('how: password, passkey, passkey-touch, totp, recovery-code'),
    authenticatedAt: instant,
  }),
  password: z.object({ changedAt: instant }).nullable(),
  totp: z.object({ createdAt: instant, lastUsedAt: instant }).nullable(),
  passkeys: z.array(
    z.object({
      id: z.uuid(),
      name: z.string(),
      backedUp: z.boolean().describe('whether it is synchronised between devices'),
      createdAt: instant,
      lastUsedAt: instant.nullable(),
    }),
  ),
  recoveryCodesLeft: z.int(),
});

/** The JSON API of the ways in which a person proves who they are, beside the password. */
export function authenticatorsApi(server: FastifyInstance, core: Core, origin: () => string): void {
  listRoute(server);
  totpRoutes(server, core, origin);
  recoveryCodeRoute(server, core);
}

function listRoute(server: FastifyInstance): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  app.get(
    '/api/account/authenticators',
    {
      access: 'signed-in',
      role: 'sallyport_identity',
      load: loadAuthenticators,
      schema: {
        summary: 'Your authenticators, and what was proved in this session',
        response: { 200: authenticators, ...refusals() },
      },
    },
    async (request, reply) => {
      const { assurance, password, totp, passkeys, recoveryCodesLeft } = authenticatorsOf(request);
      return reply.send({
        session: { ...assurance, authenticatedAt: assurance.authenticatedAt.toISOString() },
        password: password && { changedAt: password.changedAt.toISOString() },
        totp: totp && {
          createdAt: totp.createdAt.toISOString(),
          lastUsedAt: totp.lastUsedAt.toISOString(),
        },
        passkeys: passkeys.map((passkey) => ({
          ...passkey,
          createdAt: passkey.createdAt.toISOString(),
          lastUsedAt: passkey.lastUsedAt?.toISOString() ?? null,
        })),
        recoveryCodesLeft,
      });
    },
  );
}

/** What `loadAuthenticators` has found. */
export function authenticatorsOf(request: FastifyRequest) {
  const [assurance] = loadedBy(request, 'assurance')?.rows ?? [];
  const [password] = loadedBy(request, 'password')?.rows ?? [];
  const [totp] = loadedBy(request, 'totp')?.rows ?? [];
  const [codes] = loadedBy(request, 'recoveryCodes')?.rows ?? [];
  return {
    assurance: assurance as { aal: number; amr: string[]; authenticatedAt: Date },
    password: (password ?? null) as { changedAt: Date } | null,
    totp: (totp ?? null) as { createdAt: Date; lastUsedAt: Date } | null,
    passkeys: (loadedBy(request, 'passkeys')?.rows ?? []) as unknown as readonly Passkey[],
    recoveryCodesLeft: Number(codes?.['left'] ?? 0),
  };
}

function totpRoutes(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/api/account/totp',
    {
      access: FRESH,
      bodyType: 'json',
      schema: {
        summary: 'Begin to set up an authenticator app',
        body: z.strictObject({}).nullish(),
        response: {
          201: z.object({
            secret: z.string().describe('base32'),
            uri: z.string().describe('what the QR code holds'),
          }),
          ...refusals('already-set-up'),
        },
      },
    },
    async (request, reply) => {
      const outcome = await beginTotp(core, authorityOf(request), issuerOf(origin()));
      if (outcome === 'already') return refuse('already-set-up', request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      return reply.code(201).send(outcome);
    },
  );

  app.post(
    '/api/account/totp/confirmations',
    {
      access: FRESH,
      bodyType: 'json',
      schema: {
        summary: 'Confirm the authenticator app with a code of it; from now on it counts',
        body: z.strictObject({ code: text }),
        response: {
          200: z.object({
            recoveryCodes: z
              .array(z.string())
              .nullable()
              .describe('not shown again; null where there are some already'),
            csrfToken,
          }),
          ...refusals('invalid-token'),
        },
      },
    },
    async (request, reply) => {
      const { code } = request.body;
      const outcome = await confirmTotp(core, authorityOf(request), code);
      if (outcome === 'expired') return refuse('invalid-token', request, reply);
      if (outcome === 'wrong-code') {
        const errors = [{ field: 'code', reason: 'wrong-code' }];
        return refuse('invalid-fields', request, reply, errors);
      }
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      const recoveryCodes = outcome.recoveryCodes && [...outcome.recoveryCodes];
      return reply.send({ recoveryCodes, csrfToken: startBrowserSession(reply, outcome) });
    },
  );

  app.delete(
    '/api/account/totp',
    {
      access: FRESH,
      bodyType: 'json',
      schema: {
        summary: 'Remove the authenticator app; the assurance that it gave is gone at once',
        response: { 204: z.undefined(), ...refusals('not-found') },
      },
    },
    async (request, reply) => {
      const outcome = await removeTotp(core, authorityOf(request));
      if (typeof outcome === 'object') return refuse(outcome.refusal, request, reply);
      return outcome ? reply.code(204).send() : refuse('not-found', request, reply);
    },
  );
}

function recoveryCodeRoute(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  app.post(
    '/api/account/recovery-codes',
    {
      access: FRESH,
      bodyType: 'json',
      schema: {
        summary: 'New recovery codes in place of all earlier ones',
        body: z.strictObject({}).nullish(),
        response: {
          201: z.object({ codes: z.array(z.string()) }),
          ...refusals('second-factor-missing'),
        },
      },
    },
    async (request, reply) => {
      const outcome = await renewRecoveryCodes(core, authorityOf(request));
      if (outcome === null) return refuse('second-factor-missing', request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      return reply.code(201).send({ codes: [...outcome.codes] });
    },
  );
}

/** The name under which an app lists the secret: the host that the person knows. */
export function issuerOf(origin: string): string {
  return new URL(origin).hostname;
}
