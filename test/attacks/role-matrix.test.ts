// Every route of the product, as it declares itself, for everybody who could ask: a route that is
// added is in here by itself. What is refused changes no row; what is allowed does.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUILT_IN_ROLES, OWN_REGISTRY } from '../../src/core/permissions.ts';
import { Visitor, type Answer } from '../support/client.ts';
import { changedBy, rowsWith } from '../support/rows.ts';
import { insertTestMember, insertTestTenant, type TestTenant } from '../support/tenants.ts';
import {
  bodyOf,
  isPublic,
  type Legitimate,
  legitimate,
  named,
  type RecordedServer,
  type Route,
  send,
  startRecordedServer,
} from './routes.ts';

let t: RecordedServer;

beforeAll(async () => {
  t = await startRecordedServer();
});

afterAll(async () => {
  await t.close();
});

const ORIGIN_PATHS = await routesOfTheProduct();

/** Known before the tests are, which are one a route. */
async function routesOfTheProduct(): Promise<readonly Route[]> {
  const server = await startRecordedServer();
  await server.close();
  return server.routes.filter(({ method }) => method !== 'HEAD');
}

const permissionOf = ({ access }: Route) =>
  typeof access === 'object' ? (access.permission ?? null) : null;

const ofTenants = ORIGIN_PATHS.filter((route) => permissionOf(route) !== null);
const ofPeople = ORIGIN_PATHS.filter((route) => permissionOf(route) === null && !isPublic(route));

interface Outcome {
  readonly status: number;
  /** The problem's code, or where a page leads. */
  readonly said: string;
}

function outcomeOf(answer: Answer): Outcome {
  const problem = answer.headers['content-type']?.includes('problem+json');
  const said = problem ? (answer.json().code as string) : (answer.headers.location ?? '');
  return { status: answer.status, said: said.replace(/\?.*/, '') };
}

/** The request of its own page, with the cookies and the token of this browser. */
async function as(browser: Visitor, request: Legitimate): Promise<Outcome> {
  const token = browser.csrfToken ?? request.token;
  const headers = {
    cookie: null,
    ...browser.cookieHeader(),
    ...(request.route.bodyType === 'json' ? { 'x-csrf-token': token } : {}),
  };
  return outcomeOf(await send(request, headers, { body: bodyOf({ ...request, token }) }));
}

const FORBIDDEN = { page: { status: 403, said: '' }, api: { status: 403, said: 'forbidden' } };
const UNKNOWN = {
  page: { status: 303, said: '/sign-in' },
  api: { status: 401, said: 'not-signed-in' },
};
const expected = (route: Route, of: typeof FORBIDDEN) => of[route.page ? 'page' : 'api'];

/** Those who are in the tenant with one of its roles, and those who are not or no more. */
async function everybody(tenant: TestTenant) {
  const join = async (role: string | readonly string[]) =>
    (await insertTestMember(t.admin, t.origin, tenant, role)).browser;
  const removed = await insertTestMember(t.admin, t.origin, tenant, 'owner');
  await t.admin.query('DELETE FROM sallyport.memberships WHERE identity_id = $1', [
    removed.identityId,
  ]);
  const disabled = await insertTestMember(t.admin, t.origin, tenant, 'owner');
  await t.admin.query('UPDATE sallyport.identities SET disabled_at = now() WHERE id = $1', [
    disabled.identityId,
  ]);
  const other = await insertTestTenant(t.admin);
  const foreigner = await insertTestMember(t.admin, t.origin, other, 'owner');
  return {
    join,
    removed: removed.browser,
    disabled: disabled.browser,
    foreigner: foreigner.browser,
    nobody: new Visitor(t.origin),
  };
}

/** What of the rows is this tenant's, by its id. */
async function rowsOfTenant({ id }: TestTenant): Promise<readonly string[]> {
  const rows = Object.entries(await rowsWith(t.admin, id));
  return rows.flatMap(([table, all]) => {
    // A refusal may be noted, and is not what was asked for.
    const own = table === 'refusals' || table === 'security_events' ? [] : all;
    return own.map((row) => `${table} ${row}`);
  });
}

const CHANGING = ['refusals', 'security_events'];
const changes = async (work: () => Promise<unknown>) =>
  (await changedBy(t.admin, work)).filter((table) => !CHANGING.includes(table));

/** Takes a deletion back that has been asked for, so that the next one can ask too. */
const keep = ({ id }: TestTenant) =>
  t.admin.query('UPDATE sallyport.tenants SET delete_after = NULL WHERE id = $1', [id]);

async function requestFor(route: Route): Promise<{ request: Legitimate; tenant: TestTenant }> {
  const request = await legitimate(t.origin, route);
  const { rows } = await t.admin.query<{ tenant_id: string | null }>(
    `SELECT s.tenant_id FROM sallyport.sessions AS s WHERE s.identity_id = $1`,
    [(await request.browser.get('/api/session')).json().identity.id],
  );
  const id = rows[0]?.tenant_id;
  if (id) return { request, tenant: { id, slug: '', name: '' } };
  // A route that only reads takes nothing from anybody; it is asked in a tenant of one's own.
  const tenant = await insertTestTenant(t.admin);
  const member = await insertTestMember(t.admin, t.origin, tenant, 'viewer');
  const path = route.path.replaceAll(/:\w+/g, member.identityId);
  return { request: { ...request, path: `${path}?id=${member.identityId}` }, tenant };
}

describe.each(ofTenants.map((route) => [named(route), route] as const))('%s', (_name, route) => {
  test('is for those whose role permits it, and for nobody else [ASVS 8.1.1] [ASVS 8.2.1] [ASVS 8.3.1] [R-89] [CWE-862]', async () => {
    const permission = permissionOf(route) ?? '';
    const { request, tenant } = await requestFor(route);
    const { join, removed, disabled, foreigner, nobody } = await everybody(tenant);
    const allowed = OWN_REGISTRY.get(permission)?.roles ?? [];
    const without = [...OWN_REGISTRY.keys()].filter((name) => name !== permission);
    const refused: (readonly [string, Visitor, Outcome])[] = [
      ['all but this', await join(without), expected(route, FORBIDDEN)],
      ['nothing', await join([]), expected(route, FORBIDDEN)],
      ['a removed member', removed, expected(route, FORBIDDEN)],
      ['a disabled identity', disabled, expected(route, UNKNOWN)],
      ['nobody', nobody, expected(route, UNKNOWN)],
    ];
    for (const role of BUILT_IN_ROLES.filter((each) => !allowed.includes(each))) {
      refused.push([role, await join(role), expected(route, FORBIDDEN)]);
    }
    const changed = await changes(async () => {
      for (const [who, browser, outcome] of refused) {
        expect(await as(browser, request), who).toEqual(outcome);
      }
    });
    expect(changed).toEqual([]);

    const before = await rowsOfTenant(tenant);
    expect(before).not.toEqual([]);
    await as(foreigner, request);
    expect(await rowsOfTenant(tenant), 'the owner of another tenant').toEqual(before);

    const control = await changes(() => as(request.browser, request));
    expect(control.length > 0).toBe(route.method !== 'GET');
    for (const who of [[permission], ...allowed.toReversed()]) {
      await keep(tenant);
      const { status, said } = await as(await join(who), request);
      expect([said, status], String(who)).not.toEqual(['forbidden', 403]);
      expect(status, String(who)).not.toBe(401);
    }
  });
});

describe.each(ofPeople.map((route) => [named(route), route] as const))('%s', (_name, route) => {
  test('is for nobody who is not signed in, or may not be [ASVS 8.2.1] [CWE-306]', async () => {
    const tenant = await insertTestTenant(t.admin);
    const { disabled, nobody } = await everybody(tenant);
    const person = await insertTestMember(t.admin, t.origin, tenant, 'viewer');
    const path = route.path.replaceAll(/:\w+/g, person.sessionId);
    const request: Legitimate = {
      route,
      path,
      origin: t.origin,
      browser: person.browser,
      token: person.browser.csrfToken ?? '',
      fields: {},
      headers: {
        origin: t.origin,
        'sec-fetch-site': 'same-origin',
        'content-type':
          route.bodyType === 'form' ? 'application/x-www-form-urlencoded' : 'application/json',
      },
    };
    const changed = await changes(async () => {
      for (const browser of [disabled, nobody]) {
        const { status, said } = await as(browser, request);
        // A form is read before anybody is asked for; what is wrong with it is said first.
        expect([400, 401, 303]).toContain(status);
        expect(['', '/sign-in', 'not-signed-in', 'invalid-fields']).toContain(said);
      }
    });
    expect(changed).toEqual([]);
  });
});
