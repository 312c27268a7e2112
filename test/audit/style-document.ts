// What a target of a style says of itself, at the place where its framework would put it.
import { stringify } from 'yaml';
import type { TwinAnswer, TwinRoutes } from '../support/twin.ts';
import { signInPath, type Style } from './style-target.ts';

const TEXT = { type: 'string' };

export function styleDocument(style: Style): TwinRoutes {
  const document = style.document === '2.0' ? swagger(style) : openApi(style);
  const places = {
    '2.0': '/swagger.json',
    yaml: '/openapi.yaml',
    'base-path': '/v3/api-docs',
  } as const;
  const place = places[style.document as keyof typeof places] ?? '/openapi.json';
  const answer = (): TwinAnswer =>
    style.document === 'yaml'
      ? { status: 200, body: stringify(document), headers: { 'content-type': 'application/yaml' } }
      : { status: 200, body: document };
  return { [`GET ${place}`]: answer };
}

interface Described {
  readonly method: string;
  readonly path: string;
  readonly body: object | null;
  readonly isForm: boolean;
  readonly isOpen: boolean;
}

function described(style: Style): readonly Described[] {
  const open = { isForm: false, isOpen: true };
  const closed = { isForm: false, isOpen: false, body: null };
  const under = style.tenantInPath ? '/orgs/{org}' : '';
  const one = `${under}/notes/${style.ids === 'composite' ? '{part}/{key}' : '{key}'}`;
  const note = noteBody(style);
  return [
    {
      ...open,
      method: 'post',
      path: signInPath(style),
      body: signInBody(style),
      isForm: style.signIn === 'oauth2',
    },
    { ...closed, method: 'get', path: '/me' },
    { ...closed, method: 'post', path: '/logout' },
    { ...closed, method: 'get', path: `${under}/notes` },
    { ...closed, method: 'post', path: `${under}/notes`, body: note },
    { ...closed, method: 'get', path: one },
    {
      ...closed,
      method: style.change.toLowerCase(),
      path: one,
      body: style.document === 'generated' ? null : note,
    },
    { ...closed, method: 'delete', path: one },
  ];
}

function object(properties: Readonly<Record<string, object>>): object {
  return { type: 'object', properties, required: Object.keys(properties) };
}

function signInBody({ signIn }: Style): object {
  if (signIn === 'nested') return object({ user: object({ email: TEXT, password: TEXT }) });
  if (signIn === 'json-api') return object({ email: TEXT, password: TEXT });
  if (signIn === 'strategy') {
    const properties = { strategy: TEXT, email: TEXT, username: TEXT, password: TEXT, otp: TEXT };
    return { type: 'object', properties };
  }
  if (signIn !== 'oauth2') return object({ username: TEXT, password: TEXT });
  return {
    type: 'object',
    properties: {
      grant_type: { anyOf: [{ type: 'string', pattern: '^password$' }, { type: 'null' }] },
      username: TEXT,
      password: { type: 'string', format: 'password' },
      scope: { type: 'string', default: '' },
      client_id: { anyOf: [TEXT, { type: 'null' }] },
    },
    required: ['username', 'password'],
  };
}

function noteBody(style: Style): object {
  if (style.document === 'wrong-schemas') {
    return object({ heading: { type: 'integer' }, pages: { type: 'array' } });
  }
  if (style.lists === 'json-api') {
    return object({
      data: object({ type: { enum: ['notes'] }, attributes: object({ title: TEXT }) }),
    });
  }
  if (style.document === 'owner-in-body') return object({ title: TEXT, owner: TEXT });
  if (style.document === 'generated') {
    return { type: 'object', properties: { title: { example: 'any' } } };
  }
  if (style.document === 'whole-objects') {
    const properties = { id: TEXT, title: TEXT, created_at: TEXT };
    const note = { type: 'object', properties };
    return { oneOf: [{ type: 'array', items: note }, note] };
  }
  return object({ title: TEXT });
}

function parametersOf(style: Style, path: string, isSwagger: boolean): readonly object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => {
    const type = name === 'key' && style.ids === 'integer' ? 'integer' : 'string';
    return { name, in: 'path', required: true, ...(isSwagger ? { type } : { schema: { type } }) };
  });
}

function openApi(style: Style): object {
  const isUnsaid = ['without-schemes', 'generated'].includes(style.document);
  const schemes = {
    cookie: { type: 'apiKey', in: 'cookie', name: 'sid' },
    'api-key': { type: 'apiKey', in: 'header', name: 'X-Session-Key' },
    oauth2: { type: 'oauth2', flows: { password: { tokenUrl: 'auth/jwt/login', scopes: {} } } },
  } as const;
  const scheme = schemes[style.signIn as keyof typeof schemes] ?? {
    type: 'http',
    scheme: 'bearer',
  };
  const isBased = style.document === 'base-path' || style.document === 'absolute-server';
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path, body, isForm, isOpen } of described(style)) {
    const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
    const at = `${isBased ? '' : style.prefix}${path}`;
    const operation = {
      ...(isOpen || isUnsaid ? {} : { security: [{ account: [] }] }),
      parameters: parametersOf(style, path, false),
      ...(body === null
        ? {}
        : { requestBody: { required: true, content: { [type]: { schema: body } } } }),
      responses: { 200: { description: 'OK' } },
    };
    paths[at] = { ...paths[at], [method]: operation };
  }
  const server = style.document === 'absolute-server' ? 'https://api.example.com' : '';
  return {
    openapi: style.document === '3.0' ? '3.0.3' : '3.1.0',
    info: { title: 'Notes', version: '1' },
    ...(isBased ? { servers: [{ url: `${server}${style.prefix}` }] } : {}),
    ...(isUnsaid ? {} : { components: { securitySchemes: { account: scheme } } }),
    paths,
  };
}

function swagger(style: Style): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path, body, isOpen } of described(style)) {
    const inBody =
      body === null ? [] : [{ in: 'body', name: 'body', required: true, schema: body }];
    const operation = {
      ...(isOpen ? {} : { security: [{ account: [] }] }),
      parameters: [...parametersOf(style, path, true), ...inBody],
      responses: { 200: { description: 'OK' } },
    };
    paths[path] = { ...paths[path], [method]: operation };
  }
  return {
    swagger: '2.0',
    info: { title: 'Notes', version: '1' },
    basePath: style.prefix,
    consumes: ['application/json'],
    securityDefinitions: { account: { type: 'apiKey', in: 'header', name: 'Authorization' } },
    paths,
  };
}
