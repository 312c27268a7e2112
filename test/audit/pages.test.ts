// A target that has pages and no document: forms, a cookie, a hidden token, redirects.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { account, auditTwin, findingsOf, verdictLines } from '../support/audit.ts';
import { startTwin, type TwinRequest, type TwinRoutes } from '../support/twin.ts';

/** Notes with pages, as frameworks of that kind make them. `leaky` shows any note to anybody. */
function pagesTwin(leaky: boolean): TwinRoutes {
  const passwords: Record<string, string> = {
    alice: 'password-of-alice',
    robert: 'password-of-robert',
  };
  const notes = [
    { id: 1, owner: 'alice', text: 'Private words of alice' },
    { id: 2, owner: 'robert', text: 'Private words of robert' },
  ];
  const sessions = new Map<string, string>();
  const page = (inner: string) => ({
    status: 200,
    body: `<!doctype html><html><body>${inner}</body></html>`,
  });
  const away = (location: string, headers = {}) => ({
    status: 302,
    headers: { location, ...headers },
  });
  const token = '<input type="hidden" name="csrfmiddlewaretoken" value="token-of-this-form">';
  const isOwnForm = ({ body, cookies }: TwinRequest) =>
    body.csrfmiddlewaretoken === 'token-of-this-form' &&
    cookies['csrftoken'] === 'token-of-this-form';
  const whose = ({ cookies }: TwinRequest) => sessions.get(cookies['sessionid'] ?? '');
  const guarded =
    (
      route: (
        request: TwinRequest,
        me: string,
      ) => ReturnType<typeof page> | ReturnType<typeof away>,
    ) =>
    (request: TwinRequest) => {
      const me = whose(request);
      return me === undefined ? away(`/accounts/login/?next=${request.path}`) : route(request, me);
    };
  return {
    'GET /': guarded((_, me) =>
      page(`Hello ${me}. <a href="/notes/">Notes</a> <a href="/accounts/logout/">Sign out</a>`),
    ),
    'GET /accounts/login/': () => ({
      ...page(
        `<form method="post" action="/accounts/login/">${token}<input name="username"><input type="password" name="password"></form>`,
      ),
      headers: { 'set-cookie': 'csrftoken=token-of-this-form; Path=/' },
    }),
    'POST /accounts/login/': (request) => {
      const { username, password } = request.body;
      if (!isOwnForm(request)) return { status: 403, body: 'CSRF verification failed' };
      if (passwords[username] !== password) return page('<p>Please enter a correct name.</p>');
      const session = randomBytes(16).toString('hex');
      sessions.set(session, username);
      return away('/', { 'set-cookie': `sessionid=${session}; HttpOnly; SameSite=Lax; Path=/` });
    },
    'GET /notes/': guarded((_, me) =>
      page(
        `${me}: ${notes
          .filter(({ owner }) => owner === me)
          .map(({ id, text }) => `<a href="/notes/${id}/">${text}</a>`)
          .join(
            '',
          )}<form method="post" action="/notes/">${token}<textarea name="text"></textarea></form>`,
      ),
    ),
    'POST /notes/': guarded((request, me) => {
      if (!isOwnForm(request)) return { status: 403, body: 'CSRF verification failed' };
      notes.push({ id: notes.length + 1, owner: me, text: String(request.body.text) });
      return away('/notes/');
    }),
    'GET /notes/{id}/': guarded((request, me) => {
      const note = notes.find(
        ({ id, owner }) => id === Number(request.params['id']) && (leaky || owner === me),
      );
      return note === undefined
        ? { status: 404, body: 'Not found' }
        : page(`<p>${note.text}</p><p>by ${note.owner}</p>`);
    }),
  };
}

const accounts = {
  a: account('alice', 'password-of-alice'),
  b: account('robert', 'password-of-robert'),
};

async function attacked(routes: TwinRoutes) {
  const twin = await startTwin(routes);
  const report = await auditTwin({
    url: twin.origin,
    accounts,
    checks: ['object-level', 'missing-authentication'],
  });
  await twin.close();
  return { report, lines: [...report.problems, ...verdictLines(report)].join('\n') };
}

describe('a target without a document', () => {
  test('is understood by its pages: it signs in by its form and finds the hole', async () => {
    const { report, lines } = await attacked(pagesTwin(true));
    expect(report.chosen['sign-in']?.operation.id, lines).toBe('POST /accounts/login/');
    expect(
      findingsOf(report).map(({ subjects }) => subjects),
      lines,
    ).toEqual([['GET /notes/{note_id}/']]);
    expect(report.problems.join(' ')).toContain('no OpenAPI document');
  });

  test('its sound twin has no finding', async () => {
    const { report, lines } = await attacked(pagesTwin(false));
    expect(findingsOf(report), lines).toEqual([]);
    expect(report.checks.flatMap(({ sound }) => sound).length, lines).toBeGreaterThan(0);
  });
});

/**
 * Sessions for visitors, too: each answer to a sign-in sets the cookie, and one token against
 * cross-site requests is in two halves that are made anew for another session.
 */
function visitorsTwin(isLimited: boolean): TwinRoutes {
  const passwords = new Map([
    ['alice', 'password-of-alice'],
    ['robert', 'password-of-robert'],
  ]);
  const failures = new Map<string, number>();
  const sessions = new Map<string, { readonly name: string | null; readonly half: string }>();
  const sessionOf = ({ cookies }: TwinRequest) => sessions.get(cookies['sid'] ?? '');
  const opened = (name: string | null) => {
    const sid = randomBytes(16).toString('hex');
    const half = randomBytes(16).toString('hex');
    sessions.set(sid, { name, half });
    return `sid=${sid}; HttpOnly; SameSite=Lax; Path=/`;
  };
  const form = (action: string, half: string, fields: string) =>
    `<form method="post" action="${action}"><input type="hidden" name="csrf" value="t-${half}">${fields}</form>`;
  const shown = (request: TwinRequest, fields: string, action: string) => {
    const half = sessionOf(request)?.half ?? '';
    const cookies = [`half=${half}; HttpOnly; SameSite=Lax; Path=/`];
    return {
      status: 200,
      body: `${sessionOf(request)?.name ?? ''} ${form(action, half, fields)}`,
      headers: { 'content-type': 'text/html', 'set-cookie': cookies },
    };
  };
  const isForged = (request: TwinRequest) => {
    const half = sessionOf(request)?.half;
    return request.body.csrf !== `t-${half}` || request.cookies['half'] !== half;
  };
  const away = (location: string, headers = {}) => ({
    status: 302,
    headers: { location, ...headers },
  });
  return {
    'GET /': (request) =>
      sessionOf(request)?.name == null
        ? away('/login')
        : shown(request, '<button>Sign out</button>', '/logout'),
    'GET /login': (request) => {
      const fields = '<input name="username"><input type="password" name="password">';
      if (sessionOf(request) !== undefined) return shown(request, fields, '/login');
      const cookie = opened(null);
      const sid = cookie.split(/[=;]/)[1] ?? '';
      const half = sessions.get(sid)?.half ?? '';
      return {
        status: 200,
        body: form('/login', half, fields),
        headers: { 'content-type': 'text/html', 'set-cookie': [cookie, `half=${half}; Path=/`] },
      };
    },
    'POST /login': (request) => {
      if (isForged(request)) return { status: 403, body: 'Forged' };
      const { username, password } = request.body;
      const failed = failures.get(username) ?? 0;
      // Who guesses is told nothing of the limit, and has a cookie like everybody.
      const isRight = passwords.get(username) === password && !(isLimited && failed >= 5);
      if (!isRight) {
        failures.set(username, failed + 1);
        return away('/login?failed', { 'set-cookie': opened(null) });
      }
      failures.delete(username);
      return away('/', { 'set-cookie': opened(username) });
    },
    'POST /logout': (request) => {
      if (isForged(request)) return { status: 403, body: 'Forged' };
      sessions.delete(request.cookies['sid'] ?? '');
      return away('/login');
    },
  };
}

describe('a target that gives sessions to visitors', () => {
  const attackedVisitors = async (isLimited: boolean) => {
    const twin = await startTwin(visitorsTwin(isLimited));
    const report = await auditTwin({
      url: twin.origin,
      accounts,
      checks: ['stale-authority', 'guessing-limit'],
    });
    await twin.close();
    return { report, lines: [...report.problems, ...verdictLines(report)].join('\n') };
  };

  test('a cookie behind a wrong password opens nothing, and a new pair of halves signs out', async () => {
    const { report, lines } = await attackedVisitors(true);
    expect(findingsOf(report), lines).toEqual([]);
    expect(lines).toContain('sound stale-authority: POST /logout');
    expect(lines).toContain('sound guessing-limit: POST /login');
  });

  test('[CWE-307] without a limit the right password still signs in behind the wrong ones', async () => {
    const { report, lines } = await attackedVisitors(false);
    expect(
      findingsOf(report).map(({ subjects }) => subjects),
      lines,
    ).toEqual([['POST /login']]);
  });
});
