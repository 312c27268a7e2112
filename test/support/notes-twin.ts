// An API of notes in tenants, sound unless it is given flaws by name: the vulnerable and the sound
// twin of most checks are this one program.
import { randomBytes } from 'node:crypto';
import type { TwinAnswer, TwinRequest, TwinRoute, TwinRoutes } from './twin.ts';

export type Flaw =
  | 'read-any-note'
  | 'write-any-note'
  | 'delete-any-note'
  | 'comment-anywhere'
  | 'tenant-by-query'
  | 'tenant-by-header'
  | 'open-write'
  | 'open-delete'
  | 'deleted-keeps-session'
  | 'removed-keeps-access'
  | 'members-may-ban'
  | 'role-in-profile'
  | 'sign-out-keeps-session'
  | 'password-change-keeps-sessions'
  | 'role-in-session'
  | 'disabled-keeps-session'
  | 'name-is-the-session';

interface Person {
  id: number;
  username: string;
  email: string;
  password: string;
  tenant: string;
  role: 'member' | 'manager';
  disabled: boolean;
  bio: string;
}

interface Note {
  id: number;
  tenant: string;
  owner: string;
  title: string;
  text: string;
  comments: { id: number; by: string; text: string }[];
}

interface Group {
  readonly id: number;
  readonly title: string;
  readonly members: Set<number>;
}

interface Session {
  readonly person: number;
  readonly name: string;
  readonly role: string;
}

const refusal = (status: number, detail: string): TwinAnswer => ({ status, body: { detail } });

export function notesTwin(...flaws: Flaw[]): TwinRoutes {
  const has = (flaw: Flaw) => flaws.includes(flaw);
  let next = 100;
  const person = (id: number, username: string, tenant: string, role: Person['role']): Person => ({
    id,
    username,
    email: `${username}@${tenant}.example`,
    password: `password-of-${username}`,
    tenant,
    role,
    disabled: false,
    bio: '',
  });
  const people = [
    person(11, 'alice', 'acme', 'member'),
    person(12, 'robert', 'acme', 'member'),
    person(13, 'stella', 'globex', 'member'),
    person(14, 'rosalind', 'acme', 'manager'),
  ];
  const note = (id: number, owner: string, tenant: string): Note => ({
    id,
    tenant,
    owner,
    title: `First of ${owner}`,
    text: `Private words of ${owner}`,
    comments: [],
  });
  const notes = [
    note(21, 'alice', 'acme'),
    note(22, 'robert', 'acme'),
    note(23, 'stella', 'globex'),
  ];
  const groups: Group[] = [];
  /** Which session has read which group: what a careless cache remembers. */
  const readers = new Set<string>();
  const deleted: Person[] = [];
  const sessions = new Map<string, Session>();

  const signedIn = (request: TwinRequest): (Person & { session: Session }) | null => {
    const session = sessions.get(request.bearer);
    if (session === undefined) return null;
    const found = has('name-is-the-session')
      ? people.find(({ username }) => username === session.name)
      : [...people, ...(has('deleted-keeps-session') ? deleted : [])].find(
          ({ id }) => id === session.person,
        );
    if (found === undefined || (found.disabled && !has('disabled-keeps-session'))) return null;
    return {
      ...found,
      role: has('role-in-session') ? (session.role as Person['role']) : found.role,
      session,
    };
  };
  const asMember =
    (route: (request: TwinRequest, me: Person) => TwinAnswer): TwinRoute =>
    (request) => {
      const me = signedIn(request);
      return me === null ? refusal(401, 'Not authenticated') : route(request, me);
    };
  const asManager = (route: (request: TwinRequest, me: Person) => TwinAnswer) =>
    asMember((request, me) =>
      me.role === 'manager' ? route(request, me) : refusal(403, 'Forbidden'),
    );
  const open = ({ id, username, email, tenant, role, bio }: Person) => ({
    id,
    username,
    email,
    tenant,
    role,
    bio,
  });
  const find = (request: TwinRequest, me: Person, anybody: boolean) =>
    notes.find(
      ({ id, owner }) =>
        id === Number(request.params['note_id']) && (anybody || owner === me.username),
    );
  const ended = (id: number, but = '') => {
    for (const [token, session] of sessions)
      if (session.person === id && token !== but) sessions.delete(token);
  };
  const tenantOf = (request: TwinRequest, me: Person) => {
    if (has('tenant-by-query')) return request.query.get('tenant') ?? me.tenant;
    if (has('tenant-by-header')) return String(request.headers['x-tenant-id'] ?? me.tenant);
    return me.tenant;
  };

  return {
    'POST /api/sign-in': ({ body }) => {
      const found = people.find(
        ({ username, password }) => username === body.username && password === body.password,
      );
      if (found === undefined || found.disabled) return refusal(401, 'Wrong name or password');
      // Told apart from what is invented for one: that may be hexadecimal, too.
      const token = `session-${randomBytes(24).toString('hex')}`;
      sessions.set(token, { person: found.id, name: found.username, role: found.role });
      return { status: 200, body: { access_token: token, token_type: 'bearer' } };
    },
    'POST /api/sign-out': (request) => {
      if (!has('sign-out-keeps-session')) sessions.delete(request.bearer);
      return { status: 204 };
    },
    'GET /api/me': asMember((_, me) => ({ status: 200, body: open(me) })),
    'PATCH /api/me': asMember(({ body }, me) => {
      const mine = people.find(({ id }) => id === me.id);
      if (mine === undefined) return refusal(404, 'gone');
      if (people.some((one) => one.username === body.username && one.id !== me.id))
        return refusal(409, 'username is taken');
      if (typeof body.bio === 'string') mine.bio = body.bio;
      if (typeof body.username === 'string') mine.username = body.username;
      if (has('role-in-profile') && body.role === 'manager') mine.role = body.role;
      return { status: 200, body: open(mine) };
    }),
    'POST /api/me/password': asMember(({ body, bearer }, me) => {
      const mine = people.find(({ id }) => id === me.id);
      if (mine === undefined || mine.password !== body.current_password)
        return refusal(400, 'Wrong password');
      mine.password = body.new_password;
      if (!has('password-change-keeps-sessions')) ended(me.id, bearer);
      return { status: 204 };
    }),
    'POST /api/registrations': ({ body: { username, password } }) => {
      if (typeof username !== 'string' || String(password).length < 15)
        return refusal(422, 'password is too short');
      if (people.some((one) => one.username === username)) return refusal(409, 'Taken');
      const made = { ...person((next += 1), username, 'guests', 'member'), password };
      people.push(made);
      return { status: 201, body: open(made) };
    },
    'DELETE /api/me': asMember((_, me) => {
      const at = people.findIndex(({ id }) => id === me.id);
      if (at >= 0) deleted.push(...people.splice(at, 1));
      return { status: 204 };
    }),
    'GET /api/groups': asMember((_, me) => ({
      status: 200,
      body: groups
        .filter(({ members }) => members.has(me.id))
        .map(({ id, title }) => ({ id, title })),
    })),
    'POST /api/groups': asMember(({ body }, me) => {
      const made = { id: (next += 1), title: String(body.title), members: new Set([me.id]) };
      groups.push(made);
      return { status: 201, body: { id: made.id, title: made.title } };
    }),
    'GET /api/groups/{group_id}': asMember(({ params, bearer }, me) => {
      const found = groups.find(({ id }) => id === Number(params['group_id']));
      const key = `${found?.id} ${bearer}`;
      const isRemembered = has('removed-keeps-access') && readers.has(key);
      if (found === undefined || (!found.members.has(me.id) && !isRemembered))
        return refusal(404, 'No such group');
      readers.add(key);
      return { status: 200, body: { id: found.id, title: found.title } };
    }),
    'POST /api/groups/{group_id}/members': asMember(({ params, body }, me) => {
      const found = groups.find(({ id }) => id === Number(params['group_id']));
      const added = people.find(({ id }) => id === body.user_id);
      if (found?.members.has(me.id) !== true) return refusal(404, 'No such group');
      if (added === undefined) return refusal(422, 'user_id is nobody');
      found.members.add(added.id);
      return { status: 201, body: { user_id: added.id } };
    }),
    'DELETE /api/groups/{group_id}/members/{user_id}': asMember(({ params }, me) => {
      const found = groups.find(({ id }) => id === Number(params['group_id']));
      if (found?.members.has(me.id) !== true) return refusal(404, 'No such group');
      found.members.delete(Number(params['user_id']));
      return { status: 204 };
    }),
    'GET /api/colleagues': asMember((request, me) => ({
      status: 200,
      body: people
        .filter(({ tenant }) => tenant === tenantOf(request, me))
        .map(({ id, username, tenant }) => ({ id, username, tenant })),
    })),
    'GET /api/notes': asMember((request, me) => ({
      status: 200,
      body: notes.filter(({ owner, tenant }) =>
        tenantOf(request, me) === me.tenant
          ? owner === me.username
          : tenant === tenantOf(request, me),
      ),
    })),
    'POST /api/notes': asMember(({ body }, me) => {
      if (typeof body.title !== 'string')
        return {
          status: 422,
          body: { detail: [{ loc: ['body', 'title'], msg: 'Field required', type: 'missing' }] },
        };
      const made = {
        ...note((next += 1), me.username, me.tenant),
        title: body.title,
        text: String(body.text ?? ''),
      };
      notes.push(made);
      return { status: 201, body: made };
    }),
    'GET /api/notes/{note_id}': asMember((request, me) => {
      const found = find(request, me, has('read-any-note'));
      return found === undefined ? refusal(404, 'No such note') : { status: 200, body: found };
    }),
    'PUT /api/notes/{note_id}': (request) => {
      const me = signedIn(request);
      if (me === null && !has('open-write')) return refusal(401, 'Not authenticated');
      const found = find(request, me ?? people[0]!, has('write-any-note') || has('open-write'));
      if (found === undefined) return refusal(404, 'No such note');
      found.title = request.body.title ?? found.title;
      found.text = request.body.text ?? found.text;
      return { status: 200, body: found };
    },
    'DELETE /api/notes/{note_id}': (request) => {
      const me = signedIn(request);
      if (me === null && !has('open-delete')) return refusal(401, 'Not authenticated');
      const isOpen = has('delete-any-note') || has('open-delete');
      const found = find(request, me ?? people[0]!, isOpen);
      if (found === undefined) return refusal(404, 'No such note');
      notes.splice(notes.indexOf(found), 1);
      return { status: 204 };
    },
    'GET /api/notes/{note_id}/comments': asMember((request, me) => {
      const found = find(request, me, false);
      return found === undefined
        ? refusal(404, 'No such note')
        : { status: 200, body: found.comments };
    }),
    'POST /api/notes/{note_id}/comments': asMember((request, me) => {
      const found = find(request, me, has('comment-anywhere'));
      if (found === undefined) return refusal(404, 'No such note');
      const comment = { id: (next += 1), by: me.username, text: String(request.body.text ?? '') };
      found.comments.push(comment);
      return { status: 201, body: comment };
    }),
    'GET /api/offers': () => ({ status: 200, body: [{ id: 7, title: 'Half price for a year' }] }),
    'GET /api/admin/people': asManager((_, me) => ({
      status: 200,
      body: people.filter(({ tenant }) => tenant === me.tenant).map(open),
    })),
    'PUT /api/admin/people/{person_id}/role': asManager((request, me) => {
      const found = people.find(
        ({ id, tenant }) => id === Number(request.params['person_id']) && tenant === me.tenant,
      );
      if (found === undefined) return refusal(404, 'No such person');
      if (!['member', 'manager'].includes(request.body.role))
        return refusal(422, 'role must be one of "member", "manager"');
      found.role = request.body.role;
      return { status: 200, body: open(found) };
    }),
    'PUT /api/admin/people/{person_id}/disabled': asManager((request, me) => {
      const found = people.find(
        ({ id, tenant }) => id === Number(request.params['person_id']) && tenant === me.tenant,
      );
      if (found === undefined) return refusal(404, 'No such person');
      found.disabled = request.body.disabled === true;
      return { status: 200, body: { ...open(found), disabled: found.disabled } };
    }),
    'GET /api/admin/report': (has('members-may-ban') ? asMember : asManager)((_, me) => ({
      status: 200,
      body: {
        tenant: me.tenant,
        people: people.filter(({ tenant }) => tenant === me.tenant).map(open),
        revenue: 'secret figure 4711-0815',
      },
    })),
  };
}

const text = { type: 'string' };
const body = (properties: object, required: readonly string[] = []) => ({
  content: { 'application/json': { schema: { type: 'object', properties, required } } },
});
const said = { responses: { 200: { description: 'done' } } };

/** What such an API says of itself. */
export const NOTES_DOCUMENT = {
  openapi: '3.1.0',
  info: { title: 'Notes', version: '1' },
  components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  security: [{ bearer: [] }],
  paths: {
    '/api/sign-in': {
      post: {
        security: [],
        requestBody: body({ username: text, password: text }, ['username', 'password']),
        ...said,
      },
    },
    '/api/sign-out': { post: said },
    '/api/registrations': {
      post: {
        security: [],
        requestBody: body({ username: text, password: text }, ['username', 'password']),
        ...said,
      },
    },
    '/api/groups': {
      get: said,
      post: { requestBody: body({ title: text }, ['title']), ...said },
    },
    '/api/groups/{group_id}': { get: said },
    '/api/groups/{group_id}/members': {
      post: { requestBody: body({ user_id: { type: 'integer' } }, ['user_id']), ...said },
    },
    '/api/groups/{group_id}/members/{user_id}': { delete: said },
    '/api/me': {
      get: said,
      delete: said,
      patch: { requestBody: body({ bio: text, username: text }), ...said },
    },
    '/api/me/password': {
      post: {
        requestBody: body({ current_password: text, new_password: text }, [
          'current_password',
          'new_password',
        ]),
        ...said,
      },
    },
    '/api/colleagues': {
      get: { parameters: [{ name: 'tenant', in: 'query', schema: text }], ...said },
    },
    '/api/notes': {
      get: { parameters: [{ name: 'tenant', in: 'query', schema: text }], ...said },
      post: { requestBody: body({ title: text, text }, ['title']), ...said },
    },
    '/api/notes/{note_id}': {
      get: said,
      put: { requestBody: body({ title: text, text }, ['title']), ...said },
      delete: said,
    },
    '/api/notes/{note_id}/comments': {
      get: said,
      post: { requestBody: body({ text }, ['text']), ...said },
    },
    '/api/offers': { get: { security: [], ...said } },
    '/api/admin/people': { get: said },
    '/api/admin/people/{person_id}/role': {
      put: {
        requestBody: body({ role: { type: 'string', enum: ['member', 'manager'] } }, ['role']),
        ...said,
      },
    },
    '/api/admin/people/{person_id}/disabled': {
      put: { requestBody: body({ disabled: { type: 'boolean' } }, ['disabled']), ...said },
    },
    '/api/admin/report': { get: said },
  },
};

const signs = (username: string) => ({
  kind: 'password' as const,
  username,
  password: `password-of-${username}`,
});

export const NOTES_ACCOUNTS = {
  a: signs('alice'),
  b: signs('robert'),
  stranger: signs('stella'),
  superior: signs('rosalind'),
};
