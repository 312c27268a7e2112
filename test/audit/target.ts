import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { targetDocument } from './target-document.ts';

// A small API with accounts, sessions and notes. It is sound; each flaw takes one defence away, so
// that a finding on the one and none on the other is the work of that defence.

export type Flaw =
  | 'cross-site-form'
  | 'cross-site-text'
  | 'cross-site-untyped'
  | 'cross-site-query'
  | 'cross-site-prefix'
  | 'cross-site-sign-in'
  | 'cors-reflected'
  | 'cors-null'
  | 'cors-suffix'
  | 'cookie-readable'
  | 'cookie-no-same-site'
  | 'cookie-long'
  | 'fixation'
  | 'jwt-unverified'
  | 'jwt-none'
  | 'jwt-empty-key'
  | 'jwt-guessable'
  | 'jwt-number'
  | 'jwt-embedded-key'
  | 'jwt-remote-key'
  | 'jwt-key-confusion'
  | 'jwt-file-key'
  | 'jwt-no-end'
  | 'jwt-long'
  | 'jwt-late'
  | 'jwt-refresh-as-access'
  | 'jwt-access-as-refresh'
  | 'no-limit'
  | 'limit-by-header'
  | 'limit-by-spelling'
  | 'enumeration-answer'
  | 'enumeration-time'
  | 'enumeration-recovery'
  | 'password-short'
  | 'password-common'
  | 'password-truncated'
  | 'recovery-leak'
  | 'recovery-guessable'
  | 'ssrf'
  | 'ssrf-blind'
  | 'ssrf-spelling'
  | 'unsafe-get'
  | 'open-redirect'
  | 'open-redirect-slashes'
  | 'sql-text'
  | 'sql-condition'
  | 'sql-sign-in'
  | 'sql-body'
  | 'secret-hash'
  | 'secret-list'
  | 'unapplied-write';

/** Other ways to be sound: none of them is a flaw. */
export type Shape =
  /** A token in a readable cookie, repeated in a header or a form's field. */
  | 'double-submit'
  /** Refusals are 200 with an error in the body. */
  | 'errors-with-200'
  /** Everybody may read answers, which carry no cookie's data. */
  | 'open-cors';

/** A cookie; a token with a MAC; a token with a signature, whose public key is published. */
export type Carrier = 'cookie' | 'token' | 'signed-token';

export interface Target {
  readonly origin: string;
  /** From now on every answer is this; null makes it well again. */
  breakDown(how: 'errors' | 'silence' | 'expired' | null): void;
  close(): Promise<void>;
}

interface Person {
  readonly id: number;
  readonly username: string;
  password: string;
  readonly tenant: number;
  code: string | null;
  codeFailures: number;
}

interface Note {
  readonly id: number;
  readonly owner: number;
  text: string;
  published: boolean;
}

export const PASSWORD = 'correct horse battery staple';

const GUESSABLE = { 'jwt-guessable': 'changeme', 'jwt-number': '4711' } as const;

interface State {
  readonly flaws: ReadonlySet<Flaw | Shape>;
  readonly carrier: Carrier;
  readonly people: Person[];
  readonly notes: Map<number, Note>;
  readonly sessions: Map<string, number>;
  /** Whose each token is, by its id, and those that a change of password has ended. */
  readonly tokens: Map<unknown, number>;
  readonly ended: Set<unknown>;
  readonly byAddress: Map<string, number>;
  readonly key: string;
  readonly pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  nextNote: number;
}

interface Call {
  readonly state: State;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: Readonly<Record<string, string>>;
}

/** Starts it on loopback with the accounts ada and bob of one tenant and grace of another. */
export async function startTarget(
  carrier: Carrier,
  ...flaws: readonly (Flaw | Shape)[]
): Promise<Target> {
  const state: State = {
    flaws: new Set(flaws),
    carrier,
    people: ['ada', 'bob', 'grace'].map((username, index) =>
      personOf(username, PASSWORD, 4_000 + index * 17),
    ),
    notes: new Map(),
    sessions: new Map(),
    tokens: new Map(),
    ended: new Set(),
    byAddress: new Map(),
    key: keyFor(flaws),
    pair: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    nextNote: 300,
  };
  const errorsWith200 = flaws.includes('errors-with-200');
  let broken: 'errors' | 'silence' | 'expired' | null = null;
  const server = createServer((request, response) => {
    if (broken === 'silence') return;
    if (broken === 'errors') {
      response.writeHead(500).end('{"error": "Internal Server Error"}');
      return;
    }
    if (broken === 'expired') {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"detail": "Expired"}');
      return;
    }
    if (errorsWith200) sayNoWith200(response);
    answer(state, request, response).catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    breakDown: (how) => {
      broken = how;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function personOf(username: string, password: string, id: number): Person {
  const tenant = username === 'grace' ? 2 : 1;
  return { id, username, password, tenant, code: null, codeFailures: 0 };
}

/** As some APIs do: the status is always 200, and the body says whether it worked. */
function sayNoWith200(response: ServerResponse): void {
  const writeHead = response.writeHead.bind(response);
  const end = response.end.bind(response);
  let refused = false;
  Object.assign(response, {
    writeHead(status: number, headers: Record<string, string>) {
      refused = status >= 400;
      return writeHead(refused ? 200 : status, headers);
    },
    end(text?: string) {
      return end(refused ? `{"success": false, "error": ${text ?? '"refused"'}}` : text);
    },
  });
}

function keyFor(flaws: readonly (Flaw | Shape)[]): string {
  if (flaws.includes('jwt-guessable')) return GUESSABLE['jwt-guessable'];
  if (flaws.includes('jwt-number')) return GUESSABLE['jwt-number'];
  return randomBytes(32).toString('hex');
}

async function answer(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://target');
  const body = await readBody(state, request);
  allowOrigins(state, request, response);
  if (body === null) {
    send(response, 415, { detail: 'A body is application/json' });
    return;
  }
  const isSafe = request.method === 'GET';
  if (!isSafe && url.pathname !== '/login' && lacksCopiedToken(state, request, body)) {
    send(response, 403, { detail: 'CSRF token missing' });
    return;
  }
  if (!isSafe && isFromElsewhere(state, request, url)) {
    send(response, 403, { detail: 'From another origin' });
    return;
  }
  await route({ state, request, response, url, body });
}

async function route(call: Call): Promise<void> {
  const { state, request, response, url } = call;
  const isQueryWrite = state.flaws.has('cross-site-query') && url.searchParams.has('text');
  const method = isQueryWrite && request.method === 'GET' ? 'POST' : request.method;
  const note = /^\/notes\/([^/]+)(\/\w+)?$/.exec(url.pathname);
  const key = `${method} ${note ? `/notes/{id}${note[2] ?? ''}` : url.pathname}`;
  const open = OPEN[key];
  if (open !== undefined) {
    await open(call);
    return;
  }
  const handler = SIGNED_IN[key];
  if (handler === undefined) {
    send(response, 404, { detail: 'Not found' });
    return;
  }
  const person = await whoIs(call);
  if (person === null) {
    send(response, 401, { detail: 'Sign in first' });
    return;
  }
  await handler(call, person, Number(note?.[1] ?? 0));
}

const OPEN: Readonly<Record<string, (call: Call) => Promise<void> | void>> = {
  'GET /openapi.json': ({ response, state }) => send(response, 200, targetDocument(state.carrier)),
  'POST /login': signIn,
  'GET /.well-known/jwks.json': ({ response, state }) =>
    state.carrier === 'signed-token'
      ? send(response, 200, { keys: [state.pair.publicKey.export({ format: 'jwk' })] })
      : send(response, 404, { detail: 'Not found' }),
  'POST /register': ({ state, response, body }) => {
    const { username = '', password = '' } = body;
    const problem = problemOf(state, password, username);
    if (problem !== null) return send(response, 422, { detail: problem });
    if (state.people.some((person) => person.username === username)) {
      return send(response, 409, { detail: 'This name is taken' });
    }
    state.people.push(personOf(username, password, 9_000 + state.people.length));
    return send(response, 201, { detail: 'Registered' });
  },
  'POST /refresh': async ({ state, response, body }) => {
    const token = body['refresh_token'] ?? '';
    const claims = await readToken(state, token);
    const isRight =
      claims !== null && (claims['use'] === 'refresh' || state.flaws.has('jwt-access-as-refresh'));
    if (!isRight) return send(response, 401, { detail: 'Wrong refresh token' });
    return send(response, 200, { access_token: issue(state, Number(claims['sub']), 'access') });
  },
  'POST /recovery': async ({ state, response, body }) => {
    const person = state.people.find(({ username }) => username === body['username']);
    if (person === undefined && state.flaws.has('enumeration-recovery')) {
      return send(response, 404, { detail: 'Nobody has this name' });
    }
    if (person !== undefined) {
      person.code = state.flaws.has('recovery-guessable')
        ? '482913'
        : randomBytes(16).toString('hex');
      person.codeFailures = 0;
    }
    const leak = state.flaws.has('recovery-leak')
      ? { reset_token: person?.code ?? randomBytes(16).toString('hex') }
      : {};
    return send(response, 200, { detail: 'A mail is on its way', ...leak });
  },
  'POST /recovery/confirm': ({ state, response, body }) => {
    const person = state.people.find(({ username }) => username === body['username']);
    const isLimited = !state.flaws.has('recovery-guessable') && (person?.codeFailures ?? 0) >= 5;
    if (isLimited) return send(response, 429, { detail: 'Too many attempts' });
    if (person === undefined || person.code === null || person.code !== body['code']) {
      if (person !== undefined) person.codeFailures += 1;
      return send(response, 400, { detail: 'Wrong code' });
    }
    person.password = body['new_password'] ?? '';
    person.code = null;
    return send(response, 200, { detail: 'Changed' });
  },
  'GET /go': ({ state, response, url }) => {
    const next = url.searchParams.get('next') ?? '/';
    const isOwn = next.startsWith('/') && !/^\/[/\\]/.test(next);
    const slashes = state.flaws.has('open-redirect-slashes') && next.startsWith('/');
    response.writeHead(302, {
      location: isOwn || slashes || state.flaws.has('open-redirect') ? next : '/',
    });
    response.end();
  },
};

type Handler = (call: Call, person: Person, noteId: number) => Promise<void> | void;

const SIGNED_IN: Readonly<Record<string, Handler>> = {
  'GET /me': ({ response, state }, { id, username, tenant }) =>
    send(response, 200, {
      id,
      username,
      tenant_id: tenant,
      ...(state.flaws.has('secret-hash') ? { password_hash: '$2b$12$abcdefghijklmnopqrstuv' } : {}),
    }),
  'POST /logout': ({ state, request, response }) => {
    state.sessions.delete(sessionOf(request));
    state.ended.add(claimsOf(request)['jti']);
    send(response, 204, null);
  },
  'POST /me/password': ({ state, request, response, body }, person) => {
    const { current_password: current, new_password: password } = body;
    if (current !== kept(state, person.password) && current !== person.password) {
      return send(response, 403, { detail: 'The current password is wrong' });
    }
    const problem = problemOf(state, String(password), person.username);
    if (problem !== null) return send(response, 422, { detail: problem });
    person.password = String(password);
    endOtherSessions(state, request, person);
    return send(response, 204, null);
  },
  'GET /notes': ({ state, response }, person) =>
    send(
      response,
      200,
      [...state.notes.values()].filter(
        ({ owner }) =>
          owner === person.id || (state.flaws.has('secret-list') && person.username !== 'ada'),
      ),
    ),
  'POST /notes': ({ state, response, body, url }, person) => {
    const text = body['text'] ?? url.searchParams.get('text') ?? '';
    if (text === '') return send(response, 422, { detail: 'text is missing' });
    if (state.flaws.has('sql-body') && text.split("'").length % 2 === 0) {
      return send(response, 500, { error: 'unterminated quoted string' });
    }
    state.nextNote += 1;
    const note = { id: state.nextNote, owner: person.id, text, published: false };
    state.notes.set(note.id, note);
    return send(response, 201, note);
  },
  'GET /notes/{id}': ({ state, response, url }, person) => {
    const note = selectNote(state, decodeURIComponent(url.pathname.split('/')[2] ?? ''), person);
    if (note === 'broken') return send(response, 500, { error: 'syntax error at or near "\'"' });
    return note === null
      ? send(response, 404, { detail: 'No such note' })
      : send(response, 200, note);
  },
  'PUT /notes/{id}': ({ state, response, body }, person, noteId) => {
    const note = own(state, person, noteId);
    if (note === null && !state.flaws.has('unapplied-write')) {
      return send(response, 404, { detail: 'No such note' });
    }
    if (note !== null) note.text = body['text'] ?? note.text;
    return send(response, 200, { detail: 'Saved' });
  },
  'DELETE /notes/{id}': ({ state, response }, person, noteId) => {
    if (own(state, person, noteId) === null) return send(response, 404, { detail: 'No such note' });
    state.notes.delete(noteId);
    return send(response, 204, null);
  },
  'GET /notes/{id}/publish': ({ state, response }, person, noteId) => {
    const note = own(state, person, noteId);
    if (note === null) return send(response, 404, { detail: 'No such note' });
    if (state.flaws.has('unsafe-get')) note.published = true;
    return send(response, 200, { preview: note.text.length });
  },
  'POST /preview': async ({ state, response, body }) => {
    const address = body['url'] ?? '';
    const page = mayFetch(state, address) ? await fetchText(address) : null;
    if (page === null) return send(response, 422, { detail: 'This address cannot be read' });
    return send(response, 200, { title: state.flaws.has('ssrf-blind') ? 'A page' : page });
  },
  'GET /search': ({ state, response, url }, person) => {
    const word = url.searchParams.get('q') ?? '';
    if (state.flaws.has('sql-text') && word.split("'").length % 2 === 0) {
      return send(response, 500, { error: 'syntax error at or near "\'"' });
    }
    return send(
      response,
      200,
      [...state.notes.values()].filter(
        ({ owner, text }) => owner === person.id && text.includes(word),
      ),
    );
  },
};

async function signIn({ state, request, response, body }: Call): Promise<void> {
  const name = body['username'] ?? '';
  const spelt = state.flaws.has('limit-by-spelling') ? name : name.trim().toLowerCase();
  const person = state.people.find(({ username }) => username === name.trim().toLowerCase());
  const address = state.flaws.has('limit-by-header')
    ? String(request.headers['x-forwarded-for'] ?? 'direct')
    : spelt;
  const failures = state.byAddress.get(address) ?? 0;
  if (failures >= 5 && !state.flaws.has('no-limit')) {
    send(response, 429, { detail: 'Too many attempts' });
    return;
  }
  // A password hash takes its time, for nobody as for somebody.
  if (person !== undefined && state.flaws.has('enumeration-time')) await sleep(400);
  const password = body['password'] ?? '';
  // What `WHERE name = '...' AND password = '...'` makes of a name that ends the text.
  if (state.flaws.has('sql-sign-in') && name.endsWith("' OR '1'='1'-- ")) {
    send(response, 200, { access_token: issue(state, 4_017, 'access') });
    return;
  }
  if (person === undefined || kept(state, password) !== kept(state, person.password)) {
    state.byAddress.set(address, failures + 1);
    const known = state.flaws.has('enumeration-answer') && person === undefined;
    send(response, 401, { detail: known ? 'No such account' : 'Wrong name or password' });
    return;
  }
  state.byAddress.delete(address);
  if (state.carrier !== 'cookie') {
    send(response, 200, {
      access_token: issue(state, person.id, 'access'),
      refresh_token: issue(state, person.id, 'refresh'),
    });
    return;
  }
  const brought = sessionOf(request);
  const session =
    state.flaws.has('fixation') && brought !== '' ? brought : randomBytes(16).toString('hex');
  state.sessions.set(session, person.id);
  const copied = `csrftoken=${copiedToken(state, session)}; Path=/; SameSite=Lax`;
  const lines = [cookieLine(state, session)];
  if (state.flaws.has('double-submit')) lines.push(copied);
  response.setHeader('set-cookie', lines);
  send(response, 200, { detail: 'Signed in' });
}

function cookieLine({ flaws }: State, session: string): string {
  const parts = [`session=${session}`, 'Path=/'];
  if (!flaws.has('cookie-readable')) parts.push('HttpOnly');
  if (!flaws.has('cookie-no-same-site')) parts.push('SameSite=Lax');
  if (flaws.has('cookie-long')) parts.push('Max-Age=31536000');
  return parts.join('; ');
}

/** What is kept of a password: all of it, or as much as an old hash takes. */
function kept({ flaws }: State, password: string): string {
  return flaws.has('password-truncated') ? password.slice(0, 72) : password;
}

function problemOf({ flaws }: State, password: string, name: string): string | null {
  const least = flaws.has('password-short') ? 1 : flaws.has('password-common') ? 8 : 12;
  if (password.length < least) return `At least ${least} characters`;
  const isCommon = /^(password|12345678|qwerty|letmein|p$)/i.test(password) || password === name;
  return isCommon && !flaws.has('password-common') && !flaws.has('password-short')
    ? 'Too common'
    : null;
}

async function whoIs({ state, request }: Call): Promise<Person | null> {
  if (state.carrier === 'cookie') {
    const id = state.sessions.get(sessionOf(request));
    return state.people.find((person) => person.id === id) ?? null;
  }
  const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ');
  const claims = scheme === 'Bearer' ? await readToken(state, token) : null;
  if (claims === null || state.ended.has(claims['jti'])) return null;
  if (claims['use'] !== 'access' && !state.flaws.has('jwt-refresh-as-access')) return null;
  return state.people.find(({ id }) => String(id) === claims['sub']) ?? null;
}

function endOtherSessions(state: State, request: IncomingMessage, person: Person): void {
  for (const [session, id] of state.sessions) {
    if (id === person.id && session !== sessionOf(request)) state.sessions.delete(session);
  }
  const { jti } = claimsOf(request);
  for (const [token, id] of state.tokens) {
    if (id === person.id && token !== jti) state.ended.add(token);
  }
}

/** Of a token that was verified before. */
function claimsOf(request: IncomingMessage): Readonly<Record<string, unknown>> {
  const [, body = ''] = (request.headers.authorization ?? '').split('.');
  return body === '' ? {} : JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
}

function sessionOf(request: IncomingMessage): string {
  return /(?:^|; )session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
}

function issue(state: State, id: number, use: 'access' | 'refresh') {
  const { key, flaws, carrier, pair } = state;
  const now = Math.floor(Date.now() / 1000);
  const lifetime = flaws.has('jwt-long') ? 30 * 24 * 3600 : 900;
  const end = flaws.has('jwt-no-end') ? {} : { exp: now + lifetime };
  const jti = randomBytes(8).toString('hex');
  state.tokens.set(jti, id);
  const claims = { sub: String(id), use, iat: now, jti, ...end };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const alg = carrier === 'token' ? 'HS256' : 'ES256';
  const input = `${part({ alg, typ: 'JWT' })}.${part(claims)}`;
  const signature =
    carrier === 'token'
      ? mac(key, input)
      : sign('sha256', Buffer.from(input), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

async function readToken(state: State, token: string): Promise<Record<string, unknown> | null> {
  const [head = '', body = '', signature = ''] = token.split('.');
  const read = (part: string) => {
    try {
      return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    } catch {
      return null;
    }
  };
  const header = read(head);
  const claims = read(body);
  if (header === null || claims === null) return null;
  const isSigned = await verifies(state, header, `${head}.${body}`, signature);
  const isOver = typeof claims.exp === 'number' && claims.exp < Date.now() / 1000;
  return isSigned && (!isOver || state.flaws.has('jwt-late')) ? claims : null;
}

interface Header {
  readonly alg: string;
  readonly kid?: string;
  readonly jku?: string;
  readonly jwk?: JsonWebKey;
}

/** With the key of the target's own; each flaw adds one that the sender has. */
async function verifies(state: State, header: Header, input: string, signature: string) {
  const { flaws, carrier, key, pair } = state;
  const given = Buffer.from(signature, 'base64url');
  const isMacBy = (secret: string | Buffer) => {
    const right = createHmac('sha256', secret).update(input).digest();
    return given.length === right.length && timingSafeEqual(given, right);
  };
  const isSignedBy = (jwk: JsonWebKey | undefined) => {
    if (jwk === undefined) return false;
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
    const options = { key: publicKey, dsaEncoding: 'ieee-p1363' as const };
    return verify('sha256', Buffer.from(input), options, given);
  };
  if (flaws.has('jwt-unverified')) return true;
  if (flaws.has('jwt-none') && header.alg.toLowerCase() === 'none') return true;
  if (flaws.has('jwt-empty-key') && isMacBy('')) return true;
  if (flaws.has('jwt-file-key') && header.kid?.endsWith('/dev/null') && isMacBy('')) return true;
  if (flaws.has('jwt-embedded-key') && isSignedBy(header.jwk)) return true;
  if (flaws.has('jwt-remote-key') && header.jku !== undefined) {
    const { keys } = JSON.parse((await fetchText(header.jku)) ?? '{"keys": []}');
    if (isSignedBy(keys[0])) return true;
  }
  const pem = pair.publicKey.export({ type: 'spki', format: 'pem' });
  if (flaws.has('jwt-key-confusion') && header.alg === 'HS256' && isMacBy(pem)) return true;
  if (carrier === 'token') return header.alg === 'HS256' && isMacBy(key);
  return header.alg === 'ES256' && isSignedBy(pair.publicKey.export({ format: 'jwk' }));
}

function mac(key: string, input: string): Buffer {
  return createHmac('sha256', key).update(input).digest();
}

function own({ notes }: State, person: Person, id: number): Note | null {
  const note = notes.get(id);
  return note?.owner === person.id ? note : null;
}

/** What a statement with the id in its text finds: the condition behind it counts. */
function selectNote(state: State, id: string, person: Person): Note | 'broken' | null {
  const injected = /^(\d+)(?:'? AND '?(\d)'?='?(\d)(?:-- )?)?$/.exec(id);
  if (!state.flaws.has('sql-condition')) return own(state, person, Number(id));
  if (id.includes("'") && injected === null) return 'broken';
  const holds = injected?.[2] === injected?.[3];
  return holds ? own(state, person, Number(injected?.[1])) : null;
}

function mayFetch({ flaws }: State, address: string): boolean {
  if (flaws.has('ssrf') || flaws.has('ssrf-blind')) return true;
  return flaws.has('ssrf-spelling') && !/\/\/(127\.0\.0\.1|localhost)/.test(address);
}

async function fetchText(address: string): Promise<string | null> {
  try {
    return await (await fetch(address)).text();
  } catch {
    return null;
  }
}

async function readBody(
  { flaws }: State,
  request: IncomingMessage,
): Promise<Readonly<Record<string, string>> | null> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return {};
  const type = (request.headers['content-type'] ?? '').split(';')[0] ?? '';
  const isSignIn = request.url === '/login' && flaws.has('cross-site-sign-in');
  const takesForms =
    (flaws.has('double-submit') && request.url !== '/login') ||
    flaws.has('cross-site-form') ||
    flaws.has('cross-site-prefix') ||
    isSignIn;
  if (type === 'application/x-www-form-urlencoded' && takesForms) {
    return Object.fromEntries(new URLSearchParams(text));
  }
  const isRead =
    type === 'application/json' ||
    (type === 'text/plain' && flaws.has('cross-site-text')) ||
    (type === '' && flaws.has('cross-site-untyped'));
  if (!isRead) return null;
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch {
    return null;
  }
}

/** The origin check; the flaws of cross-site requests leave it out, or compare carelessly. */
function isFromElsewhere({ flaws }: State, request: IncomingMessage, url: URL): boolean {
  const origin = request.headers.origin;
  const host = request.headers.host ?? '';
  const isOpen = ['cross-site-form', 'cross-site-text', 'cross-site-untyped'].some((flaw) =>
    flaws.has(flaw as Flaw),
  );
  if (flaws.has('double-submit')) return false;
  if (isOpen || (flaws.has('cross-site-sign-in') && url.pathname === '/login')) return false;
  if (flaws.has('cross-site-prefix')) {
    return origin !== undefined && !origin.startsWith(`http://${host}`);
  }
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin';
  return origin !== undefined && origin !== `http://${host}`;
}

/** The cookie of another site's request is there, but nobody there can read it to repeat it. */
function lacksCopiedToken(
  state: State,
  request: IncomingMessage,
  body: Readonly<Record<string, string>>,
): boolean {
  const session = sessionOf(request);
  if (!state.flaws.has('double-submit') || session === '') return false;
  const given = request.headers['x-csrftoken'] ?? body['csrfmiddlewaretoken'];
  return given !== copiedToken(state, session);
}

function copiedToken({ key }: State, session: string): string {
  return mac(key, session).toString('hex');
}

function allowOrigins({ flaws }: State, request: IncomingMessage, response: ServerResponse): void {
  const origin = request.headers.origin ?? '';
  const host = request.headers.host ?? '';
  const isAllowed =
    flaws.has('cors-reflected') ||
    flaws.has('open-cors') ||
    (flaws.has('cors-null') && origin === 'null') ||
    (flaws.has('cors-suffix') && origin.endsWith(host.split(':')[0] ?? ''));
  if (origin === '' || !isAllowed) return;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-allow-credentials', 'true');
}

function send(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(document === null ? undefined : JSON.stringify(document));
}
