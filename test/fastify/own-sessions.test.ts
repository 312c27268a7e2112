import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { idleFor, whoIs } from '../support/accounts.ts';
import { ask, Visitor } from '../support/client.ts';
import { newcomer, type Person, register } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0';
const SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1.1 Mobile/15E148 Safari/604.1';

interface OwnSession {
  readonly id: string;
  readonly browser: string | null;
  readonly system: string | null;
  readonly createdAt: string;
  readonly lastSeenAt: string;
  readonly current: boolean;
}

async function sessionsOf(browser: Visitor): Promise<readonly OwnSession[]> {
  const answer = await browser.get('/api/sessions');
  expect(answer.status).toBe(200);
  return answer.json() as OwnSession[];
}

async function signInWith(person: Person, userAgent?: string): Promise<Visitor> {
  const visitor = new Visitor(server.origin);
  const { email, password } = person;
  const headers = userAgent === undefined ? {} : { 'user-agent': userAgent };
  const answer = await visitor.send('POST', '/api/sign-in', { email, password }, headers);
  expect(answer.status).toBe(200);
  return visitor;
}

/** A person with three browsers, the first of them the current one. */
async function threeBrowsers() {
  const person = await register(server.origin);
  const browsers = [
    await signInWith(person, FIREFOX),
    await signInWith(person, SAFARI),
    await signInWith(person),
  ] as const;
  const ids = (await Promise.all(browsers.map(whoIs))).map(({ session }) => session.id);
  return { person, browsers, ids: ids as [string, string, string] };
}

describe('GET /api/sessions', () => {
  test('lists the own live sessions, this one first and marked, the others as they were last used [ASVS 7.5.2]', async () => {
    const { browsers, ids } = await threeBrowsers();
    await idleFor(server.admin, ids[0], '20 minutes');
    await idleFor(server.admin, ids[1], '10 minutes');
    await idleFor(server.admin, ids[2], '30 minutes');
    const listed = await sessionsOf(browsers[2]);
    expect(
      listed.map(({ id, browser, system, current }) => [id, browser, system, current]),
    ).toEqual([
      [ids[2], null, null, true],
      [ids[1], 'Safari 18', 'iOS', false],
      [ids[0], 'Firefox 133', 'Linux', false],
    ]);
    for (const { createdAt, lastSeenAt } of listed) {
      expect(Math.abs(Date.parse(createdAt) - Date.now())).toBeLessThan(60_000);
      expect(Date.parse(lastSeenAt)).toBeLessThan(Date.now() - 9 * 60_000);
      expect(createdAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    }
  });

  test('tells nothing else of a session: no digest, no secret [ASVS 7.2.2]', async () => {
    const { browsers } = await threeBrowsers();
    const [first] = await sessionsOf(browsers[0]);
    expect(Object.keys(first ?? {}).toSorted()).toEqual([
      'browser',
      'createdAt',
      'current',
      'id',
      'lastSeenAt',
      'system',
    ]);
  });

  test('leaves out what is over: unused for an hour, past its limit, or ended', async () => {
    const { browsers, ids } = await threeBrowsers();
    await idleFor(server.admin, ids[1], '61 minutes');
    expect((await sessionsOf(browsers[0])).map(({ id }) => id).toSorted()).toEqual(
      [ids[0], ids[2]].toSorted(),
    );
    await server.admin.query('UPDATE sallyport.sessions SET expires_at = now() WHERE id = $1', [
      ids[2],
    ]);
    expect((await sessionsOf(browsers[0])).map(({ id }) => id)).toEqual([ids[0]]);
    await browsers[0].send('POST', '/api/sign-out');
    expect((await browsers[0].get('/api/sessions')).status).toBe(401);
  });

  test("shows nobody another person's [CWE-639] [ASVS 8.2.2]", async () => {
    const { browsers, ids } = await threeBrowsers();
    const { browser: other } = await newcomer(server.origin, 'Mallory');
    const theirs = (await sessionsOf(other)).map(({ id }) => id);
    expect(theirs).toHaveLength(1);
    expect(ids).not.toContain(theirs[0]);
    expect((await sessionsOf(browsers[0])).map(({ id }) => id)).not.toContain(theirs[0]);
    expect((await ask(server.origin, '/api/sessions')).status).toBe(401);
  });
});

describe('DELETE /api/sessions/{id}', () => {
  test('ends that session and no other, at once [ASVS 7.4.1] [ASVS 7.5.2]', async () => {
    const { browsers, ids } = await threeBrowsers();
    const changed = await changedBy(server.admin, async () => {
      const answer = await browsers[0].send('DELETE', `/api/sessions/${ids[1]}`);
      expect([answer.status, answer.text, answer.setCookies]).toEqual([204, '', []]);
    });
    expect(changed).toEqual(['security_events', 'session_activity', 'sessions']);
    expect((await browsers[1].get('/api/session')).status).toBe(401);
    expect((await browsers[2].get('/api/session')).status).toBe(200);
    expect(await sessionsOf(browsers[0])).toHaveLength(2);
  });

  test('needs no body and no content type, for no form can send it', async () => {
    const { browsers, ids } = await threeBrowsers();
    const headers = browsers[0].ownHeaders();
    const bare = { method: 'DELETE', headers };
    expect((await ask(server.origin, `/api/sessions/${ids[1]}`, bare)).status).toBe(204);
    const { 'x-csrf-token': _, ...withoutToken } = headers;
    const refused = { method: 'DELETE', headers: withoutToken };
    const changed = await changedBy(server.admin, async () => {
      expect((await ask(server.origin, `/api/sessions/${ids[2]}`, refused)).status).toBe(403);
    });
    expect(changed).toEqual([]);
  });

  test('of the current one signs out, however its id is written', async () => {
    for (const write of [(id: string) => id, (id: string) => id.toUpperCase()]) {
      const { browsers, ids } = await threeBrowsers();
      const copied = browsers[0].cookieHeader();
      const answer = await browsers[0].send('DELETE', `/api/sessions/${write(ids[0])}`);
      expect(answer.status).toBe(204);
      expect(answer.headers['clear-site-data']).toBe('"cache", "storage"');
      expect([...browsers[0].cookies.keys()]).toEqual(['__Host-device']);
      expect((await browsers[0].get('/api/session', copied)).status).toBe(401);
      expect((await browsers[1].get('/api/session')).status).toBe(200);
    }
  });

  test('answers a foreign id as one that does not exist, and ends nothing [CWE-639] [ASVS 8.2.2]', async () => {
    const victim = await threeBrowsers();
    const { browser } = await newcomer(server.origin, 'Mallory');
    const ended = await threeBrowsers();
    await ended.browsers[1].send('POST', '/api/sign-out');
    const answers: unknown[] = [];
    const changed = await changedBy(server.admin, async () => {
      for (const id of [...victim.ids, randomUUID(), ended.ids[1]]) {
        const answer = await browser.send('DELETE', `/api/sessions/${id}`);
        answers.push({
          status: answer.status,
          body: { ...answer.json(), instance: '' } as unknown,
        });
      }
    });
    expect(changed).toEqual([]);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ status: 404, body: { code: 'not-found' } });
    for (const each of victim.browsers) expect((await each.get('/api/session')).status).toBe(200);
  });

  test('refuses what is no id, and ends nothing [CWE-20]', async () => {
    const { browsers, ids } = await threeBrowsers();
    const malformed = ['x', '0', `${ids[1]}x`, `{${ids[1]}}`, `${ids[1]}'--`, '*', `%20${ids[1]}`];
    const changed = await changedBy(server.admin, async () => {
      for (const id of malformed) {
        const answer = await browsers[0].send('DELETE', `/api/sessions/${encodeURI(id)}`);
        expect([400, 404], id).toContain(answer.status);
      }
    });
    expect(changed).toEqual([]);
  });
});

describe('DELETE /api/sessions', () => {
  test("ends all of the own sessions but this one, and nobody else's [ASVS 7.4.3] [CWE-639]", async () => {
    const { browsers } = await threeBrowsers();
    const bystander = await newcomer(server.origin, 'Grace');
    const answer = await browsers[0].send('DELETE', '/api/sessions');
    expect([answer.status, answer.text, answer.setCookies]).toEqual([204, '', []]);
    expect((await browsers[0].get('/api/session')).status).toBe(200);
    for (const other of browsers.slice(1)) {
      expect((await other.get('/api/session')).status).toBe(401);
    }
    expect((await bystander.browser.get('/api/session')).status).toBe(200);
    expect(await sessionsOf(browsers[0])).toMatchObject([{ current: true }]);

    const changed = await changedBy(server.admin, async () => {
      expect((await browsers[0].send('DELETE', '/api/sessions')).status).toBe(204);
    });
    expect(changed).toEqual([]);
  });
});
