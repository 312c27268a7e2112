// A registry where only managers make accounts, and roles beside the built-in ones. Sound unless it
// is given flaws by name.
import { randomBytes } from 'node:crypto';
import type { TwinAnswer, TwinRequest, TwinRoute, TwinRoutes } from './twin.ts';

export type RolesFlaw =
  /** A session keeps the permissions that its role had at sign-in. */
  | 'permissions-in-session'
  /** Accounts hold their role by its name alone, deleted and renamed ones included. */
  | 'role-by-name'
  /** A deleted account keeps its sessions. */
  | 'deleted-keeps-session'
  /** A session is of whoever has the name that it was opened with. */
  | 'name-is-the-session';

/** Other ways to be sound. */
export type RolesShape =
  /** A role is not deleted as long as somebody has it. */
  | 'roles-in-use-stay'
  /** Roles are given beside the one that somebody has, and taken again, by their ids. */
  | 'several-roles';

const PERMISSIONS = ['people:read', 'people:write', 'figures:read'] as const;

interface Role {
  readonly id: number;
  name: string;
  permissions: readonly string[];
  /** 10 or 30. */
  readonly level: number;
}

interface Person {
  readonly id: number;
  username: string;
  readonly password: string;
  /** What selects the role: its id, or its name where accounts hold it by that. */
  role: number | string;
  /** Ids of roles beside it. */
  readonly others: Set<number>;
}

interface Session {
  readonly person: number;
  readonly name: string;
  readonly permissions: readonly string[];
}

const refusal = (status: number, detail: string): TwinAnswer => ({ status, body: { detail } });

/** The routes, and what is there afterwards: an audit leaves no role behind, and B with its own. */
export function rolesTwin(...flaws: readonly (RolesFlaw | RolesShape)[]) {
  const has = (flaw: RolesFlaw | RolesShape) => flaws.includes(flaw);
  let next = 500;
  const roles: Role[] = [
    { id: 1, name: 'member', permissions: [], level: 10 },
    { id: 2, name: 'manager', permissions: PERMISSIONS, level: 30 },
  ];
  const roleOf = (key: number | string) =>
    roles.find(({ id, name }) => (has('role-by-name') ? name : id) === key);
  const keyOf = ({ id, name }: Role) => (has('role-by-name') ? name : id);
  const person = (id: number, username: string, role: Role): Person => ({
    id,
    username,
    password: `password-of-${username}`,
    role: keyOf(role),
    others: new Set(),
  });
  const [member, manager] = roles as [Role, Role];
  const people = [
    person(41, 'alice', member),
    person(42, 'robert', member),
    person(43, 'rosalind', manager),
  ];
  const gone: Person[] = [];
  const sessions = new Map<string, Session>();
  const permitsOf = (one: Person) => [
    ...(roleOf(one.role)?.permissions ?? []),
    ...roles.filter(({ id }) => one.others.has(id)).flatMap((role) => role.permissions),
  ];

  const signedIn = ({ bearer }: TwinRequest) => {
    const session = sessions.get(bearer);
    const all = has('deleted-keeps-session') ? [...people, ...gone] : people;
    const found = all.find(({ id, username }) =>
      has('name-is-the-session') ? username === session?.name : id === session?.person,
    );
    if (session === undefined || found === undefined) return null;
    const permits = has('permissions-in-session') ? session.permissions : permitsOf(found);
    return { found, permits };
  };
  const asking =
    (
      permission: string | null,
      route: (request: TwinRequest, me: Person) => TwinAnswer,
    ): TwinRoute =>
    (request) => {
      const me = signedIn(request);
      if (me === null) return refusal(401, 'Not authenticated');
      const isPermitted = permission === null || me.permits.includes(permission);
      return isPermitted ? route(request, me.found) : refusal(403, 'Forbidden');
    };
  const open = (one: Person) => ({
    id: one.id,
    username: one.username,
    role: roleOf(one.role)?.name ?? null,
  });
  const named = <T extends { readonly id: number }>(all: readonly T[], id: string | undefined) =>
    all.find((one) => String(one.id) === id);

  const givenBeside: TwinRoutes = Object.fromEntries(
    (['PUT', 'DELETE'] as const).map((method) => [
      `${method} /people/{person_id}/roles/{role_id}`,
      asking('people:write', ({ params }) => {
        const found = named(people, params['person_id']);
        const given = named(roles, params['role_id']);
        if (found === undefined || given === undefined) return refusal(404, 'Nobody, or no role');
        if (method === 'PUT') found.others.add(given.id);
        else found.others.delete(given.id);
        return { status: 204 };
      }),
    ]),
  );

  const routes: TwinRoutes = {
    'POST /sign-in': ({ body: { username, password } }) => {
      const found = people.find((one) => one.username === username && one.password === password);
      if (found === undefined) return refusal(401, 'Wrong name or password');
      const token = randomBytes(24).toString('hex');
      sessions.set(token, {
        person: found.id,
        name: found.username,
        permissions: permitsOf(found),
      });
      return { status: 200, body: { access_token: token } };
    },
    'GET /me': asking(null, (_, me) => ({ status: 200, body: open(me) })),
    'GET /figures': asking('figures:read', () => ({
      status: 200,
      body: { revenue: 'secret figure 4711-0815' },
    })),
    'GET /people': asking('people:read', () => ({ status: 200, body: people.map(open) })),
    'POST /people': asking('people:write', ({ body: { username, password } }) => {
      if (people.some((one) => one.username === username)) return refusal(409, 'Taken');
      const made = { ...person((next += 1), username, member), password };
      people.push(made);
      return { status: 201, body: open(made) };
    }),
    'PATCH /people/{person_id}': asking('people:write', ({ params, body: { username } }) => {
      const found = named(people, params['person_id']);
      if (found === undefined) return refusal(404, 'Nobody');
      if (people.some((one) => one.username === username)) return refusal(409, 'Taken');
      found.username = username;
      return { status: 200, body: open(found) };
    }),
    'DELETE /people/{person_id}': asking('people:write', ({ params }) => {
      const found = named(people, params['person_id']);
      if (found === undefined) return refusal(404, 'Nobody');
      gone.push(...people.splice(people.indexOf(found), 1));
      return { status: 204 };
    }),
    'PUT /people/{person_id}/role': asking('people:write', ({ params, body: { role } }) => {
      const found = named(people, params['person_id']);
      const given = roles.find(({ name }) => name === role);
      if (found === undefined || given === undefined) return refusal(422, 'role is unknown');
      found.role = keyOf(given);
      return { status: 200, body: open(found) };
    }),
    ...(has('several-roles') ? givenBeside : {}),
    'GET /roles': asking('people:read', () => ({ status: 200, body: roles })),
    'POST /roles': asking('people:write', ({ body: { name, permissions, level } }) => {
      if (roles.some((one) => one.name === name)) return refusal(409, 'Taken');
      if (level !== 10 && level !== 30) return refusal(422, 'level is unknown');
      const made = { id: (next += 1), name, permissions, level };
      roles.push(made);
      return { status: 201, body: made };
    }),
    'PATCH /roles/{role_id}': asking('people:write', ({ params, body: { name } }) => {
      const found = named(roles, params['role_id']);
      if (found === undefined) return refusal(404, 'No such role');
      found.name = name;
      return { status: 200, body: found };
    }),
    'DELETE /roles/{role_id}': asking('people:write', ({ params }) => {
      const found = named(roles, params['role_id']);
      if (found === undefined || found.id < 3) return refusal(404, 'No such role');
      if (has('roles-in-use-stay') && people.some(({ role }) => role === keyOf(found))) {
        return refusal(409, 'Somebody has this role');
      }
      roles.splice(roles.indexOf(found), 1);
      for (const { others } of people) others.delete(found.id);
      return { status: 204 };
    }),
  };
  return { routes, roles, people };
}

const text = { type: 'string' };
const body = (properties: object) => ({
  requestBody: {
    content: {
      'application/json': {
        schema: { type: 'object', properties, required: Object.keys(properties).slice(0, 1) },
      },
    },
  },
});
const said = { responses: { 200: { description: 'done' } } };
const permissions = { type: 'array', items: { type: 'string', enum: PERMISSIONS } };

/** What such an API says of itself. */
export const ROLES_DOCUMENT = {
  openapi: '3.1.0',
  info: { title: 'Registry', version: '1' },
  components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  security: [{ bearer: [] }],
  paths: {
    '/sign-in': { post: { security: [], ...body({ username: text, password: text }), ...said } },
    '/me': { get: said },
    '/figures': { get: said },
    '/people': { get: said, post: { ...body({ username: text, password: text }), ...said } },
    '/people/{person_id}': { patch: { ...body({ username: text }), ...said }, delete: said },
    '/people/{person_id}/role': { put: { ...body({ role: text }), ...said } },
    '/roles': {
      get: said,
      post: { ...body({ level: { type: 'integer' }, name: text, permissions }), ...said },
    },
    '/roles/{role_id}': { patch: { ...body({ name: text }), ...said }, delete: said },
  },
};

const { '/people/{person_id}/role': _, ...paths } = ROLES_DOCUMENT.paths;

/** The same where roles are given beside the one that somebody has. */
export const SEVERAL_ROLES_DOCUMENT = {
  ...ROLES_DOCUMENT,
  paths: { ...paths, '/people/{person_id}/roles/{role_id}': { put: said, delete: said } },
};

const signs = (username: string) => ({
  kind: 'password' as const,
  username,
  password: `password-of-${username}`,
});

export const ROLES_ACCOUNTS = {
  a: signs('alice'),
  b: signs('robert'),
  superior: signs('rosalind'),
};
