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
