import { describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../../src/audit.ts';
import { account, auditTwin, findingsOf, verdictLines } from '../../support/audit.ts';
import { startTwin, type TwinRequest, type TwinRoutes } from '../../support/twin.ts';

const people: Record<string, { id: number; password: string; email: string }> = {
  alice: { id: 1, password: 'correct-1', email: 'alice@example.com' },
  bob: { id: 2, password: 'correct-2', email: 'bob@example.com' },
};

/** An API with bearer tokens. `open` is what its author forgot to protect. */
function api(open: readonly string[]): TwinRoutes {
  const whose = ({ bearer }: TwinRequest) => people[bearer.replace('token-of-', '')];
  const refused = { status: 401, body: { detail: 'Not authenticated' } };
  return {
    'POST /login': ({ body }) => {
      const person = people[body.username];
      if (person?.password !== body.password) return { status: 401, body: { detail: 'no' } };
      return { status: 200, body: { access_token: `token-of-${body.username}` } };
    },
    'GET /me': (request) => {
      const person = whose(request);
      if (person === undefined) return refused;
      return {
        status: 200,
        body: { username: request.bearer.replace('token-of-', ''), ...person, password: undefined },
      };
    },
    'GET /customers': (request) => {
      if (whose(request) === undefined && !open.includes('/customers')) return refused;
      return { status: 200, body: Object.values(people).map(({ id, email }) => ({ id, email })) };
    },
    'GET /offers': () => ({
      status: 200,
      body: [{ id: 7, title: 'Half price', contact: 'sales@example.com' }],
    }),
  };
}

const document = {
  openapi: '3.0.3',
  info: { title: 'Twin', version: '1' },
  components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  security: [{ bearer: [] }],
  paths: {
    '/login': {
      post: {
        security: [],
        requestBody: {
          content: {
            'application/json': {
              schema: {
                type: 'object',
                required: ['username', 'password'],
                properties: { username: { type: 'string' }, password: { type: 'string' } },
              },
            },
          },
        },
        responses: {},
      },
    },
    '/me': { get: { responses: {} } },
    '/customers': { get: { responses: {} } },
    '/offers': { get: { security: [], responses: {} } },
  },
};

const accounts = { a: account('alice', 'correct-1'), b: account('bob', 'correct-2') };
const checks = ['missing-authentication'];

describe('missing authentication [CWE-306] [ASVS 8.2.1]', () => {
  test('a list of customers that nobody need sign in for is one finding', async () => {
    const twin = await startTwin(api(['/customers']), document);
    const report = await auditTwin({ url: twin.origin, accounts, checks });
    await twin.close();
    const findings = findingsOf(report);
    expect(
      findings.map(({ subjects }) => subjects),
      verdictLines(report).join('\n'),
    ).toEqual([['GET /customers']]);
    expect(findings[0]?.evidence[0]?.exchange.answer?.text).toContain('alice@example.com');
    expect(exitCodeOf(report, 'low')).toBe(1);
  });

  test('its repaired twin has none, and what is public is not taken for a hole', async () => {
    const twin = await startTwin(api([]), document);
    const report = await auditTwin({ url: twin.origin, accounts, checks });
    await twin.close();
    expect(findingsOf(report)).toEqual([]);
    expect(report.checks[0]?.inconclusive).toEqual([]);
    expect(report.checks[0]?.sound.map(({ subject }) => subject).toSorted()).toEqual([
      'GET /customers',
      'GET /me',
      'GET /offers',
    ]);
    expect(exitCodeOf(report, 'low')).toBe(0);
  });

  test('a target that breaks when nobody asks is inconclusive, and never clean', async () => {
    const routes = api([]);
    const broken = Object.fromEntries(
      Object.entries(routes).map(([key, route]) => [
        key,
        (request: TwinRequest) =>
          request.bearer === '' && key !== 'POST /login' && key !== 'GET /me'
            ? { status: 500, body: 'down' }
            : route(request),
      ]),
    );
    const twin = await startTwin(broken, document);
    const report = await auditTwin({ url: twin.origin, accounts, checks });
    await twin.close();
    expect(findingsOf(report)).toEqual([]);
    expect(report.checks[0]?.inconclusive.length).toBe(2);
    expect(exitCodeOf(report, 'low')).toBe(2);
  });

  test('accounts that no longer sign in test nothing', async () => {
    const twin = await startTwin(api(['/customers']), document);
    const expired = { a: account('alice', 'expired'), b: account('bob', 'expired') };
    const report = await auditTwin({ url: twin.origin, accounts: expired, checks });
    await twin.close();
    expect(findingsOf(report)).toEqual([]);
    expect(report.problems.join(' ')).toContain('did not accept');
    expect(exitCodeOf(report, 'low')).toBe(2);
  });
});
