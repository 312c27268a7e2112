// What the audit does not do: send what nobody knows to what is not its own, ask other hosts, say
// that it has looked at what it has not.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { account, auditTwin, findingsOf, verdictLines } from '../support/audit.ts';
import { startTwin, type TwinRequest, type TwinRoute, type TwinRoutes } from '../support/twin.ts';

interface Row {
  readonly id: number;
  readonly owner: string;
  text: string;
}

interface Options {
  /** Whether everybody may have an account. */
  readonly isOpen?: boolean;
  readonly more?: TwinRoutes;
}

/** Records of accounts, each its own, in memory. `rows` are what was there before. */
function records({ isOpen = false, more = {} }: Options = {}) {
  const passwords = new Map(
    isOpen ? [] : [['ada', 'pw-of-ada-9'] as const, ['bob', 'pw-of-bob-9']],
  );
  const sessions = new Map<string, string>();
  const rows: Row[] = [
    { id: 11, owner: 'ada', text: 'of ada' },
    { id: 12, owner: 'bob', text: 'of bob' },
  ];
  const guarded =
    (route: (request: TwinRequest, me: string) => ReturnType<TwinRoute>): TwinRoute =>
    (request) => {
      const me = sessions.get(request.bearer);
      return me === undefined ? { status: 401, body: { detail: 'Sign in' } } : route(request, me);
    };
  const routes: TwinRoutes = {
    'POST /session': ({ body: { username, password } }) => {
      if (typeof username !== 'string' || passwords.get(username) !== password) {
        return { status: 401, body: { detail: 'Wrong' } };
      }
      const token = randomBytes(16).toString('hex');
      sessions.set(token, username);
      return { status: 200, body: { token } };
    },
    'GET /me': guarded((_, me) => ({ status: 200, body: { username: me } })),
    'GET /records': guarded((_, me) => ({
      status: 200,
      body: rows.filter(({ owner }) => owner === me),
    })),
    'POST /records': guarded(({ body }, me) => {
      const row = { id: 100 + rows.length, owner: me, text: String(body.text) };
      rows.push(row);
      return { status: 201, body: row };
    }),
    'GET /records/{record_id}': guarded(({ params }, me) => {
      const row = rows.find(({ id, owner }) => String(id) === params['record_id'] && owner === me);
      return row === undefined ? { status: 404, body: {} } : { status: 200, body: row };
    }),
    ...(isOpen
      ? {
          'POST /accounts': ({ body: { username, password } }: TwinRequest) => {
            if (passwords.has(username)) return { status: 409, body: { detail: 'Taken' } };
            if (String(password).length < 12) return { status: 422, body: { detail: 'Too short' } };
            passwords.set(username, password);
            return { status: 201, body: { username } };
          },
        }
      : {}),
    ...more,
  };
  return { routes, rows, guarded };
}

const text = { type: 'string' };

function documentOf(routes: TwinRoutes, fields: Readonly<Record<string, readonly string[]>>) {
  const paths: Record<string, Record<string, object>> = {};
  for (const key of Object.keys(routes)) {
    const [method = '', path = ''] = key.split(' ');
    const names = fields[key];
    const schema = {
      type: 'object',
      properties: Object.fromEntries((names ?? []).map((name) => [name, text])),
      required: names,
    };
    const isOpen = key === 'POST /session' || key === 'POST /accounts';
    const content = { 'application/json': { schema } };
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: {
        ...(isOpen ? {} : { security: [{ account: [] }] }),
        ...(names === undefined ? {} : { requestBody: { required: true, content } }),
        responses: { 200: { description: 'OK' } },
      },
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Records', version: '1' },
    components: { securitySchemes: { account: { type: 'http', scheme: 'bearer' } } },
    paths,
  };
}

const SESSION = { 'POST /session': ['username', 'password'] };

const accounts = { a: account('ada', 'pw-of-ada-9'), b: account('bob', 'pw-of-bob-9') };

test('what does something unknown is sent to own objects alone', async () => {
  const target = records();
  const sent: string[] = [];
  const note: TwinRoute = target.guarded((request) => {
    sent.push(`${request.method} ${request.path}`);
    return { status: 200, body: { done: true } };
  });
  const routes: TwinRoutes = {
    ...target.routes,
    // No list has these words, and no method is safer than another for them.
    'POST /obliterate': note,
    'POST /records/{record_id}/vaporise': note,
    'POST /ledger/rollover': note,
    'DELETE /records': note,
    'PUT /records': note,
  };
  const twin = await startTwin(
    routes,
    documentOf(routes, {
      ...SESSION,
      'POST /records': ['text'],
      'POST /obliterate': ['scope'],
      'POST /records/{record_id}/vaporise': ['reason'],
      'POST /ledger/rollover': ['year'],
      'PUT /records': ['text'],
    }),
  );
  const before = structuredClone(target.rows);
  const report = await auditTwin({ url: twin.origin, accounts });
  await twin.close();
  const lines = verdictLines(report).join('\n');
  const foreign = sent.filter((one) => !/^POST \/records\/1\d\d\/vaporise$/.test(one));
  expect(foreign, lines).toEqual([]);
  expect(target.rows.slice(0, 2)).toEqual(before);
  expect(target.rows.length, lines).toBeGreaterThan(2);
});

describe('GET requests that do something which no list knows', () => {
  /** What documents say of them, and of one that only reads. */
  const DESCRIBED: Readonly<Record<string, object>> = {
    // Called what it does, with what it does it to.
    'GET /records/{record_id}/zorch': {
      summary: 'Zorch a record',
      responses: { 200: { content: { 'application/json': { schema: { type: 'object' } } } } },
    },
    'GET /records/{record_id}/brill': { operationId: 'brill_record_records__record_id__brill_get' },
    // Documents no answer that could be read.
    'GET /records/{record_id}/frob': { responses: { 204: { description: 'Done' } } },
    // A verb by its form.
    'GET /records/{record_id}/vaporise': {},
    'GET /records/{record_id}/invoice': {},
  };

  async function attacked(allowWrites: boolean) {
    const target = records();
    const wiping: TwinRoute = target.guarded(({ params }) => {
      const at = target.rows.findIndex(({ id }) => String(id) === params['record_id']);
      if (at < 0) return { status: 404, body: {} };
      target.rows.splice(at, 1);
      return { status: 200, body: { done: true } };
    });
    const invoice: TwinRoute = ({ params }) => ({
      status: 200,
      body: { of: params['record_id'], text: `invoice of ${params['record_id']}` },
    });
    const names = Object.keys(DESCRIBED);
    const routes: TwinRoutes = {
      ...target.routes,
      ...Object.fromEntries(names.map((name) => [name, wiping])),
      'GET /records/{record_id}/invoice': target.guarded(invoice),
    };
    const document = documentOf(routes, { ...SESSION, 'POST /records': ['text'] });
    for (const [name, described] of Object.entries(DESCRIBED)) {
      const path = document.paths[name.split(' ')[1] ?? ''];
      path!['get'] = { ...path?.['get'], ...described };
    }
    const twin = await startTwin(routes, document);
    const report = await auditTwin({ url: twin.origin, accounts, settings: { allowWrites } });
    await twin.close();
    const called = twin.asked.filter((one) => /^GET \/records\/\w+\/\w+$/.test(one));
    const actions = called.filter((one) => !one.endsWith('/invoice'));
    return { report, target, called, actions, lines: verdictLines(report).join('\n') };
  }

  test('are not called without leave to write, and the report names them', async () => {
    const { report, target, called, actions, lines } = await attacked(false);
    expect(actions, lines).toEqual([]);
    expect(target.rows.map(({ id }) => id)).toEqual([11, 12]);
    expect(called, lines).toContain('GET /records/11/invoice');
    const named = report.untried.filter(({ reason }) => reason.includes('seems to do something'));
    expect(named.map(({ operation }) => operation.id).toSorted(), lines).toEqual(
      Object.keys(DESCRIBED)
        .filter((name) => !name.endsWith('invoice'))
        .toSorted(),
    );
  });

  test('with it they are called last, on what the audit has made, and found', async () => {
    const { report, target, actions, lines } = await attacked(true);
    expect(actions.length, lines).toBeGreaterThan(3);
    expect(actions.filter((one) => /\/1[12]\//.test(one))).toEqual([]);
    expect(target.rows.slice(0, 2).map(({ id }) => id)).toEqual([11, 12]);
    const unsafe = report.checks.find(({ check }) => check.id === 'unsafe-get');
    expect(unsafe?.findings.flatMap(({ subjects }) => subjects).toSorted(), lines).toEqual(
      Object.keys(DESCRIBED)
        .filter((name) => !name.endsWith('invoice'))
        .toSorted(),
    );
    // The one that reads was attacked as every read is.
    const objects = report.checks.find(({ check }) => check.id === 'object-level');
    expect(
      objects?.findings.flatMap(({ subjects }) => subjects),
      lines,
    ).toEqual(['GET /records/{record_id}/invoice']);
  });
});

test('an audit without accounts registers two where anybody may have one', async () => {
  const target = records({ isOpen: true });
  const twin = await startTwin(
    target.routes,
    documentOf(target.routes, {
      ...SESSION,
      'POST /accounts': ['username', 'password'],
      'POST /records': ['text'],
    }),
  );
  const report = await auditTwin({ url: twin.origin, checks: ['object-level'] });
  await twin.close();
  const lines = [...report.problems, ...verdictLines(report)].join('\n');
  expect(findingsOf(report), lines).toEqual([]);
  expect(report.checks[0]?.sound.length, lines).toBeGreaterThan(0);
});

test('without leave to write it registers nobody', async () => {
  const target = records({ isOpen: true });
  const twin = await startTwin(
    target.routes,
    documentOf(target.routes, { ...SESSION, 'POST /accounts': ['username', 'password'] }),
  );
  await auditTwin({ url: twin.origin, settings: { allowWrites: false } });
  await twin.close();
  expect(
    twin.asked.filter((one) => /^(POST|PUT|PATCH|DELETE) \/(accounts|records)/.test(one)),
  ).toEqual([]);
});

test('GraphQL is said not to be tested', async () => {
  const target = records({
    more: {
      'GET /graphql': ({ query }) =>
        query.get('query') === '{__typename}'
          ? { status: 200, body: { data: { __typename: 'Query' } } }
          : { status: 400, body: { errors: [{ message: 'Must provide a query' }] } },
    },
  });
  const twin = await startTwin(target.routes, documentOf(target.routes, SESSION));
  const report = await auditTwin({ url: twin.origin, accounts, checks: ['cors'] });
  await twin.close();
  expect(report.problems).toEqual(['/graphql answers GraphQL, which is not tested']);
});
