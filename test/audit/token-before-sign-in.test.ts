// Signing in takes a token against cross-site requests already, as with Django: a cookie that one
// read gives to nobody, repeated in a header that the document does not name.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { account, auditTwin, findingsOf, verdictLines } from '../support/audit.ts';
import { startTwin, type TwinRequest, type TwinRoutes } from '../support/twin.ts';

const refused = { status: 403, body: { detail: 'CSRF Failed: CSRF cookie not set.' } };

/** `checksNotes` is the defence: whether notes take the token too. */
function api(checksNotes: boolean): TwinRoutes {
  const sessions = new Map<string, string>();
  const notes: { id: number; owner: string; title: string }[] = [];
  const whose = ({ cookies }: TwinRequest) => sessions.get(cookies['sessionid'] ?? '');
  const hasToken = ({ cookies, headers }: TwinRequest) =>
    (cookies['csrftoken'] ?? '') !== '' && headers['x-csrftoken'] === cookies['csrftoken'];
  return {
    'GET /api/csrf/': () => ({
      status: 200,
      body: {},
      headers: { 'set-cookie': `csrftoken=${randomBytes(16).toString('hex')}; Path=/` },
    }),
    'POST /api/auth/login/': (request) => {
      if (!hasToken(request)) return refused;
      const { username, password } = request.body;
      if (password !== `password-of-${username}`) return { status: 400, body: { detail: 'no' } };
      const session = randomBytes(16).toString('hex');
      sessions.set(session, username);
      const cookie = `sessionid=${session}; Path=/; HttpOnly; SameSite=Lax`;
      return { status: 200, body: { username }, headers: { 'set-cookie': cookie } };
    },
    'GET /api/me/': (request) => {
      const username = whose(request);
      if (username === undefined) return { status: 403, body: { detail: 'Not signed in.' } };
      return { status: 200, body: { username, email: `${username}@example.com` } };
    },
    'GET /api/notes/': (request) => {
      const owner = whose(request);
      if (owner === undefined) return { status: 403, body: { detail: 'Not signed in.' } };
      return { status: 200, body: notes.filter((note) => note.owner === owner) };
    },
    'POST /api/notes/': (request) => {
      const owner = whose(request);
      if (owner === undefined || (checksNotes && !hasToken(request))) return refused;
      if (typeof request.body.title !== 'string') return { status: 400, body: { title: ['no'] } };
      const note = { id: notes.length + 1, owner, title: request.body.title };
      notes.push(note);
      return { status: 201, body: note };
    },
  };
}

const body = (...names: string[]) => ({
  required: true,
  content: {
    'application/json': {
      schema: {
        type: 'object',
        required: names,
        properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
      },
    },
  },
});

const document = {
  openapi: '3.0.3',
  info: { title: 'Notes', version: '1' },
  paths: {
    '/api/csrf/': { get: { responses: {} } },
    '/api/auth/login/': { post: { requestBody: body('username', 'password'), responses: {} } },
    '/api/me/': { get: { responses: {} } },
    '/api/notes/': { get: { responses: {} }, post: { requestBody: body('title'), responses: {} } },
  },
};

async function attacked(checksNotes: boolean) {
  const twin = await startTwin(api(checksNotes), document);
  const report = await auditTwin({
    url: twin.origin,
    accounts: {
      a: account('alice', 'password-of-alice'),
      b: account('robert', 'password-of-robert'),
    },
    checks: ['cross-site-request-forgery'],
  });
  await twin.close();
  return { report, lines: verdictLines(report).join('\n') };
}

describe('a sign-in that wants a token [CWE-352]', () => {
  test('is found, and a write that wants none is one finding', async () => {
    const { report, lines } = await attacked(false);
    expect(report.problems).toEqual([]);
    expect(
      findingsOf(report).map(({ subjects }) => subjects),
      lines,
    ).toEqual([['POST /api/notes/']]);
  });

  test('its sound twin has none, and was attacked', async () => {
    const { report, lines } = await attacked(true);
    expect(report.problems).toEqual([]);
    expect(findingsOf(report), lines).toEqual([]);
    expect(report.checks[0]?.sound.map(({ subject }) => subject)).toEqual([
      'POST /api/auth/login/',
      'POST /api/notes/',
    ]);
  });
});
