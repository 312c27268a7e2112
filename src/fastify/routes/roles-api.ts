import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import type { OwnPermission } from '../../core/permissions.ts';
import { changeRoles, createRole, deleteRole, type RoleInput } from '../../core/role-changes.ts';
import { ownRole, type Role, rolesOfTenant } from '../../db/tenant-roles.ts';
import { authorityOf, loadedBy } from '../access.ts';
import { permissionsOf } from '../permissions.ts';
import { refuse } from '../refusals.ts';
import { refusals, text } from '../schemas.ts';

export const READ_ROLES = { permission: 'roles:read' } as const satisfies Asks;
export const WRITE_ROLES = { permission: 'roles:write' } as const satisfies Asks;

interface Asks {
  readonly permission: OwnPermission;
}

const roleView = z.object({
  name: z.string(),
  title: z.string(),
  level: z.int().describe('10 viewer, 20 member, 30 admin, 40 owner'),
  builtIn: z.boolean(),
  permissions: z.array(z.string()),
});

const PERMISSIONS_MAX = 500;
/** All roles with all permissions stand in one body. */
export const ROLES_BYTES_MAX = 262_144;
const fields = {
  title: text.describe('what people read; the name where it is empty'),
  level: z.int().describe('10, 20 or 30, no higher than your own'),
  permissions: z.array(text).max(PERMISSIONS_MAX).describe('none that you do not have yourself'),
};
const name = text.meta({ minLength: 1, maxLength: 40 });
const byName = z.object({ name: text });
const REFUSED = refusals('not-found', 'above-own-level', 'built-in-role');

/** The JSON API of a tenant's roles, and of what can be permitted. */
export function rolesApi(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/permissions',
    {
      access: READ_ROLES,
      schema: {
        summary: 'What a role may permit',
        response: {
          200: z.array(
            z.object({
              name: z.string(),
              text: z
                .union([z.string(), z.object({ en: z.string(), de: z.string() })])
                .nullable()
                .describe("null for the product's own"),
              roles: z.array(z.string()).describe('the built-in roles that have it'),
            }),
          ),
          ...refusals(),
        },
      },
    },
    async (request) =>
      [...permissionsOf(request.server)].map(([permission, { text: said, roles }]) => ({
        name: permission,
        text: said,
        roles: [...roles],
      })),
  );

  app.get(
    '/api/roles',
    {
      access: READ_ROLES,
      role: 'sallyport_identity',
      load: () => ({ roles: rolesOfTenant }),
      schema: {
        summary: 'The roles of the tenant, from the highest',
        response: { 200: z.array(roleView), ...refusals() },
      },
    },
    async (request) => rolesOf(request).map(viewOf),
  );

  roleChanges(server, core);
}

function roleChanges(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const writing = { access: WRITE_ROLES, bodyType: 'json' } as const;

  app.post(
    '/api/roles',
    {
      ...writing,
      schema: {
        summary: "Make a role of the tenant's own",
        body: z.strictObject({ name, ...fields, title: fields.title.default('') }),
        response: { 201: roleView, ...refusals('above-own-level') },
      },
    },
    async (request, reply) => {
      const registry = permissionsOf(request.server);
      const outcome = await createRole(core, authorityOf(request), registry, request.body);
      if (!('role' in outcome)) return refuseRole(outcome, request, reply);
      return reply.code(201).send(viewOf(outcome.role));
    },
  );

  app.patch(
    '/api/roles/:name',
    {
      ...writing,
      schema: {
        summary: "Change a role of the tenant's own; what is left out stays",
        params: byName,
        body: z.strictObject(fields).partial(),
        response: { 200: roleView, ...REFUSED },
      },
    },
    async (request, reply) => {
      const change = { ...request.params, ...given(request.body) };
      const registry = permissionsOf(request.server);
      const outcome = await changeRoles(core, authorityOf(request), registry, [change]);
      const [role] = 'roles' in outcome ? outcome.roles : [];
      if (role) return reply.send(viewOf(role));
      return refuseRole(outcome, request, reply);
    },
  );

  app.patch(
    '/api/roles',
    {
      ...writing,
      bodyLimit: ROLES_BYTES_MAX,
      schema: {
        summary: "Change several roles of the tenant's own, all or none",
        body: z.strictObject({
          roles: z
            .array(z.strictObject({ name, ...z.strictObject(fields).partial().shape }))
            .min(1)
            .max(50),
        }),
        response: { 200: z.array(roleView), ...REFUSED },
      },
    },
    async (request, reply) => {
      const changes = request.body.roles.map((each) => ({ name: each.name, ...given(each) }));
      const registry = permissionsOf(request.server);
      const outcome = await changeRoles(core, authorityOf(request), registry, changes);
      if (!('roles' in outcome)) return refuseRole(outcome, request, reply);
      return reply.send(outcome.roles.map(viewOf));
    },
  );

  app.delete(
    '/api/roles/:name',
    {
      ...writing,
      schema: {
        summary: "Delete a role of the tenant's own that nobody has",
        params: byName,
        response: {
          204: z.undefined(),
          ...refusals('not-found', 'above-own-level', 'built-in-role', 'role-in-use'),
        },
      },
    },
    async (request, reply) => {
      const outcome = await deleteRole(core, authorityOf(request), request.params.name);
      if (!('deleted' in outcome)) return refuseRole(outcome, request, reply);
      return reply.code(204).send();
    },
  );
}

/** The roles that a route has loaded. */
export function rolesOf(request: FastifyRequest): readonly Role[] {
  return (loadedBy(request, 'roles')?.rows ?? []) as unknown as readonly Role[];
}

/** The roles, and how high the reader stands among them. */
export const withRoles = { load: () => ({ roles: rolesOfTenant, own: ownRole }) };

/** The level of the reader's role; a page that shows too much is refused by the operation. */
export function ownLevel(request: FastifyRequest): number {
  return Number(loadedBy(request, 'own')?.rows[0]?.['level'] ?? 0);
}

/** Whether a page offers the reader to give this role. */
export function mayGiveRole(request: FastifyRequest, { level, permissions }: Role): boolean {
  const own = request.principal?.permissions ?? [];
  return level <= ownLevel(request) && permissions.every((each) => own.includes(each));
}

type RoleOutcome = Awaited<ReturnType<typeof createRole | typeof changeRoles | typeof deleteRole>>;

function refuseRole(
  outcome: RoleOutcome,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
  if ('problem' in outcome) return refuse(outcome.problem, request, reply);
  if ('problems' in outcome) return refuse('invalid-fields', request, reply, outcome.problems);
  throw new Error('nothing was refused');
}

function given(body: {
  readonly [Field in keyof RoleInput]?: RoleInput[Field] | undefined;
}): Partial<RoleInput> {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

function viewOf({ name: key, title, level, builtIn, permissions }: Role) {
  return { name: key, title, level, builtIn, permissions: [...permissions] };
}
