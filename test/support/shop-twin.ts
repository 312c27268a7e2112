// An API of a shop as frameworks that write documents from code have it: names of operations repeat
// their methods, profiles are replaced whole, accounts are named in paths and bodies. Sound unless
// it is given flaws by name.
import type { TwinAnswer, TwinRequest, TwinRoutes } from './twin.ts';

export type ShopFlaw =
  | 'anybodys-profile'
  | 'anybodys-password'
  | 'role-of-oneself'
  | 'role-at-registration'
  | 'customers-delete-dishes'
  | 'fetches-for-staff'
  | 'debug-shows-passwords'
  | 'name-in-session'
  | 'recovery-tells-customers';

interface Person {
  username: string;
  email: string;
  password: string;
  role: 'customer' | 'staff';
  phone: string;
  about: string;
}

interface Review {
  readonly slug: string;
  readonly by: Person;
  title: string;
  text: string;
  readonly remarks: { id: number; text: string }[];
}

const refusal = (status: number, detail: string): TwinAnswer => ({ status, body: { detail } });

export interface Shop {
  readonly routes: TwinRoutes;
  readonly people: readonly Person[];
  readonly dishes: ReadonlyMap<number, { name: string; picture: string | null }>;
}

export function shopTwin(...flaws: ShopFlaw[]): Shop {
  const has = (flaw: ShopFlaw) => flaws.includes(flaw);
  const person = (username: string, role: Person['role'] = 'customer'): Person => ({
    username,
    email: `${username}@example.com`,
    password: `password-of-${username}`,
    role,
    phone: '+49 30 901820',
    about: 'cooks',
  });
  const people = [person('alice'), person('robert'), person('rosalind', 'staff')];
  const dishes = new Map([[1, { name: 'Soup', picture: null as string | null }]]);
  const reviews = new Map<string, Review>();
  // Where sessions are bound to names, the token is one: whoever has the name is meant.
  const sessions = new Map<string, Person>();
  const changed = new Map<Person, number>();
  let next = 1;

  const named = (username: unknown) => people.find((one) => one.username === username);
  const whose = ({ headers }: TwinRequest) => {
    // The document calls the header an API key and says nothing of what stands before the token.
    const token = /^Token (\S+)$/.exec(headers.authorization ?? '')?.[1];
    if (token === undefined) return undefined;
    if (!has('name-in-session')) return sessions.get(token);
    const [, changes, name] = /^session-(\d+)-(\w+)$/.exec(token) ?? [];
    const who = named(name);
    return who !== undefined && String(changed.get(who) ?? 0) === changes ? who : undefined;
  };
  const shown = ({ username, email, role, phone, about }: Person) => ({
    user: { username, email, role, phone, about },
  });
  const signedIn =
    (route: (who: Person, request: TwinRequest) => TwinAnswer | Promise<TwinAnswer>) =>
    (request: TwinRequest) => {
      const who = whose(request);
      return who === undefined ? refusal(403, 'Not authenticated') : route(who, request);
    };
  const staff = (route: (request: TwinRequest) => TwinAnswer | Promise<TwinAnswer>) =>
    signedIn((who, request) => (who.role === 'staff' ? route(request) : refusal(403, 'no')));

  /** Everybody may read it, signed in or not; but a header that is not understood is refused. */
  const open = (route: (request: TwinRequest) => TwinAnswer) => (request: TwinRequest) =>
    request.headers.authorization !== undefined && whose(request) === undefined
      ? refusal(403, 'unsupported authorization')
      : route(request);

  const routes: TwinRoutes = {
    'POST /users/login': ({ body }) => {
      const who = people.find((one) => one.email === body.user?.email);
      if (who === undefined || who.password !== body.user.password)
        return refusal(400, 'incorrect');
      next += 1;
      const token = has('name-in-session')
        ? `session-${changed.get(who) ?? 0}-${who.username}`
        : `session-${next}-of-the-shop`;
      sessions.set(token, who);
      return { status: 200, body: { user: { ...shown(who).user, token } } };
    },
    'POST /users': ({ body }) => {
      const { username, email, password, role } = body.user ?? {};
      if (typeof username !== 'string' || typeof email !== 'string' || typeof password !== 'string')
        return refusal(422, 'username, email and password are required');
      if (people.some((one) => one.username === username || one.email === email))
        return refusal(400, 'taken');
      const who = { ...person(username), email, password };
      if (has('role-at-registration') && role === 'staff') who.role = 'staff';
      people.push(who);
      return { status: 201, body: shown(who) };
    },
    'GET /user': signedIn((who) => ({ status: 200, body: shown(who) })),
    'PUT /user': signedIn((me, { body }) => {
      const { username, email, password, about, phone } = body.user ?? {};
      const who = (has('anybodys-profile') ? named(username) : undefined) ?? me;
      const isTaken = (one: Person) =>
        one !== who && one !== me && (one.username === username || one.email === email);
      if (people.some((one) => isTaken(one))) return refusal(400, 'taken');
      if (who === me)
        Object.assign(me, { username: username ?? me.username, email: email ?? me.email });
      if (who === me && typeof password === 'string') me.password = password;
      who.about = about ?? who.about;
      who.phone = phone ?? who.phone;
      return { status: 200, body: shown(who) };
    }),
    'PUT /users/{username}/password': signedIn((me, { params, body }) => {
      if (typeof body.password !== 'string') return refusal(422, 'password');
      const who = has('anybodys-password') ? named(params['username']) : me;
      if (who === undefined) return refusal(404, 'nobody');
      who.password = body.password;
      changed.set(who, (changed.get(who) ?? 0) + 1);
      for (const [token, one] of sessions) if (one === who) sessions.delete(token);
      return { status: 204 };
    }),
    'PUT /users/role': signedIn((me, { body }) => {
      if (me.role !== 'staff' && !has('role-of-oneself')) return refusal(403, 'no');
      const who = named(body.username);
      if (who === undefined || !['customer', 'staff'].includes(body.role))
        return refusal(422, 'username and role');
      who.role = body.role;
      return { status: 200, body: shown(who) };
    }),
    'POST /recoveries/forgot': ({ body }) => {
      if (!has('recovery-tells-customers')) return { status: 202, body: { detail: 'if any' } };
      const who = people.find((one) => one.email === body.email);
      if (who === undefined) return refusal(400, 'no such account');
      return who.role === 'staff' ? refusal(400, 'ask the owner') : { status: 202, body: {} };
    },
    'GET /debug/accounts': () => {
      if (!has('debug-shows-passwords')) return refusal(404, 'Not Found');
      return {
        status: 200,
        body: people.map(({ username, password }) => ({ username, password })),
      };
    },
    'GET /dishes': () => ({
      status: 200,
      body: [...dishes].map(([id, dish]) => ({ id, ...dish })),
    }),
    'PUT /dishes': staff(async ({ body }) => {
      if (typeof body.name !== 'string') return refusal(422, 'name');
      next += 1;
      const url = body.picture_url;
      const picture =
        has('fetches-for-staff') && typeof url === 'string'
          ? await fetch(url).then(
              (answer) => answer.text(),
              () => null,
            )
          : null;
      dishes.set(next, { name: body.name, picture });
      return { status: 201, body: { id: next, name: body.name, picture } };
    }),
    'PUT /dishes/{dish_id}': staff(({ params, body }) => {
      const dish = dishes.get(Number(params['dish_id']));
      if (dish === undefined) return refusal(404, 'Not Found');
      dish.name = body.name;
      return { status: 200, body: { id: Number(params['dish_id']), ...dish } };
    }),
    'DELETE /dishes/{dish_id}': signedIn((me, { params }) => {
      if (me.role !== 'staff' && !has('customers-delete-dishes')) return refusal(403, 'no');
      return { status: dishes.delete(Number(params['dish_id'])) ? 204 : 404 };
    }),
    'GET /reviews': open(() => ({
      status: 200,
      body: {
        reviews: [...reviews.values()].map(({ slug, title, by }) => ({
          slug,
          title,
          by: by.username,
        })),
      },
    })),
    'POST /reviews': signedIn((by, { body }) => {
      const { title, text } = body.review ?? {};
      if (typeof title !== 'string' || typeof text !== 'string') return refusal(422, 'title, text');
      const review = {
        slug: title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'),
        by,
        title,
        text,
        remarks: [],
      };
      if (reviews.has(review.slug)) return refusal(400, 'there is one');
      reviews.set(review.slug, review);
      return { status: 201, body: { review: { slug: review.slug, title, text, by: by.username } } };
    }),
    'GET /reviews/{slug}': open(({ params }) => {
      const review = reviews.get(params['slug'] ?? '');
      if (review === undefined) return refusal(404, 'Not Found');
      const { slug, title, text, by } = review;
      return { status: 200, body: { review: { slug, title, text, by: by.username } } };
    }),
    'GET /reviews/{slug}/remarks': open(({ params }) => {
      const review = reviews.get(params['slug'] ?? '');
      return review === undefined
        ? refusal(404, 'Not Found')
        : { status: 200, body: { remarks: review.remarks } };
    }),
    'POST /reviews/{slug}/remarks': signedIn((_who, { params, body }) => {
      const review = reviews.get(params['slug'] ?? '');
      if (review === undefined) return refusal(404, 'Not Found');
      if (typeof body.text !== 'string') return refusal(422, 'text');
      next += 1;
      review.remarks.push({ id: next, text: body.text });
      return { status: 201, body: { id: next, text: body.text } };
    }),
  };
  return { routes, people, dishes };
}

const text = { type: 'string' };
const answered = { responses: { '200': {} } };
const made = { responses: { '201': {} } };
const nobody = { security: [] };
const body = (properties: object, required?: readonly string[]) => ({
  required: true,
  content: { 'application/json': { schema: { type: 'object', properties, required } } },
});
const within = (name: string, properties: object, required?: readonly string[]) =>
  body({ [name]: { type: 'object', properties, required } }, [name]);

/** As FastAPI writes it: a credential that is not needed is said like one that is. */
export const SHOP_DOCUMENT = {
  openapi: '3.1.0',
  info: { title: 'Shop', version: '1' },
  components: {
    securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'Authorization' } },
  },
  security: [{ key: [] }],
  paths: {
    '/users/login': {
      post: {
        ...nobody,
        operationId: 'login',
        requestBody: within('user', { email: text, password: text }, ['email', 'password']),
        ...answered,
      },
    },
    '/users': {
      post: {
        ...nobody,
        operationId: 'register',
        requestBody: within('user', { username: text, email: text, password: text }, [
          'username',
          'email',
          'password',
        ]),
        ...made,
      },
    },
    '/user': {
      get: answered,
      put: {
        operationId: 'update_user',
        requestBody: within('user', {
          username: text,
          email: text,
          password: text,
          about: text,
          phone: text,
        }),
        ...answered,
      },
    },
    '/users/{username}/password': {
      put: { operationId: 'update_password', requestBody: body({ password: text }), ...answered },
    },
    '/users/role': {
      put: {
        operationId: 'update_role',
        requestBody: body({ username: text, role: text }, ['username', 'role']),
        ...answered,
      },
    },
    '/recoveries/forgot': {
      post: { ...nobody, requestBody: body({ email: text }, ['email']), ...answered },
    },
    '/debug/accounts': { get: { ...nobody, ...answered } },
    '/dishes': {
      get: { ...nobody, ...answered },
      put: {
        operationId: 'create_dish',
        requestBody: body({ name: text, picture_url: text }, ['name']),
        ...made,
      },
    },
    '/dishes/{dish_id}': {
      put: { operationId: 'update_dish', requestBody: body({ name: text }, ['name']), ...answered },
      delete: { operationId: 'delete_dish_dishes__dish_id__delete', ...answered },
    },
    '/reviews': {
      get: answered,
      post: {
        operationId: 'create_review',
        requestBody: within('review', { title: text, text }, ['title', 'text']),
        ...made,
      },
    },
    '/reviews/{slug}': { get: answered },
    '/reviews/{slug}/remarks': {
      get: answered,
      post: { requestBody: body({ text }, ['text']), ...made },
    },
  },
};
