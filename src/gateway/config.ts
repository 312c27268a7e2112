import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { type PermissionRegistry, registerPermissions } from '../core/permissions.ts';
import { StartError } from '../server/data-folder.ts';
import { isLoopback } from '../server/config.ts';
import { overlap, parseTemplate, type Template, widestTemplate } from './template.ts';

export const CONFIG_FILE = 'sallyport-gateway.yaml';

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

const permission = z.string().min(1).max(100);
const stepUp = z.strictObject({
  withinSeconds: z.int().min(1).max(86_400),
  aal: z.union([z.literal(1), z.literal(2)]).optional(),
});
const access = z.union([
  z.enum(['public', 'signed-in', 'nobody']),
  z.strictObject({ permission, stepUp: stepUp.optional() }),
  z.strictObject({
    team: z.strictObject({ parameter: z.string().min(1), permission }),
    stepUp: stepUp.optional(),
  }),
  z.strictObject({ stepUp }),
]);

/** Bytes, as a number or as `64 KiB`, `10 MiB`, `2 GiB`. */
const bytes = z.union([
  z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  z
    .string()
    .regex(/^\d{1,6} (?:KiB|MiB|GiB)$/)
    .transform((text) => {
      const [count = '', unit = ''] = text.split(' ');
      return Number(count) * 1024 ** (['KiB', 'MiB', 'GiB'].indexOf(unit) + 1);
    }),
]);

const route = z.strictObject({
  method: z.enum(METHODS),
  path: z.string().min(1).max(1000),
  access,
  /** The one kind of body; `any` takes a token in the header alone, as `json` does. */
  body: z.enum(['json', 'form', 'any']).optional(),
  bodyLimit: bytes.default(1_048_576),
  timeoutSeconds: z.number().min(0.1).max(3600).default(30),
  stream: z.boolean().default(false),
  websocket: z.boolean().default(false),
  setCookie: z.boolean().default(false),
});

const origin = z
  .string()
  .refine(isOrigin, { message: 'scheme, host and port, and no path: http://127.0.0.1:8000' })
  .transform((text) => new URL(text).origin);

function isOrigin(text: string): boolean {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false;
  const { href, username, password } = new URL(text);
  return username + password === '' && href === `${text.replace(/\/$/, '')}/`;
}

const file = z.strictObject({
  upstream: origin.optional(),
  insecureUpstream: z.boolean().default(false),
  audience: z.string().min(1).max(255).optional(),
  prefix: z
    .string()
    .regex(/^(\/[\w.~-]+)+$/)
    .default('/sallyport'),
  openapi: z.union([z.string().regex(/^\/[!-~]*$/), z.literal(false)]).default('/openapi.json'),
  assertions: z.boolean().default(true),
  databaseLogin: z
    .string()
    .regex(/^[\w-]{1,63}$/)
    .optional(),
  connections: z.int().min(1).max(10_000).default(100),
  health: z
    .strictObject({
      path: z.string().regex(/^\/[!-~]*$/),
      everySeconds: z.number().min(0.1).max(3600).default(5),
      timeoutSeconds: z.number().min(0.1).max(60).default(2),
    })
    .optional(),
  operatorPort: z.union([z.int().min(0).max(65_535), z.literal(false)]).default(9464),
  accessLog: z.boolean().default(true),
  drainSeconds: z.number().min(0).max(3600).default(10),
  permissions: z
    .record(
      z.string(),
      z.strictObject({
        text: z.union([z.string(), z.strictObject({ en: z.string(), de: z.string() })]),
        roles: z.array(z.enum(['owner', 'admin', 'member', 'viewer'])).optional(),
        teamRoles: z.array(z.enum(['lead', 'member'])).optional(),
      }),
    )
    .default({}),
  routes: z.array(route).max(10_000),
});

type WrittenRoute = Readonly<z.output<typeof route>>;

/** What the gateway lets through, and on which terms. */
export interface GatewayRoute extends WrittenRoute {
  readonly access: Exclude<WrittenRoute['access'], 'nobody'>;
  readonly template: Template;
}

export interface GatewayConfig extends Readonly<
  Omit<z.output<typeof file>, 'upstream' | 'audience' | 'routes' | 'permissions'>
> {
  readonly upstream: string;
  readonly audience: string;
  readonly routes: readonly GatewayRoute[];
  /** What the file lists, including what nobody gets: `GET /invoices/{}`. */
  readonly listed: ReadonlySet<string>;
  readonly permissions: PermissionRegistry;
}

/**
 * Reads the file that says what the gateway lets through. An upstream on the command line goes
 * before the file's. @throws StartError with a line for each thing that is wrong.
 */
export function readGatewayFile(path: string, upstream: string | undefined): GatewayConfig {
  if (!existsSync(path)) {
    const address = upstream ?? 'URL';
    throw new StartError(
      `There is no ${path}: write one with \`sallyport gateway init --upstream ${address}\`.`,
    );
  }
  return parseGatewayFile(readFileSync(path, 'utf8'), path, upstream);
}

/** The same from its text. @throws StartError */
export function parseGatewayFile(
  text: string,
  name: string,
  upstreamOption?: string,
): GatewayConfig {
  let document: unknown;
  try {
    document = parse(text, { logLevel: 'silent' });
  } catch (error) {
    throw new StartError(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const read = file.safeParse(document);
  if (!read.success) {
    const lines = read.error.issues.map(
      (issue) => `${name}: ${issue.path.join('.') || 'the file'}: ${issue.message}`,
    );
    throw new StartError(lines.join('\n'));
  }
  const problems: string[] = [];
  const upstream = readUpstream(upstreamOption ?? read.data.upstream, problems);
  if (isInTheClear(upstream) && !read.data.insecureUpstream) {
    problems.push(
      'upstream: http carries bodies and assertions across the network for anybody to read: use https, or say insecureUpstream: true.',
    );
  }
  const routes = readRoutes(read.data.routes, read.data.prefix, problems);
  const registered = registerPermissions(read.data.permissions as never);
  if ('problems' in registered) problems.push(...registered.problems);
  if (read.data.databaseLogin !== undefined && !read.data.assertions) {
    problems.push('databaseLogin: the proof for it is in the assertion, and assertions is false.');
  }
  if (problems.length > 0 || 'problems' in registered) {
    throw new StartError(problems.map((problem) => `${name}: ${problem}`).join('\n'));
  }
  return {
    ...read.data,
    upstream,
    audience: read.data.audience ?? upstream,
    routes,
    listed: new Set(read.data.routes.map(({ method, path }) => operationName(method, path))),
    permissions: registered.registry,
  };
}

/**
 * An operation by what tells it from others: the names of its parameters do not, nor whether the
 * last one takes several segments, which OpenAPI has no way to say.
 */
export function operationName(method: string, path: string): string {
  return `${method} ${path.replace(/\/\*$/, '/{}').replaceAll(/\{[^}]*\}/g, '{}')}`;
}

/** The origin of an upstream. @throws StartError */
export function parseUpstream(text: string): string {
  const problems: string[] = [];
  const upstream = readUpstream(text, problems);
  if (problems.length > 0) throw new StartError(problems.join('\n'));
  return upstream;
}

function readUpstream(text: string | undefined, problems: string[]): string {
  const read = origin.safeParse(text);
  if (read.success) return read.data;
  problems.push('upstream: scheme, host and port of the API, such as http://127.0.0.1:8000.');
  return '';
}

/** Whether somebody between the two can read along (CWE-319, ASVS 12.3.3). */
function isInTheClear(upstream: string): boolean {
  return upstream.startsWith('http:') && !isLoopback(new URL(upstream).hostname);
}

function readRoutes(
  written: readonly WrittenRoute[],
  prefix: string,
  problems: string[],
): readonly GatewayRoute[] {
  const routes = written.flatMap((each): readonly GatewayRoute[] => {
    if (each.access === 'nobody') return [];
    const parsed = parseTemplate(each.path);
    const complain = (problem: string) => problems.push(`${each.method} ${each.path}: ${problem}.`);
    if ('problem' in parsed) {
      complain(parsed.problem);
      return [];
    }
    if (each.path === prefix || each.path.startsWith(`${prefix}/`)) {
      complain(`${prefix} is where the account's pages are: take another prefix`);
    }
    for (const problem of contradictionsOf(each)) complain(problem);
    return [{ ...each, access: each.access, template: parsed.template }];
  });
  const withheld = written.filter(({ access: who }) => who === 'nobody');
  for (const [index, one] of routes.entries()) {
    for (const { method, path } of withheld) {
      if (one.method === method && overlap(one.template, widestTemplate(path))) {
        problems.push(
          `${method} ${path} is for nobody, and ${one.path} takes it: give the parameter a type, such as {id:uuid} or {id:int}, or list what ${one.path} is to take.`,
        );
      }
    }
    for (const other of routes.slice(index + 1)) {
      if (
        one.method === other.method &&
        overlap(one.template, other.template) &&
        differ(one, other)
      ) {
        problems.push(
          `${one.method} ${one.path} and ${other.path} overlap, and the upstream may not choose as we do: give the parameter a type, such as {id:uuid} or {id:int}, or say the same of both.`,
        );
      }
    }
  }
  return routes;
}

/**
 * Two routes that take one path are no matter where everything else that they say is the same. Of a
 * team it is another segment that names it.
 */
function differ(one: GatewayRoute, other: GatewayRoute): boolean {
  const saidOf = (each: GatewayRoute) => JSON.stringify({ ...each, path: '', template: null });
  const inTeam = typeof one.access === 'object' && 'team' in one.access;
  return inTeam || samePlaces(one, other) || saidOf(one) !== saidOf(other);
}

/** The router cannot tell `/notes/{id}` from `/notes/{name}`, nor need anybody else. */
function samePlaces({ template: a }: GatewayRoute, { template: b }: GatewayRoute): boolean {
  const kinds = (template: Template) =>
    template.segments.map((segment) => Object.keys(segment)[0]).join();
  return kinds(a) === kinds(b);
}

function contradictionsOf(each: WrittenRoute): readonly string[] {
  const { method, body, stream, websocket, access: who } = each;
  const changes = !['GET', 'HEAD', 'OPTIONS'].includes(method);
  const team = typeof who === 'object' && 'team' in who ? who.team : undefined;
  return [
    ...(changes && body === undefined
      ? ['it may change something: add body: json, form or any']
      : []),
    ...(!changes && body !== undefined ? [`${method} has no body`] : []),
    ...(websocket && method !== 'GET' ? ['a WebSocket begins with GET'] : []),
    ...(stream && body === 'form' ? ['a form is read for its token, so it is not streamed'] : []),
    ...(team && !each.path.split('/').some((part) => part.startsWith(`{${team.parameter}`))
      ? [`it asks for a team as {${team.parameter}}, which its path has not`]
      : []),
  ];
}
