import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { createApiKey, revokeApiKey } from '../../core/api-keys.ts';
import type { Core } from '../../core/core.ts';
import { tenantApiKeys } from '../../db/bearer-credentials.ts';
import type { FieldError } from '../../http/problem.ts';
import {
  type KeyItem,
  keyMadePage,
  keysPage,
  revokeKeyPage,
  type TypedKey,
} from '../../pages/keys.tsx';
import { authorityOf, loadedBy, principalOf } from '../access.ts';
import { mounted } from '../mount.ts';
import { sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { text } from '../schemas.ts';
import { csrfTokenFor } from '../session-cookies.ts';
import { noticeOf, PAGE } from './account-page.ts';
import { READ_KEYS, WRITE_KEYS } from './key-api.ts';
import { many, permissionRows } from './role-pages.ts';
import { TENANT_FORM } from './tenant-pages.ts';

const HOME = '/tenant/keys';
/** The lifetimes that the page offers, in days. */
const LIFETIMES = [7, 30, 90, 180, 365] as const;
const NOTHING_TYPED: TypedKey = { title: '', permissions: [], days: 90 };

const WITH_KEYS = { load: () => ({ keys: tenantApiKeys }) } as const;
const WRITING = { ...TENANT_FORM, ...WITH_KEYS, access: WRITE_KEYS, returnTo: HOME } as const;

/** The API keys of a tenant as pages; each change asks for a fresh proof, as over the API. */
export function keyPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const made = z.strictObject({
    _csrf: text,
    title: text,
    permit: many,
    days: z.coerce.number().pipe(z.literal(LIFETIMES)),
  });
  const chosen = z.strictObject({ _csrf: text, id: z.uuid().toLowerCase() });

  app.get(
    HOME,
    {
      ...PAGE,
      ...WITH_KEYS,
      access: READ_KEYS,
      schema: { hide: true, querystring: noticeOf('key-revoked') },
    },
    async (request, reply) => sendKeys(request, reply, request.query),
  );

  app.post(HOME, { ...WRITING, schema: { hide: true, body: made } }, async (request, reply) => {
    const { title, permit: permissions, days } = request.body;
    const input = { title, permissions, expiresInDays: days };
    const outcome = await createApiKey(core, authorityOf(request), input);
    if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
    if ('problem' in outcome) {
      const typed = { title, permissions, days };
      return sendKeys(request, reply.code(400), { typed, errors: [outcome.problem] });
    }
    const values = { csrfToken: csrfTokenFor(request), text: outcome.text };
    return sendPage(reply, keyMadePage(textsFor(request), values));
  });

  app.get(
    `${HOME}/revoke`,
    {
      ...PAGE,
      ...WITH_KEYS,
      access: WRITE_KEYS,
      schema: { hide: true, querystring: z.object({ id: text.default('') }) },
    },
    async (request, reply) => {
      const key = keysOf(request).find(({ id }) => id === request.query.id);
      if (!key) return reply.redirect(mounted(request, HOME), 303);
      const values = { csrfToken: csrfTokenFor(request), key };
      return sendPage(reply, revokeKeyPage(textsFor(request), values));
    },
  );

  app.post(
    `${HOME}/revoke`,
    { ...WRITING, schema: { hide: true, body: chosen } },
    async (request, reply) => {
      const outcome = await revokeApiKey(core, authorityOf(request), request.body.id);
      if (outcome === 'not-found') return refuse('not-found', request, reply);
      if (outcome !== 'revoked') return refuse(outcome.refusal, request, reply);
      return reply.redirect(mounted(request, `${HOME}?notice=key-revoked`), 303);
    },
  );
}

function keysOf(request: FastifyRequest): readonly KeyItem[] {
  return (loadedBy(request, 'keys')?.rows ?? []) as unknown as readonly KeyItem[];
}

function sendKeys(
  request: FastifyRequest,
  reply: FastifyReply,
  shown: {
    readonly notice?: 'key-revoked' | undefined;
    readonly typed?: TypedKey;
    readonly errors?: readonly FieldError[];
  },
): FastifyReply {
  const own = principalOf(request).permissions ?? [];
  const rows = permissionRows(request, own);
  const textOf = (name: string) => rows.find((row) => row.name === name)?.text ?? name;
  const values = {
    csrfToken: csrfTokenFor(request),
    notice: shown.notice,
    keys: keysOf(request).map((key) => ({ ...key, permissions: key.permissions.map(textOf) })),
    mayWrite: own.includes(WRITE_KEYS.permission),
    // A key makes none: core refuses it, and the page does not offer it.
    permissions: rows.filter((row) => row.own && !row.name.startsWith('keys:')),
    days: LIFETIMES,
    made: shown.typed ?? NOTHING_TYPED,
    errors: shown.errors ?? [],
  };
  return sendPage(reply, keysPage(textsFor(request), values));
}
