import type { FastifyInstance } from 'fastify';
import { BUILT_IN_ROLES } from '../core/permissions.ts';
import { TEAM_ROLES, type TeamRole } from '../db/team-members.ts';
import { takesBearer } from './bearer.ts';
import type { Access, RouteBody } from './declaration.ts';
import { permissionsOf } from './permissions.ts';

/** A route, and who may call it. */
export interface AccessRow {
  readonly method: string;
  readonly url: string;
  readonly access:
    | 'public'
    | 'signed-in'
    | {
        readonly permission: string;
        /** Whether a role in the team that the address names is enough. */
        readonly inTeam?: true;
      };
  /**
   * Who that is in the end: `visitor`, `signed-in`, and the built-in roles, by the permissions that
   * they have unless a tenant says otherwise; `team-lead` and `team-member` in the team alone.
   */
  readonly roles: readonly string[];
  /** How recently the person must have proved who they are; null where it does not matter. */
  readonly stepUpSeconds: number | null;
  /** The assurance that is asked even of those who have no second factor; null where none is. */
  readonly stepUpAal: 1 | 2 | null;
  /** Whether an API key or an external token may stand in for a session. */
  readonly bearer: boolean;
  /** The one type that a body may have; null where there is none. */
  readonly bodyType: RouteBody | null;
  /** Whether its queries run in one flush with the decision. */
  readonly load: boolean;
}

/** The same for every copy of this module: the command line may be another than the app's. */
const TABLE = Symbol.for('sallyport.accessTable');

/** Begins the table of an app; every part of the app finds the same one. */
export function startAccessTable(app: FastifyInstance): void {
  const rows: AccessRow[] = [];
  app.decorate(TABLE, { rows });
}

export function noteRoute(
  app: FastifyInstance,
  methods: readonly string[],
  url: string,
  declared: {
    readonly access: Access;
    readonly bodyType?: RouteBody | undefined;
    readonly load?: unknown;
    readonly account?: boolean;
    readonly page?: true | undefined;
    readonly bearer?: false | undefined;
  },
): void {
  const { access, bodyType, load } = declared;
  const { permission, team, stepUp }: Exclude<Access, string> =
    typeof access === 'string' ? {} : access;
  const asked = team
    ? { permission: team.permission, inTeam: true as const }
    : permission === undefined
      ? 'signed-in'
      : { permission };
  const who = typeof access === 'string' ? access : asked;
  const row = {
    url,
    access: who,
    roles: rolesWith(app, who),
    stepUpSeconds: stepUp?.withinSeconds ?? null,
    stepUpAal: stepUp?.aal ?? null,
    bearer: takesBearer(declared),
    bodyType: bodyType ?? null,
    load: load !== undefined,
  } as const;
  rowsOf(app).push(...methods.map((method) => ({ method, ...row })));
}

/** From who can do least to who can do most. */
export const CALLERS: readonly string[] = [
  'visitor',
  'signed-in',
  ...TEAM_ROLES.toReversed().map(callerInTeam),
  ...BUILT_IN_ROLES.toReversed(),
];

function callerInTeam(role: TeamRole): string {
  return `team-${role}`;
}

function rolesWith(app: FastifyInstance, access: AccessRow['access']): readonly string[] {
  if (access === 'public') return CALLERS;
  if (access === 'signed-in') return CALLERS.slice(1);
  const registered = permissionsOf(app).get(access.permission);
  const inTeam = access.inTeam ? (registered?.teamRoles ?? []) : [];
  const roles = [...(registered?.roles ?? []), ...inTeam.map(callerInTeam)];
  return CALLERS.filter((role) => roles.includes(role));
}

/**
 * Who may call what: every route of the app, by address. A test of the application that compares it
 * with what was agreed finds a route that somebody has opened (ASVS 8.1.1). The HEAD that Fastify
 * adds to a GET is left out: it is the same route.
 */
export function accessTable(app: FastifyInstance): readonly AccessRow[] {
  const rows = rowsOf(app);
  const withGet = new Set(rows.filter(({ method }) => method === 'GET').map(({ url }) => url));
  return rows
    .filter(({ method, url }) => method !== 'HEAD' || !withGet.has(url))
    .toSorted((a, b) => compare(a.url, b.url) || compare(a.method, b.method));
}

function rowsOf(app: FastifyInstance): AccessRow[] {
  const table = Reflect.get(app, TABLE) as { readonly rows: AccessRow[] } | undefined;
  if (!table) throw new Error('Sallyport is not registered on this app, or not yet: await it');
  return table.rows;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
