import { afterAll, describe, expect, test } from 'vitest';
import { type Answer, ask, Visitor } from '../support/client.ts';
import { newcomer } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { type RecordedServer, startRecordedServer } from './routes.ts';

// Who may read our answers from another origin. That is all that CORS decides; writes are judged by
// the origin check, which does not depend on it.

const TRUSTED = 'https://app.example';
const closed = await startRecordedServer();
const open = await startRecordedServer({ SALLYPORT_TRUSTED_ORIGINS: TRUSTED });
afterAll(() => Promise.all([closed.close(), open.close()]));

const nearMisses = [
  'https://evil.example',
  'null',
  '*',
  'http://app.example',
  'https://app.example:443',
  'https://app.example:8443',
  'https://APP.EXAMPLE',
  'https://app.example/',
  'https://app.example.',
  'https://app.example.evil.example',
  'https://evil-app.example',
  'https://x.app.example',
  'https://app.exampl',
  'https://app.example@evil.example',
  'https://app.example, https://evil.example',
];

function corsNames({ headers }: Answer): readonly string[] {
  return Object.keys(headers).filter((name) => name.startsWith('access-control-'));
}

const preflight = {
  'access-control-request-method': 'PATCH',
  'access-control-request-headers': 'content-type,x-csrf-token',
  'access-control-request-private-network': 'true',
};

/** Every path, asked by this origin for data and by a preflight, with cookies and without. */
async function askEverything(server: RecordedServer, origin: string | string[]) {
  const { browser } = await newcomer(server.origin);
  const answers: Answer[] = [];
  for (const path of new Set([...server.routes.map((route) => route.path), '/nowhere'])) {
    for (const cookie of [{}, browser.cookieHeader()]) {
      answers.push(await ask(server.origin, path, { headers: { ...cookie, origin } }));
      const headers = { ...cookie, ...preflight, origin };
      answers.push(await ask(server.origin, path, { method: 'OPTIONS', headers }));
    }
  }
  return answers;
}

describe('with no trusted origin, which is the default', () => {
  test('no answer says a word of CORS, to whomever, preflights among them [CWE-942] [ASVS 3.4.2]', async () => {
    const own = closed.origin;
    for (const origin of [own, TRUSTED, 'https://evil.example', 'null']) {
      const answers = await askEverything(closed, origin);
      expect(answers.flatMap(corsNames)).toEqual([]);
    }
  });
});

describe('with a trusted origin', () => {
  test('its scripts read with credentials, by its own name [CWE-942] [ASVS 3.4.2]', async () => {
    for (const answer of await askEverything(open, TRUSTED)) {
      expect(answer.headers['access-control-allow-origin']).toBe(TRUSTED);
      expect(answer.headers['access-control-allow-credentials']).toBe('true');
      expect(answer.headers.vary).toMatch(/\bOrigin\b/);
      expect(answer.headers['access-control-allow-private-network']).toBeUndefined();
    }
  });

  test('its preflight is answered, for every path alike, and does nothing', async () => {
    const changed = await changedBy(open.admin, async () => {
      for (const path of ['/api/account/profile', '/nowhere']) {
        const headers = { ...preflight, origin: TRUSTED };
        const answer = await ask(open.origin, path, { method: 'OPTIONS', headers });
        expect([answer.status, answer.text]).toEqual([204, '']);
        expect(answer.headers['access-control-allow-headers']).toContain('X-CSRF-Token');
        expect(answer.headers['access-control-max-age']).toBe('600');
      }
    });
    expect(changed).toEqual([]);
  });

  test.each(nearMisses)(
    '%s reads nothing: an origin is never reflected [CWE-942] [ASVS 3.4.2]',
    async (origin) => {
      const { browser } = await newcomer(open.origin);
      const headers = { ...browser.cookieHeader(), origin };
      const read = await ask(open.origin, '/api/session', { headers });
      const asked = await ask(open.origin, '/api/session', {
        method: 'OPTIONS',
        headers: { ...headers, ...preflight },
      });
      expect([...corsNames(read), ...corsNames(asked)]).toEqual([]);
      expect(asked.status).toBe(405);
    },
  );

  test('two Origin lines read nothing, even if one is trusted [CWE-942]', async () => {
    for (const origin of [
      [TRUSTED, 'https://evil.example'],
      ['https://evil.example', TRUSTED],
    ]) {
      expect((await askEverything(open, origin)).flatMap(corsNames)).toEqual([]);
    }
  });

  test('its scripts may write with the token, and those of its neighbours may not [R-08] [trap 5c]', async () => {
    const { browser } = await newcomer(open.origin);
    const change = (changed: Record<string, string>, token = browser.csrfToken ?? '') =>
      browser.send(
        'PATCH',
        '/api/account/profile',
        { displayName: 'From the app' },
        { ...changed, 'x-csrf-token': token },
      );
    const changed = await changedBy(open.admin, async () => {
      for (const origin of nearMisses) {
        for (const site of ['cross-site', 'same-site', 'same-origin']) {
          const answer = await change({ origin, 'sec-fetch-site': site });
          expect(answer.status, `${origin} ${site}`).toBe(403);
        }
      }
      const trusted = { origin: TRUSTED, 'sec-fetch-site': 'same-site' };
      expect((await change(trusted, 'wrong')).status).toBe(403);
      expect((await change({ ...trusted, 'sec-fetch-site': 'same-origin' })).status).toBe(403);
      expect((await change({ ...trusted, 'sec-fetch-site': 'none' })).status).toBe(403);
    });
    expect(changed).toEqual([]);
    expect((await change({ origin: TRUSTED, 'sec-fetch-site': 'same-site' })).status).toBe(200);
    expect((await change({ origin: TRUSTED, 'sec-fetch-site': 'cross-site' })).status).toBe(200);
  });

  test('a visitor signs in from it, and not from a neighbour [CWE-352]', async () => {
    const { person } = await newcomer(open.origin);
    const { email, password } = person;
    const signIn = async (origin: string) =>
      (
        await new Visitor(open.origin).send(
          'POST',
          '/api/sign-in',
          { email, password },
          { origin, 'sec-fetch-site': 'cross-site' },
        )
      ).status;
    expect(await signIn('https://x.app.example')).toBe(403);
    expect(await signIn(TRUSTED)).toBe(200);
  });
});
