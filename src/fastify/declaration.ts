import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyPluginOptions,
  FastifyRequest,
  RouteOptions,
} from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import type { Compilable, Kysely } from 'kysely';
import type { Statement, StatementResult } from '../db/batch.ts';
import type { Role } from '../db/database.ts';
import type { BodyType } from '../http/content-type.ts';
import { isSafeMethod } from '../http/request-head.ts';
import { noteRoute } from './access-table.ts';
import { guardHandler } from './guarded-handler.ts';
import { permissionsOf } from './permissions.ts';
import { keepPrivate } from './private-answer.ts';
import type { ApplicationTables, Permission } from './register.ts';

/**
 * Who may call a route. Every route declares it or is refused at registration, so the table of
 * routes is the authorization document (ASVS 8.1.1, 8.2.1; CWE-306, CWE-862).
 */
export type Access =
  | 'public'
  | 'signed-in'
  | {
      readonly permission?: Permission;
      /**
       * A permission in one team of the tenant, whose slug is a parameter of the route's address:
       * met by a role in the tenant that has it, or by a role in this team that does. A missing, a
       * foreign and a forbidden team are answered alike, with 404.
       */
      readonly team?: { readonly parameter: string; readonly permission: Permission };
      /**
       * How long ago the person may have proved who they are, and with what assurance at least
       * (ASVS 7.5.1, 8.2.4). Whoever has a second factor must show it in any case; `aal: 2` also
       * refuses those who have none (NIST SP 800-63B-4 section 2).
       */
      readonly stepUp?: { readonly withinSeconds: number; readonly aal?: 1 | 2 };
    };

/**
 * The queries of a `load` route by name. A statement as text is for the product's own routes alone.
 */
export type Queries = Readonly<Record<string, Compilable | Statement>>;

/** What each query of a `load` route has found. */
export type Loaded<Q extends Queries> = {
  readonly [Name in keyof Q]: Q[Name] extends Compilable<infer Row>
    ? readonly Row[]
    : StatementResult;
};

/** Builds the queries; they run in the same flush as the authorization. */
export type Load<Request = FastifyRequest, Q extends Queries = Queries> = (
  db: Kysely<ApplicationTables>,
  request: Request,
) => Q;

/**
 * The types that a body may have. `any` is for what is handed on, such as uploads: its token comes
 * in the header, as that of `json` does, which no form can send.
 */
export type RouteBody = BodyType | 'any';

/** A path of our own; a function may find no body, where the request was refused before that. */
type ReturnTo = string | ((request: FastifyRequest) => string);

declare module 'fastify' {
  interface RouteShorthandOptions {
    /** Who may call the route. */
    access?: Access;
    /**
     * Queries that run in one flush with the authorization, after the body was checked; the handler
     * finds their results in `request.loaded` and does not run where the request was refused. On an
     * unsafe method they may write.
     */
    load?: Load;
    /** The one type that the route's body may have, and with it the one place of its token. */
    bodyType?: RouteBody;
    /** Hands the request on to another server: its Idempotency-Key is for that one. */
    forwards?: true;
    /** Takes WebSocket handshakes, where requests are handed on; elsewhere they are plugins'. */
    tunnels?: true;
    /** False where a bearer credential, such as an API key, is not taken; see takesBearer. */
    bearer?: false;
    /** Answered under any Host: for probes, which know only an address. */
    anyHost?: true;
    /**
     * Not on the host of one tenant: for what chooses among tenants, and for passkeys, which are
     * the main origin's.
     */
    mainOriginOnly?: true;
    /** Answers a person in HTML, refusals too. */
    page?: true;
    /** The page on which a form stands whose own address has none, perhaps filled in as it was. */
    returnTo?: ReturnTo;
    /** The database role of `load`; for the product's own routes alone. */
    role?: Role;
    /** The login of an application that the request goes on to, for its transaction proof. */
    databaseLogin?: string;
  }
  interface FastifyContextConfig {
    access?: Access;
    load?: Load | undefined;
    role?: Role | undefined;
    databaseLogin?: string | undefined;
    bodyType?: RouteBody | undefined;
    forwards?: true | undefined;
    tunnels?: true | undefined;
    bearer?: false | undefined;
    anyHost?: true | undefined;
    mainOriginOnly?: true | undefined;
    page?: true | undefined;
    returnTo?: ReturnTo | undefined;
    /** A route of the account's own, which may know its address and name. */
    account?: boolean;
    /** All of this as one: what the gate lets a request through to. */
    declared?: object;
  }
  interface FastifyRequest {
    /** What `load` has found, by name; typed in the route's own handler. */
    loaded: Readonly<Record<string, unknown>>;
  }
}

/** Keys of an instance: what the routes that are registered on it have in common. */
const ACCOUNT = Symbol('sallyport.account');
const DECLARED = Symbol('sallyport.declared');

/** Marks an instance, and all inside of it, as the account's own: its routes may do more. */
export function markAccount(instance: FastifyInstance): void {
  Object.assign(instance, { [ACCOUNT]: true });
}

/** What routes of somebody else's plugin may be said to declare. */
export interface Declaration {
  readonly access: Access;
  readonly bodyType?: RouteBody;
}

/**
 * Lets somebody else's plugin, whose routes know nothing of `access`, register them: each declares
 * what is said here. The plugin gets a scope of its own, so it is the routes of no other.
 */
export function declareRoutes<Options extends FastifyPluginOptions>(
  declaration: Declaration,
  plugin: (
    scope: FastifyInstance,
    options: Options,
    done: (error?: Error) => void,
  ) => void | Promise<void>,
): FastifyPluginAsync<Options> {
  const declaring: FastifyPluginAsync<Options> = async (app, options) => {
    await app.register(async (scope) => {
      Object.assign(scope, { [DECLARED]: declaration });
      await scope.register(plugin as FastifyPluginAsync<Options>, options as never);
    });
  };
  // Not encapsulated itself, so that a prefix among the options is put before the routes once.
  return fastifyPlugin(declaring);
}

/**
 * Refuses a route that does not say who may call it, or whose body could arrive in two types, and
 * keeps what it declares on the route itself, where every hook finds it. Its handler refuses to run
 * for a request that the gate has not let through, however it came there.
 * @throws Error at registration, so the process does not start.
 */
export function requireDeclaration(this: FastifyInstance, route: RouteOptions): void {
  const name = `${String(route.method)} ${route.url}`;
  const account = Reflect.get(this, ACCOUNT) === true;
  const declared = Reflect.get(this, DECLARED) as Declaration | undefined;
  const { load, role, bearer, anyHost, mainOriginOnly, page, returnTo } = route;
  const { forwards, tunnels, databaseLogin } = route;
  const access = route.access ?? declared?.access;
  const bodyType = route.bodyType ?? declared?.bodyType;
  if (access === undefined) {
    throw new Error(
      `${name} declares no access: add access: 'public', 'signed-in' or a permission`,
    );
  }
  if (!isAccess(access)) {
    throw new Error(
      `${name} declares an access that there is not: write 'public', 'signed-in', { permission: '...' }, { team: { parameter: 'team', permission: '...' } } or { stepUp: { withinSeconds: 300 } }`,
    );
  }
  refuseUnknownPermission(this, name, access);
  refuseUnknownParameter(name, route.url, access);
  const methods = Array.isArray(route.method) ? route.method : [route.method];
  if (!methods.every(isSafeMethod) && bodyType === undefined) {
    throw new Error(`${name} may change something but declares no bodyType: add 'json' or 'form'`);
  }
  if (load && access === 'public') {
    throw new Error(`${name} is public, so it has nobody to load for: take load or 'public' away`);
  }
  if (role && !account) throw new Error(`${name} asks for a database role, which is not for it`);
  const hosts = { anyHost, mainOriginOnly };
  const handedOn = { forwards, tunnels, databaseLogin };
  const who = { access, load, role, bodyType, bearer, page, returnTo, account };
  const declaration = { ...who, ...hosts, ...handedOn };
  route.config = { ...route.config, ...declaration, declared: declaration };
  route.handler = guardHandler(name, declaration, route.handler);
  if (access !== 'public') route.onSend = [route.onSend ?? [], keepPrivate].flat();
  noteRoute(this, methods, route.url, declaration);
}

/** Nobody could ever have it, or, worse, somebody whose role was given the same wrong name. */
function refuseUnknownPermission(app: FastifyInstance, name: string, access: Access): void {
  if (typeof access === 'string') return;
  const asked = access.team?.permission ?? access.permission;
  const known = permissionsOf(app);
  if (asked === undefined || known.has(asked)) return;
  throw new Error(
    `${name} asks for the permission '${asked}', which nobody declares: write one of ${[...known.keys()].join(', ')}, or add it to the option permissions`,
  );
}

/** A team that no request names would be nobody's. */
function refuseUnknownParameter(name: string, url: string, access: Access): void {
  const team = typeof access === 'string' ? undefined : access.team;
  if (!team || url.split('/').includes(`:${team.parameter}`)) return;
  throw new Error(`${name} asks for a team as :${team.parameter}, which its address has not`);
}

/** A misspelt condition, which the compiler does not see in JavaScript, would be none. */
function isAccess(access: Access): boolean {
  if (typeof access === 'string') return access === 'public' || access === 'signed-in';
  const { permission, team, stepUp, ...rest } = access;
  if (Object.keys(rest).length > 0) return false;
  // One of the two decides: both would leave open whether the second is one more or instead.
  if (permission !== undefined && team !== undefined) return false;
  if (permission === undefined && team === undefined && stepUp === undefined) return false;
  if (permission !== undefined && !isName(permission)) return false;
  if (team !== undefined && !(isName(team.permission) && isName(team.parameter))) return false;
  if (stepUp === undefined) return true;
  const { withinSeconds, aal = 1, ...others } = stepUp;
  if (Object.keys(others).length > 0 || ![1, 2].includes(aal)) return false;
  return Number.isInteger(withinSeconds) && withinSeconds > 0;
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
