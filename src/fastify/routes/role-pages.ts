import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import {
  BUILT_IN_ROLES,
  LEVELS,
  OWN_PERMISSIONS,
  type OwnPermission,
} from '../../core/permissions.ts';
import { changeRoles, createRole, deleteRole, type RoleInput } from '../../core/role-changes.ts';
import type { FieldError } from '../../http/problem.ts';
import { type PermissionRow, rolesPage } from '../../pages/roles.tsx';
import { authorityOf, principalOf } from '../access.ts';
import { mounted } from '../mount.ts';
import { permissionsOf } from '../permissions.ts';
import { languageOf, sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { text } from '../schemas.ts';
import { csrfTokenFor } from '../session-cookies.ts';
import { noticeOf, PAGE } from './account-page.ts';
import {
  ownLevel,
  READ_ROLES,
  ROLES_BYTES_MAX,
  rolesOf,
  withRoles,
  WRITE_ROLES,
} from './roles-api.ts';
import { TENANT_FORM } from './tenant-pages.ts';

const WRITING = { ...TENANT_FORM, access: WRITE_ROLES, ...withRoles, returnTo: '/tenant/roles' };
/** Fields of one name, such as the ticks of a form: as many as there are, each of them once. */
export const many = z
  .union([text.min(1), z.array(text.min(1))])
  .default([])
  .transform((value) => [value].flat())
  .refine((values) => new Set(values).size === values.length);
/** No tick but in a row that the table has: anything else was not sent by our page. */
const table = z
  .strictObject({ _csrf: text, role: many, permit: many })
  .refine(({ role, permit }) => permit.every((each) => role.some((row) => isTick(each, row))), {
    path: ['permit'],
  });

/** The roles of a tenant as a table that can be ticked. */
export function rolePages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/tenant/roles',
    {
      ...PAGE,
      access: READ_ROLES,
      ...withRoles,
      schema: {
        hide: true,
        querystring: noticeOf('roles-saved', 'role-made', 'role-deleted'),
      },
    },
    async (request, reply) =>
      sendRoles(request, reply, { errors: [], notice: request.query.notice }),
  );

  app.post(
    '/tenant/roles',
    {
      ...WRITING,
      bodyLimit: ROLES_BYTES_MAX,
      schema: { hide: true, body: table },
    },
    async (request, reply) => {
      const { role, permit } = request.body;
      const registry = permissionsOf(request.server);
      const changes = ticked(request, role, permit);
      if (changes.length === 0) return reply.redirect(mounted(request, '/tenant/roles'), 303);
      const outcome = await changeRoles(core, authorityOf(request), registry, changes);
      return answer(request, reply, outcome, 'roles-saved');
    },
  );

  app.post(
    '/tenant/roles/new',
    {
      ...WRITING,
      schema: {
        hide: true,
        body: z.strictObject({
          _csrf: text,
          name: text,
          title: text,
          level: z.coerce.number().int(),
        }),
      },
    },
    async (request, reply) => {
      const { name, title, level } = request.body;
      const made = { name, title, level, permissions: [] };
      const registry = permissionsOf(request.server);
      const outcome = await createRole(core, authorityOf(request), registry, made);
      return answer(request, reply, outcome, 'role-made', made);
    },
  );

  app.post(
    '/tenant/roles/delete',
    {
      ...WRITING,
      schema: { hide: true, body: z.strictObject({ _csrf: text, name: text }) },
    },
    async (request, reply) => {
      const outcome = await deleteRole(core, authorityOf(request), request.body.name);
      return answer(request, reply, outcome, 'role-deleted');
    },
  );
}

function isTick(permit: string, role: string): boolean {
  return permit.startsWith(`${role} `);
}

/**
 * What a form with the whole table means: each role that stood in it permits what is ticked, and
 * what of before this app does not know and so did not show.
 */
function ticked(request: FastifyRequest, roles: readonly string[], permits: readonly string[]) {
  const registry = permissionsOf(request.server);
  return roles.map((name) => {
    const before = rolesOf(request).find((role) => role.name === name)?.permissions ?? [];
    const shown = permits
      .filter((permit) => isTick(permit, name))
      .map((permit) => permit.slice(name.length + 1));
    return { name, permissions: [...before.filter((each) => !registry.has(each)), ...shown] };
  });
}

type Outcome = Awaited<ReturnType<typeof changeRoles | typeof createRole | typeof deleteRole>>;
type Notice = 'roles-saved' | 'role-made' | 'role-deleted';

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  outcome: Outcome,
  notice: Notice,
  made?: RoleInput,
): FastifyReply {
  if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
  if ('problem' in outcome) return refuse(outcome.problem, request, reply);
  if ('problems' in outcome) {
    return sendRoles(request, reply.code(400), { errors: outcome.problems, made });
  }
  return reply.redirect(mounted(request, `/tenant/roles?notice=${notice}`), 303);
}

function sendRoles(
  request: FastifyRequest,
  reply: FastifyReply,
  {
    errors,
    notice,
    made,
  }: {
    readonly errors: readonly FieldError[];
    readonly notice?: Notice | undefined;
    readonly made?: RoleInput | undefined;
  },
): FastifyReply {
  const own = principalOf(request).permissions ?? [];
  const mayWrite = own.includes(WRITE_ROLES.permission);
  const level = ownLevel(request);
  const values = {
    csrfToken: csrfTokenFor(request),
    notice,
    roles: rolesOf(request).map((role) => ({
      ...role,
      changeable: mayWrite && !role.builtIn && role.level <= level,
    })),
    permissions: permissionRows(request, own),
    levels: BUILT_IN_ROLES.filter((name) => name !== 'owner' && LEVELS[name] <= level)
      .map((name) => [name, LEVELS[name]] as const)
      .toReversed(),
    mayWrite,
    ...(made ? { made } : {}),
    errors,
  };
  return sendPage(reply, rolesPage(textsFor(request), values));
}

/** Every permission in words, and whether the reader has it. */
export function permissionRows(
  request: FastifyRequest,
  own: readonly string[],
): readonly PermissionRow[] {
  const { permissions } = textsFor(request).tenants;
  const language = languageOf(request);
  return [...permissionsOf(request.server)].map(([name, { text: said }]) => ({
    name,
    own: own.includes(name),
    text: isOwn(name)
      ? permissions[name]
      : typeof said === 'string'
        ? said
        : (said?.[language] ?? name),
  }));
}

function isOwn(name: string): name is OwnPermission {
  return Object.hasOwn(OWN_PERMISSIONS, name);
}
