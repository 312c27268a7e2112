import { type Credential, NO_CREDENTIAL } from './actor.ts';
import type { Call, Selector } from './call.ts';
import { isDangerous } from './dangers.ts';
import { onHost } from './discovery.ts';
import type { Answer } from './exchange.ts';
import { type Json, leavesOf } from './json.ts';
import type { Operation, Parameter, Schema } from './operation.ts';
import { attributesOf, type Form, formsOf } from './page.ts';
import type { Probe } from './probe.ts';
import type { SignInWay } from './sign-in.ts';
import { isNameField, isPasswordField, singular, snake, wordsOf } from './words.ts';

/** What pages lead to, where there is no document. */
export interface Crawled {
  readonly operations: readonly Operation[];
  /** Forms with a name and one password. */
  readonly signIns: readonly SignInWay[];
  readonly pages: number;
}

const PAGES_MAX = 60;

/** Places where an API without a document or a page often begins. */
const STARTS = [
  '/',
  '/api',
  '/api/',
  '/api/v1',
  '/login',
  '/signin',
  '/sign-in',
  '/accounts/login/',
  '/users/sign_in',
];

/** Links that nobody follows to look around. */
const NOT_FOLLOWED = /\b(log ?out|sign ?out|delete|remove|destroy|reset|unsubscribe|confirm)\b/;

/**
 * Follows links and reads forms, JSON and scripts of the target's own host, as whoever the
 * credential is of. What no page leads to is not found: the report says that there was no document.
 */
export async function crawl(
  probe: Probe,
  basePath: string,
  credential: Credential = NO_CREDENTIAL,
  as = 'anonymous',
): Promise<Crawled> {
  const operations = new Map<string, Operation>();
  const signIns = new Map<string, SignInWay>();
  const open = [...new Set([basePath, ...STARTS])];
  const seen = new Set<string>();
  const templates = new Map<string, number>();
  for (let path = open.shift(); path !== undefined && seen.size < PAGES_MAX; path = open.shift()) {
    const { operation } = templateOf(path);
    const visits = templates.get(operation.id) ?? 0;
    // Two pages of a kind show what there is; the thousandth product shows nothing new.
    if (seen.has(path) || visits >= 2 || !isFollowed(operation)) continue;
    seen.add(path);
    templates.set(operation.id, visits + 1);
    const { answer } = await probe.send(
      { method: 'GET', path, headers: headersOf(credential), body: null },
      as,
    );
    if (answer === null || answer.status === 404 || answer.status >= 500) continue;
    if (answer.status < 300)
      operations.set(operation.id, operations.get(operation.id) ?? operation);
    open.push(...linksOf(probe, path, answer));
    for (const form of formsOf(answer.text)) {
      const found = operationOf(probe, path, form);
      if (found === null) continue;
      const way = signInOf(found, form, path);
      if (way !== null) signIns.set(found.id, signIns.get(found.id) ?? way);
      operations.set(found.id, operations.get(found.id) ?? found);
    }
  }
  return { operations: [...operations.values()], signIns: [...signIns.values()], pages: seen.size };
}

function headersOf({ headers, cookies }: Credential): Record<string, string> {
  const pairs = Object.entries(cookies).map(([name, value]) => `${name}=${value}`);
  return {
    accept: 'text/html, application/json;q=0.9, */*;q=0.5',
    ...headers,
    ...(pairs.length === 0 ? {} : { cookie: pairs.join('; ') }),
  };
}

function isFollowed(operation: Operation): boolean {
  return !isDangerous(operation) && !NOT_FOLLOWED.test(wordsOf(operation.path).join(' '));
}

function linksOf(probe: Probe, page: string, answer: Answer): readonly string[] {
  const location = answer.headers['location'];
  const inPage = [
    ...attributesOf(answer.text, 'a', 'href'),
    ...attributesOf(answer.text, 'link', 'href').filter(
      (href) => !/\.(css|ico|png|svg|woff2?)/.test(href),
    ),
    // What scripts ask for: `fetch("/api/orders")`.
    ...[...answer.text.matchAll(/["'`](\/(?:api|rest|v\d+)\/[\w/.-]+)["'`]/g)].map(
      ([, path = '']) => path,
    ),
    ...attributesOf(answer.text, 'script', 'src').filter((src) => !/^https?:|\.min\./.test(src)),
  ];
  const inJson = leavesOf(answer.json)
    .map(({ value }) => value)
    .filter(
      (value): value is string => typeof value === 'string' && /^(\/|https?:\/\/)/.test(value),
    );
  return [...(location === undefined ? [] : [location]), ...inPage, ...inJson]
    .map((link) => onHost(probe, link, page))
    .filter((path): path is string => path !== null)
    .map((path) => path.split('#')[0] ?? path);
}

const ID = /^(\d+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{24}|[0-9a-f]{32})$/i;

/** `/orders/12?page=2` is GET /orders/{order_id} with `page`; the values are its examples. */
function templateOf(address: string): { readonly operation: Operation } {
  const [path = '/', query = ''] = address.split('?');
  const parameters: Parameter[] = [];
  let noun = 'item';
  const segments = path.split('/').map((segment) => {
    if (!ID.test(segment)) {
      if (segment !== '') noun = singular(snake(segment));
      return segment;
    }
    const name = parameters.some((one) => one.name === `${noun}_id`)
      ? `${noun}_id_${parameters.length}`
      : `${noun}_id`;
    parameters.push({ name, in: 'path', required: true, schema: {}, example: segment });
    return `{${name}}`;
  });
  for (const [name, value] of new URLSearchParams(query)) {
    parameters.push({ name, in: 'query', required: ID.test(value), schema: {}, example: value });
  }
  return { operation: bare('GET', segments.join('/'), parameters) };
}

function bare(method: string, path: string, parameters: readonly Parameter[]): Operation {
  return {
    id: `${method} ${path}`,
    method,
    path,
    name: '',
    summary: '',
    tags: [],
    parameters,
    bodies: [],
    answers: {},
    security: 'unsaid',
    schemes: [],
    pointer: null,
  };
}

function operationOf(probe: Probe, page: string, form: Form): Operation | null {
  const path = onHost(probe, form.action, page);
  if (path === null) return null;
  const { operation } = templateOf(path);
  const fields = form.fields.filter(({ type }) => type !== 'file');
  if (form.method !== 'POST') {
    const inQuery = fields.map(({ name, value, required }): Parameter => ({
      name,
      in: 'query',
      required,
      schema: { type: 'string' },
      example: value,
    }));
    return bare('GET', operation.path, [...operation.parameters, ...inQuery]);
  }
  // Rails and Laravel say the method that is meant in a field.
  const schema: Schema = {
    type: 'object',
    properties: Object.fromEntries(fields.map((field) => [field.name, schemaOf(field)])),
    required: fields.map(({ name }) => name),
  };
  const body = {
    contentType: form.enctype.toLowerCase(),
    required: true,
    schema,
    example: undefined,
  };
  return { ...bare('POST', operation.path, operation.parameters), bodies: [body] };
}

function schemaOf({ type, value, choices }: Form['fields'][number]): Schema {
  if (choices.length > 0) return { type: 'string', enum: choices };
  if (type === 'hidden') return { type: 'string', const: value };
  if (type === 'checkbox') return { type: 'string', enum: [value === '' ? 'on' : value] };
  const format = {
    email: 'email',
    url: 'uri',
    date: 'date',
    'datetime-local': 'date-time',
    time: 'time',
  }[type];
  if (format !== undefined) return { type: 'string', format };
  return type === 'number' || type === 'range' ? { type: 'number' } : { type: 'string' };
}

function signInOf(operation: Operation, form: Form, page: string): SignInWay | null {
  const passwords = form.fields.filter(
    ({ type, name }) => type === 'password' || isPasswordField(name),
  );
  const [password] = passwords;
  const name = form.fields.find(
    (field) =>
      field.type !== 'hidden' &&
      field !== password &&
      (isNameField(lastName(field.name)) || field.type === 'email'),
  );
  if (
    form.method !== 'POST' ||
    password === undefined ||
    passwords.length > 1 ||
    name === undefined
  )
    return null;
  const body: Json = Object.fromEntries(form.fields.map((field) => [field.name, field.value]));
  const at = (field: string): Selector => ({ in: 'body', name: field, bodyPath: [field] });
  const call: Call = {
    operation,
    path: {},
    query: {},
    headers: {},
    body,
    contentType: form.enctype.toLowerCase(),
  };
  return { call, nameAt: at(name.name), passwordAt: at(password.name), page, refusal: null };
}

/** `user[email]` is an email. */
function lastName(name: string): string {
  return name.split(/[[\]]/).findLast((part) => part !== '') ?? name;
}
