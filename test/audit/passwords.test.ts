// The audit gives its accounts their passwords back, whatever the target made of the change.
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { account, auditTwin, verdictLines } from '../support/audit.ts';
import { startTwin, type TwinRequest, type TwinRoutes } from '../support/twin.ts';

/** What the target does with a change to a password of 64 characters or more. */
type Conduct =
  /** Sets it, and never answers. */
  | 'sets and is silent'
  /** Answers nothing, and sets it when nobody waits for it any more. */
  | 'is silent and sets it late'
  | 'sets it and answers 500'
  /** Sets it, and counts the guesses of whoever signs in with another one. */
  | 'sets it';

const FAILURES_MAX = 4;
const PATIENCE_MILLISECONDS = 1_000;

function target(conduct: Conduct, passwords: Record<string, string>): TwinRoutes {
  const sessions = new Map<string, string>();
  const failures = new Map<string, number>();
  const whose = ({ bearer }: TwinRequest) => sessions.get(bearer);
  const silence = () => new Promise<never>(() => {});
  return {
    'POST /login': ({ body: { username, password } }) => {
      if ((failures.get(username) ?? 0) >= FAILURES_MAX) return { status: 423, body: {} };
      if (passwords[username] !== password) {
        failures.set(username, (failures.get(username) ?? 0) + 1);
        return { status: 401, body: { detail: 'Wrong' } };
      }
      failures.set(username, 0);
      const token = randomBytes(16).toString('hex');
      sessions.set(token, username);
      return { status: 200, body: { access_token: token } };
    },
    'GET /me': (request) => {
      const me = whose(request);
      return me === undefined ? { status: 401, body: {} } : { status: 200, body: { username: me } };
    },
    'POST /me/password': async (request) => {
      const me = whose(request);
      const { current_password: before, new_password: after } = request.body;
      if (me === undefined) return { status: 401, body: {} };
      if (passwords[me] !== before) return { status: 403, body: { detail: 'Not your password' } };
      if (after.length < 12 || /password/i.test(after)) {
        return {
          status: 422,
          body: { detail: [{ loc: ['body', 'new_password'], msg: 'too weak' }] },
        };
      }
      const set = () => {
        passwords[me] = after;
      };
      if (after.length >= 64 && conduct === 'is silent and sets it late') {
        setTimeout(set, PATIENCE_MILLISECONDS + 500);
        return await silence();
      }
      set();
      if (after.length < 64 || conduct === 'sets it') return { status: 204 };
      return conduct === 'sets and is silent' ? await silence() : { status: 500, body: {} };
    },
  };
}

const text = { type: 'string' };

const body = (...names: readonly string[]) => ({
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: {
          type: 'object',
          properties: Object.fromEntries(names.map((name) => [name, text])),
          required: names,
        },
      },
    },
  },
  responses: { 200: { description: 'OK' } },
});

const secured = { security: [{ account: [] }] };

const document = {
  openapi: '3.1.0',
  info: { title: 'Passwords', version: '1' },
  components: { securitySchemes: { account: { type: 'http', scheme: 'bearer' } } },
  paths: {
    '/login': { post: body('username', 'password') },
    '/me': { get: { ...secured, responses: { 200: { description: 'OK' } } } },
    '/me/password': { post: { ...secured, ...body('current_password', 'new_password') } },
  },
};

const conducts: readonly Conduct[] = [
  'sets and is silent',
  'is silent and sets it late',
  'sets it and answers 500',
  'sets it',
];

test.concurrent.each(conducts)(
  'the accounts have their passwords afterwards, where the target %s',
  async (conduct) => {
    const given = { ada: 'a mango under the piano', bob: 'a piano under the mango' };
    const passwords: Record<string, string> = { ...given };
    const twin = await startTwin(target(conduct, passwords), document);
    const report = await auditTwin({
      url: twin.origin,
      accounts: { a: account('ada', given.ada), b: account('bob', given.bob) },
      checks: ['password-rules', 'stale-authority'],
      timeoutMilliseconds: PATIENCE_MILLISECONDS,
    });
    await twin.close();
    const lines = verdictLines(report).join('\n');
    expect(passwords, lines).toEqual(given);
    // It was changed: else nothing was put back.
    expect(twin.asked.filter((one) => one === 'POST /me/password').length, lines).toBeGreaterThan(
      3,
    );
    const verdict = report.checks[0];
    expect(verdict?.findings, lines).toEqual([]);
    expect(verdict?.inconclusive.length !== 0, lines).toBe(conduct !== 'sets it');
  },
);
