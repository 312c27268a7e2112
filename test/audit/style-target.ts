// A sound API of notes in one of many styles, or one that gives any note to anybody. Frameworks and
// teams differ in all of this, and none of it is a flaw.
import { randomBytes, randomUUID } from 'node:crypto';
import {
  startTwin,
  type Twin,
  type TwinAnswer,
  type TwinRequest,
  type TwinRoutes,
} from '../support/twin.ts';
import { styleDocument } from './style-document.ts';

export interface Style {
  /** In front of every path. */
  readonly prefix: string;
  readonly signIn: SignIn;
  readonly ids: 'integer' | 'uuid' | 'slug' | 'composite';
  readonly change: 'PUT' | 'PATCH';
  readonly lists: 'array' | 'items' | 'hal' | 'json-api' | 'cursor';
  /** What a creation answers. */
  readonly created: 'object' | 'location' | 'link' | 'nothing';
  readonly deletion: 'gone' | 'soft';
  readonly spelling: 'snake' | 'camel';
  /** Whether paths begin with the tenant: `/orgs/{org}/notes`. */
  readonly tenantInPath: boolean;
  readonly document: Documented;
  /** Whose notes an account lists and reads: its own, or all of its tenant's, then editable too. */
  readonly sharing: 'own' | 'tenant';
  /** Requests of a second before 429, or null. */
  readonly perSecond: number | null;
}

export type SignIn =
  /** `{ username, password }` gives `{ access_token }`. */
  | 'json'
  /** A form as of OAuth's password grant. RFC 6749 4.3. */
  | 'oauth2'
  /** `{ user: { email, password } }` gives `{ user: { token } }`, sent as `Token`. */
  | 'nested'
  /** Gives `{ data: { attributes: { accessToken, refreshToken } } }`. */
  | 'json-api'
  /** Gives a cookie, and a token against cross-site requests in another one. */
  | 'cookie'
  /** 204, and the token in a header. */
  | 'header'
  /** Wants a header of its own, with neither scheme nor prefix. */
  | 'api-key'
  /** One of several ways: `{ strategy: 'local', ... }`; a code of a second factor is looked at. */
  | 'strategy';

export type Documented =
  | '3.0'
  | '3.1'
  | '2.0'
  | 'yaml'
  | 'without-schemes'
  | 'wrong-schemas'
  /** A creation takes one or many whole notes; fields that the server sets are refused. */
  | 'whole-objects'
  /** A creation says whose the note is, by an id that says nothing, and no refusal says why. */
  | 'owner-in-body'
  /** A change says nothing of its body, and nothing has a type, as of some generators. */
  | 'generated'
  | 'base-path'
  | 'absolute-server';

export const PLAIN: Style = {
  prefix: '',
  signIn: 'json',
  ids: 'integer',
  change: 'PATCH',
  lists: 'array',
  created: 'object',
  deletion: 'gone',
  spelling: 'snake',
  tenantInPath: false,
  document: '3.1',
  sharing: 'own',
  perSecond: null,
};

/** What anybody with an account may do to what is another's. */
export type Hole = 'read' | 'change' | 'delete';

interface Person {
  readonly id: number;
  /** The id in the style that names the owner in the body. */
  readonly key: string;
  readonly name: string;
  readonly tenant: string;
  password: string;
  failures: number;
}

interface Note {
  readonly key: string;
  readonly part: string;
  readonly owner: number;
  readonly tenant: string;
  title: string;
  isDeleted: boolean;
}

export const STYLE_PASSWORD = 'Zebra-quilt-7-harbor';

/** An address, where people sign in with one. */
export function nameIn({ signIn }: Style, name: string): string {
  return signIn === 'nested' || signIn === 'json-api' ? `${name}@people.example` : name;
}

export function startStyle(style: Style, holes: readonly Hole[]): Promise<Twin> {
  const target = openTarget(style, new Set(holes));
  return startTwin(target, undefined);
}

const FAILURES_MAX = 5;

function openTarget(style: Style, holes: ReadonlySet<Hole>): TwinRoutes {
  const people: Person[] = ['ada', 'bob', 'grace'].map((name, index) => ({
    id: 71 + index * 13,
    key: `${index}${randomBytes(7).toString('hex')}`,
    name: nameIn(style, name),
    tenant: name === 'grace' ? 'initech' : 'acme',
    password: STYLE_PASSWORD,
    failures: 0,
  }));
  const sessions = new Map<string, { readonly person: Person; readonly csrf: string }>();
  const notes: Note[] = people.map(({ id, tenant, name }) =>
    noteOf(style, id, tenant, `Kept by ${name}`),
  );

  const credentialOf = ({ headers, cookies, bearer }: TwinRequest): string => {
    if (style.signIn === 'cookie') return cookies['sid'] ?? '';
    if (style.signIn === 'api-key') return String(headers['x-session-key'] ?? '');
    if (style.signIn === 'nested') {
      return /^Token (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    }
    return bearer;
  };

  const signedIn =
    (route: (request: TwinRequest, me: Person) => TwinAnswer) =>
    (request: TwinRequest): TwinAnswer => {
      const session = sessions.get(credentialOf(request));
      if (session === undefined) return problem(401, 'Not signed in');
      const isForged =
        style.signIn === 'cookie' &&
        request.method !== 'GET' &&
        request.headers['x-csrf-token'] !== session.csrf;
      if (isForged) return problem(403, 'The token against cross-site requests is missing');
      const { org } = request.params;
      if (org !== undefined && org !== session.person.tenant) return problem(404, 'Not found');
      return route(request, session.person);
    };

  const signIn = ({ body, headers }: TwinRequest): TwinAnswer => {
    const type = style.signIn === 'oauth2' ? 'x-www-form-urlencoded' : 'application/json';
    if (!(headers['content-type'] ?? '').includes(type)) return problem(415, 'Another type');
    const given = style.signIn === 'nested' ? (body.user ?? {}) : body;
    const name = given.username ?? given.email ?? given.user_name;
    const isOtherWay = style.signIn === 'strategy' && given.strategy !== 'local';
    if (isOtherWay || given.otp !== undefined) return problem(401, 'Not that way');
    const person = people.find((one) => one.name === name);
    if (person !== undefined && person.failures >= FAILURES_MAX) {
      return { ...problem(429, 'Too many attempts'), headers: { 'retry-after': '900' } };
    }
    if (person === undefined || person.password !== given.password) {
      if (person !== undefined) person.failures += 1;
      return problem(401, 'Wrong name or password');
    }
    person.failures = 0;
    const token = randomBytes(24).toString('base64url');
    const csrf = randomBytes(18).toString('base64url');
    sessions.set(token, { person, csrf });
    return signInAnswer(style, token, csrf, person);
  };

  const isTheirs = (me: Person, { owner, tenant }: Note) =>
    style.sharing === 'tenant' ? tenant === me.tenant : owner === me.id;
  const mine = (me: Person) => (note: Note) => isTheirs(me, note) && !note.isDeleted;
  const find = (request: TwinRequest, me: Person, hole: Hole) => {
    const note = notes.find(({ key, part }) => {
      const values = Object.values(request.params).filter((one) => one !== me.tenant);
      return style.ids === 'composite'
        ? values[0] === part && values[1] === key
        : values[0] === key;
    });
    if (note === undefined || note.isDeleted) return undefined;
    return holes.has(hole) || isTheirs(me, note) ? note : undefined;
  };

  const { prefix } = style;
  const under = style.tenantInPath ? `${prefix}/orgs/{org}` : prefix;
  const one = `${under}/notes/${style.ids === 'composite' ? '{part}/{key}' : '{key}'}`;
  const routes: TwinRoutes = {
    [`POST ${prefix}${signInPath(style)}`]: signIn,
    [`GET ${prefix}/me`]: signedIn((_, me) => ok(personShown(style, me))),
    [`POST ${prefix}/logout`]: signedIn((request) => {
      sessions.delete(credentialOf(request));
      return { status: 204 };
    }),
    [`GET ${under}/notes`]: signedIn((_, me) =>
      ok(
        listed(
          style,
          notes.filter(mine(me)).map((note) => shown(style, note)),
        ),
      ),
    ),
    [`POST ${under}/notes`]: signedIn((request, me) => {
      const { title } = attributesIn(style, request.body);
      const isWhole = 'id' in request.body || 'created_at' in request.body;
      if (style.document === 'whole-objects' && isWhole) return problem(403, 'Not yours to set');
      const isOthers = style.document === 'owner-in-body' && request.body.owner !== me.key;
      if (isOthers) return problem(400, 'The note was not made');
      if (typeof title !== 'string' || title.length === 0) return invalid(style, 'title');
      const note = noteOf(style, me.id, me.tenant, title);
      notes.push(note);
      const path = `${prefix}${style.tenantInPath ? `/orgs/${me.tenant}` : ''}/notes/${style.ids === 'composite' ? `${note.part}/` : ''}${note.key}`;
      if (style.created === 'nothing') return { status: 204 };
      if (style.created === 'location') return { status: 201, headers: { location: path } };
      if (style.created === 'link') return { status: 201, body: { links: { self: path } } };
      return { status: 201, body: wrapped(style, shown(style, note)) };
    }),
    [`GET ${one}`]: signedIn((request, me) => {
      const note = find(request, me, 'read');
      return note === undefined
        ? problem(404, 'Not found')
        : ok(wrapped(style, shown(style, note)));
    }),
    [`${style.change} ${one}`]: signedIn((request, me) => {
      const note = find(request, me, 'change');
      if (note === undefined) return problem(404, 'Not found');
      const { title } = attributesIn(style, request.body);
      if (typeof title !== 'string' || title.length === 0) return invalid(style, 'title');
      note.title = title;
      return ok(wrapped(style, shown(style, note)));
    }),
    [`DELETE ${one}`]: signedIn((request, me) => {
      const note = find(request, me, 'delete');
      if (note === undefined) return problem(404, 'Not found');
      if (style.deletion === 'soft') note.isDeleted = true;
      else notes.splice(notes.indexOf(note), 1);
      return { status: 204 };
    }),
    ...styleDocument(style),
  };
  return style.perSecond === null ? routes : limited(routes, style.perSecond);
}

export function signInPath({ signIn }: Style): string {
  if (signIn === 'oauth2') return '/auth/jwt/login';
  if (signIn === 'nested') return '/users/login';
  return signIn === 'json-api' ? '/sessions' : '/login';
}

function noteOf(style: Style, owner: number, tenant: string, title: string): Note {
  const keys = {
    integer: () => String(5_000 + Math.floor(Math.random() * 900_000)),
    uuid: () => randomUUID(),
    slug: () => `n-${randomBytes(5).toString('hex')}`,
    composite: () => randomBytes(4).toString('hex'),
  };
  const part = `p${randomBytes(3).toString('hex')}`;
  return { key: keys[style.ids](), part, owner, tenant, title, isDeleted: false };
}

function signInAnswer(style: Style, token: string, csrf: string, { name }: Person): TwinAnswer {
  if (style.signIn === 'nested') return ok({ user: { email: name, token } });
  if (style.signIn === 'json-api') {
    const attributes = { accessToken: token, refreshToken: randomBytes(24).toString('base64url') };
    return ok({ data: { type: 'sessions', attributes } });
  }
  if (style.signIn === 'cookie') {
    const cookies = [
      `sid=${token}; HttpOnly; SameSite=Strict; Path=/; Max-Age=3600`,
      `csrf-token=${csrf}; SameSite=Strict; Path=/; Max-Age=3600`,
    ];
    return { status: 204, headers: { 'set-cookie': cookies } };
  }
  if (style.signIn === 'header') {
    return { status: 204, headers: { authorization: `Bearer ${token}` } };
  }
  if (style.signIn === 'api-key') return ok({ sessionKey: token });
  return ok({ access_token: token, token_type: 'bearer', expires_in: 3600 });
}

function personShown(style: Style, { id, key, name, tenant }: Person): unknown {
  if (style.document === 'owner-in-body') return { id: key, username: name, tenant };
  if (style.signIn === 'nested') return { user: { id, email: name, tenant } };
  if (style.signIn === 'json-api') {
    return { data: { type: 'people', id: String(id), attributes: { email: name, tenant } } };
  }
  return style.spelling === 'camel'
    ? { userId: id, userName: name, tenantSlug: tenant }
    : { id, username: name, tenant };
}

function shown(style: Style, { key, part, owner, title }: Note): Record<string, unknown> {
  const id = style.ids === 'integer' ? Number(key) : key;
  const isCamel = style.spelling === 'camel';
  const ids =
    style.ids === 'composite'
      ? { part, key }
      : { [style.ids === 'slug' ? 'slug' : isCamel ? 'noteId' : 'id']: id };
  const byOwner =
    style.sharing === 'own' ? { [isCamel ? 'ownerId' : 'owner_id']: owner } : { pinned: false };
  if (style.lists === 'json-api') {
    return { type: 'notes', id: key, attributes: { title, ...byOwner } };
  }
  return { ...ids, title, ...byOwner };
}

function wrapped(style: Style, one: Record<string, unknown>): unknown {
  if (style.lists === 'json-api') return { data: one };
  return style.lists === 'hal' ? { ...one, _links: { self: { href: '/here' } } } : one;
}

function listed(style: Style, items: readonly Record<string, unknown>[]): unknown {
  const total = items.length;
  if (style.lists === 'items') return { items, total, page: 1, size: 50 };
  if (style.lists === 'hal') return { _embedded: { notes: items }, page: { totalElements: total } };
  if (style.lists === 'json-api') return { data: items, meta: { total } };
  if (style.lists === 'cursor') return { results: items, next_cursor: null, has_more: false };
  return items;
}

function attributesIn(style: Style, body: { [name: string]: unknown }): { title?: unknown } {
  if (style.lists !== 'json-api') return body;
  const data = body['data'] as { attributes?: { title?: unknown } } | undefined;
  return data?.attributes ?? {};
}

function ok(body: unknown): TwinAnswer {
  return { status: 200, body };
}

function problem(status: number, detail: string): TwinAnswer {
  return { status, body: { detail } };
}

/** As the framework of each style says that a field is missing. */
function invalid(style: Style, field: string): TwinAnswer {
  if (style.lists === 'json-api') {
    const source = { pointer: `/data/attributes/${field}` };
    return { status: 422, body: { errors: [{ title: 'is missing', source }] } };
  }
  if (style.spelling === 'camel') {
    return {
      status: 400,
      body: { message: [`${field} should not be empty`], error: 'Bad Request' },
    };
  }
  return { status: 422, body: { detail: [{ loc: ['body', field], msg: 'Field required' }] } };
}

/** So many requests a second, then 429 until the second is over. RFC 6585 4. */
function limited(routes: TwinRoutes, perSecond: number): TwinRoutes {
  let second = 0;
  let count = 0;
  return Object.fromEntries(
    Object.entries(routes).map(([key, route]) => [
      key,
      (request: TwinRequest) => {
        const now = Math.floor(Date.now() / 1_000);
        if (now !== second) [second, count] = [now, 0];
        count += 1;
        if (count <= perSecond) return route(request);
        return { ...problem(429, 'Slow down'), headers: { 'retry-after': '1' } };
      },
    ]),
  );
}
