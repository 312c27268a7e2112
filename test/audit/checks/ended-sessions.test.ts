// Sessions that end by choice: a change of password that ends the others where it is asked to, and
// a sign-out that refuses addresses to go on to which are not its own.
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { account, auditTwin, findingsOf, verdictLines } from '../../support/audit.ts';
import { startTwin, type TwinRequest, type TwinRoutes } from '../../support/twin.ts';

const TEXT = { type: 'string' };

const json = (properties: object, required: readonly string[]) => ({
  requestBody: {
    content: { 'application/json': { schema: { type: 'object', properties, required } } },
  },
  responses: { 200: { description: 'OK' } },
});

const DOCUMENT = {
  openapi: '3.1.0',
  info: { title: 'Sessions', version: '1' },
  paths: {
    '/sign-in': { post: json({ email: TEXT, password: TEXT }, ['email', 'password']) },
    '/me': { get: { responses: { 200: { description: 'OK' } } } },
    '/sign-out': { post: json({ callbackURL: TEXT, state: TEXT }, []) },
    '/change-password': {
      post: json(
        { newPassword: TEXT, currentPassword: TEXT, revokeOtherSessions: { type: 'boolean' } },
        ['newPassword', 'currentPassword'],
      ),
    },
  },
};

type Flaw = 'others-stay' | 'sign-out-does-nothing';

function routesWith(flaw: Flaw | null): TwinRoutes {
  const passwords = new Map(
    ['ada', 'bob'].map((name) => [`${name}@people.example`, `of-${name}-77`]),
  );
  const sessions = new Map<string, string>();
  const refused = { status: 401, body: { message: 'Sign in' } };
  const withSession = ({ cookies }: TwinRequest) => sessions.get(cookies['sid'] ?? '');
  return {
    'POST /sign-in': ({ body }) => {
      if (passwords.get(String(body.email)) !== body.password) return refused;
      const sid = randomBytes(18).toString('base64url');
      sessions.set(sid, String(body.email));
      return { status: 200, body: {}, headers: { 'set-cookie': `sid=${sid}; HttpOnly; Path=/` } };
    },
    'GET /me': (request) => {
      const email = withSession(request);
      return email === undefined ? refused : { status: 200, body: { email } };
    },
    'POST /sign-out': ({ body, cookies }) => {
      if (body.callbackURL !== undefined) return { status: 403, body: { message: 'Not ours' } };
      if (flaw !== 'sign-out-does-nothing') sessions.delete(cookies['sid'] ?? '');
      return { status: 200, body: {} };
    },
    'POST /change-password': (request) => {
      const email = withSession(request);
      const { newPassword, currentPassword, revokeOtherSessions } = request.body;
      if (email === undefined || passwords.get(email) !== currentPassword) return refused;
      passwords.set(email, String(newPassword));
      if (revokeOtherSessions !== true || flaw === 'others-stay') return { status: 200, body: {} };
      for (const [sid, whose] of sessions) {
        if (whose === email && sid !== request.cookies['sid']) sessions.delete(sid);
      }
      return { status: 200, body: {} };
    },
  };
}

async function attacked(flaw: Flaw | null) {
  const twin = await startTwin(routesWith(flaw), DOCUMENT);
  const report = await auditTwin({
    url: twin.origin,
    accounts: {
      a: account('ada@people.example', 'of-ada-77'),
      b: account('bob@people.example', 'of-bob-77'),
    },
    checks: ['stale-authority'],
  });
  await twin.close();
  return { report, lines: verdictLines(report).join('\n') };
}

test('[ASVS 7.4.3] other sessions that end where it is asked for are ended', async () => {
  const { report, lines } = await attacked(null);
  expect(findingsOf(report), lines).toEqual([]);
  expect(lines).toMatch(/^sound stale-authority: POST \/change-password/m);
  expect(lines).toMatch(/^sound stale-authority: POST \/sign-out/m);
});

test.each<[Flaw, string]>([
  ['others-stay', '/change-password'],
  ['sign-out-does-nothing', '/sign-out'],
])('[CWE-613] %s is found', async (flaw, path) => {
  const { report, lines } = await attacked(flaw);
  expect(
    findingsOf(report).map(({ subjects }) => subjects),
    lines,
  ).toEqual([[`POST ${path}`]]);
});
