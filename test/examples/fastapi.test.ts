// The two FastAPI applications as a stranger finds them: what README.md says is a hole is one, and
// in the repaired twin it is none, while whoever may do the same still can.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { ask, type Answer, type Ask } from '../support/client.ts';
import { noPython } from '../support/python.ts';
import {
  ACCOUNTS,
  PASSWORD,
  startTeamNotes,
  type TeamNotes,
  type Twin,
} from '../support/team-notes.ts';

interface SignedIn {
  readonly token: string;
  readonly cookie: string;
  readonly setCookie: string;
  readonly synchronizer: string;
}

const readme = (twin: Twin) => readFileSync(`examples/fastapi-${twin}/README.md`, 'utf8');

test.each(['insecure', 'repaired'] as const)(
  'README.md of the %s twin names file, line and CWE of all twelve',
  (twin) => {
    const word = twin === 'insecure' ? 'Hole' : 'Repair';
    const rows = [...readme(twin).matchAll(/^\| (\d+) +\| `([\w.]+):(\d+)` +\| (CWE-\d+) +\|/gm)];
    expect(rows.map(([, number]) => Number(number))).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    ]);
    for (const [, number, file, line, cwe] of rows) {
      const source = readFileSync(`examples/fastapi-${twin}/${file}`, 'utf8').split('\n');
      expect(source[Number(line) - 1], `${file}:${line}`).toContain(`${word} ${number} (${cwe})`);
    }
  },
);

test('both need the same versions, each of them exact', () => {
  const [insecure, repaired] = (['insecure', 'repaired'] as const).map((twin) =>
    readFileSync(`examples/fastapi-${twin}/requirements.txt`, 'utf8'),
  );
  expect(insecure).toBe(repaired);
  for (const line of insecure?.trim().split('\n') ?? []) expect(line).toMatch(/^[\w-]+==[\w.]+$/);
});

describe.each(['insecure', 'repaired'] as const)('the %s twin', (twin) => {
  const isOpen = twin === 'insecure';
  const server: { app?: TeamNotes } = {};
  const origin = () => server.app?.origin ?? '';

  beforeAll(async () => {
    if (!noPython) server.app = await startTeamNotes(twin);
  });
  afterAll(() => server.app?.stop());

  beforeEach(({ skip }) => {
    if (noPython) skip(noPython);
  });

  const post = (path: string, body: unknown, headers: Ask['headers'] = {}, method = 'POST') =>
    ask(origin(), path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });

  async function signIn(
    email: string,
    headers: Ask['headers'] = {},
    password = PASSWORD,
  ): Promise<SignedIn> {
    const answer = await post('/api/login', { email, password }, headers);
    expect(answer.status).toBe(200);
    const { access_token: token, csrf_token: synchronizer } = answer.json();
    const setCookie = answer.setCookies[0] ?? '';
    return { token, synchronizer, setCookie, cookie: setCookie.split(';')[0] ?? '' };
  }

  const bearer = ({ token }: SignedIn) => ({ authorization: `Bearer ${token}` });
  const get = (path: string, as: SignedIn) => ask(origin(), path, { headers: bearer(as) });

  /** A project with a note in it. */
  async function work(as: SignedIn): Promise<{ projectId: number; noteId: number }> {
    const project = await post('/api/projects', { name: 'Relaunch' }, bearer(as));
    const { id: projectId } = project.json();
    const note = await post('/api/notes', { project_id: projectId, title: 'Plan' }, bearer(as));
    return { projectId, noteId: note.json().id };
  }

  const status = ({ status: code }: Answer) => code;

  test('[CWE-352] 1: a form of another site writes with the cookie alone', async () => {
    const bob = await signIn(ACCOUNTS.bob);
    const submit = (headers: Ask['headers']) =>
      ask(origin(), '/api/me', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: 'display_name=Mallory',
      });
    const forged = { cookie: bob.cookie, origin: 'https://evil.example' };
    expect(status(await submit({ ...forged, 'sec-fetch-site': 'cross-site' }))).toBe(
      isOpen ? 200 : 403,
    );
    expect(status(await submit({ cookie: bob.cookie }))).toBe(isOpen ? 200 : 403);
    const name = isOpen ? 'Mallory' : 'Bob';
    expect((await get('/api/me', bob)).json().display_name).toBe(name);
    const own = { cookie: bob.cookie, 'x-csrf-token': bob.synchronizer ?? '' };
    expect(status(await submit({ ...own, 'sec-fetch-site': 'same-origin' }))).toBe(200);
  });

  test('[CWE-1004] 2: a script reads the cookie', async () => {
    const { setCookie } = await signIn(ACCOUNTS.bob);
    expect(/; HttpOnly/i.test(setCookie)).toBe(!isOpen);
    expect(/; SameSite=(lax|strict)/i.test(setCookie)).toBe(!isOpen);
  });

  test('[CWE-942] 3: another origin may read answers to requests with the cookie', async () => {
    const { cookie } = await signIn(ACCOUNTS.bob);
    const evil = 'https://evil.example';
    const answer = await ask(origin(), '/api/me', { headers: { cookie, origin: evil } });
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-origin']).toBe(isOpen ? evil : undefined);
  });

  test('[CWE-650] 4: a GET archives a note', async () => {
    const bob = await signIn(ACCOUNTS.bob);
    const { noteId } = await work(bob);
    const answer = await get(`/api/notes/${noteId}/archive`, bob);
    expect(answer.status).toBe(isOpen ? 200 : 405);
    expect((await get(`/api/notes/${noteId}`, bob)).json().archived).toBe(isOpen);
    if (isOpen) return;
    const archived = await post(`/api/notes/${noteId}/archive`, {}, bearer(bob));
    expect(archived.json().archived).toBe(true);
  });

  test('[CWE-384] 5: the session that the browser came with is signed in', async () => {
    const planted = { cookie: 'session=chosen-by-an-attacker' };
    expect(status(await ask(origin(), '/api/me', { headers: planted }))).toBe(401);
    await signIn(ACCOUNTS.bob, planted);
    expect(status(await ask(origin(), '/api/me', { headers: planted }))).toBe(isOpen ? 200 : 401);
  });

  test('[CWE-347] 6: a token that somebody signed with another key is taken', async () => {
    const bob = await signIn(ACCOUNTS.bob);
    const [head = '', body = ''] = bob.token.split('.');
    const signature = createHmac('sha256', 'another').update(`${head}.${body}`);
    const token = `${head}.${body}.${signature.digest('base64url')}`;
    expect(status(await get('/api/me', { ...bob, token }))).toBe(isOpen ? 200 : 401);
    expect(status(await get('/api/me', bob))).toBe(200);
  });

  test('[CWE-639] 7: a note of another team is read by its number', async () => {
    const [bob, heidi] = [await signIn(ACCOUNTS.bob), await signIn(ACCOUNTS.heidi)];
    const { noteId } = await work(bob);
    expect(status(await get(`/api/notes/${noteId}`, heidi))).toBe(isOpen ? 200 : 404);
    expect(status(await get(`/api/notes/${noteId}`, bob))).toBe(200);
  });

  test('[CWE-639] 8: a project of another team is changed by its number', async () => {
    const [bob, heidi] = [await signIn(ACCOUNTS.bob), await signIn(ACCOUNTS.heidi)];
    const { projectId } = await work(bob);
    const path = `/api/projects/${projectId}`;
    const taken = await post(path, { name: 'Taken' }, bearer(heidi), 'PUT');
    expect(taken.status).toBe(isOpen ? 200 : 404);
    expect((await get(path, bob)).json().name).toBe(isOpen ? 'Taken' : 'Relaunch');
    const renamed = await post(path, { name: 'Renamed' }, bearer(bob), 'PUT');
    expect(renamed.json().name).toBe('Renamed');
  });

  test('[CWE-252] 9: a change of nothing is reported as a success', async () => {
    const [bob, heidi] = [await signIn(ACCOUNTS.bob), await signIn(ACCOUNTS.heidi)];
    const { noteId } = await work(bob);
    const path = `/api/notes/${noteId}`;
    const foreign = await post(path, { title: 'Taken' }, bearer(heidi), 'PATCH');
    expect(foreign.status).toBe(isOpen ? 200 : 404);
    expect((await get(path, bob)).json().title).toBe('Plan');
    expect(status(await post(path, { title: 'New' }, bearer(bob), 'PATCH'))).toBe(200);
    expect((await get(path, bob)).json().title).toBe('New');
  });

  test('[CWE-613] 10: a role outlives its withdrawal', async () => {
    const ada = await signIn(ACCOUNTS.ada);
    const members: { id: number; display_name: string }[] = (await get('/api/members', ada)).json();
    const carolId = members.find((member) => member.display_name === 'Carol')?.id;
    const give = (role: string) =>
      post(`/api/members/${carolId}`, { role }, bearer(ada), 'PATCH').then(status);
    expect(await give('admin')).toBe(200);
    const carol = await signIn(ACCOUNTS.carol);
    const asAdministrator = () =>
      post(`/api/members/${carolId}`, { role: 'member' }, bearer(carol), 'PATCH').then(status);
    expect(await asAdministrator()).toBe(200);
    expect(await give('member')).toBe(200);
    expect(await asAdministrator()).toBe(isOpen ? 200 : 403);
  });

  test("[CWE-918] 11: the server reads what only it can reach, a database's console too", async () => {
    const console = createServer((_, response) => response.end('{"nodes": [{"node_id": 1}]}'));
    await new Promise<void>((resolve) => {
      console.listen(0, '127.0.0.1', resolve);
    });
    onTestFinished(() => void console.close());
    const { port } = console.address() as AddressInfo;
    const bob = await signIn(ACCOUNTS.bob);
    const { projectId } = await work(bob);
    for (const host of ['127.0.0.1', 'localhost']) {
      const url = `http://${host}:${port}/_status/nodes`;
      const answer = await post(`/api/projects/${projectId}/clippings`, { url }, bearer(bob));
      expect(answer.status).toBe(isOpen ? 201 : 422);
      expect(answer.text.includes('node_id')).toBe(isOpen);
    }
  });

  test('[CWE-566] 12: the projects of a team are listed for whoever names it', async () => {
    const [bob, heidi] = [await signIn(ACCOUNTS.bob), await signIn(ACCOUNTS.heidi)];
    const { team_id: teamId } = (await get('/api/me', bob)).json();
    const listed = await get(`/api/projects?team_id=${teamId}`, heidi);
    expect(listed.text.includes('Acme')).toBe(isOpen);
    expect((await get(`/api/projects?team_id=${teamId}`, bob)).text).toContain('Acme');
  });

  test('what is no hole is closed in both: no session, no role, ended session, guessing', async () => {
    const bob = await signIn(ACCOUNTS.bob);
    for (const path of ['/api/me', '/api/members', '/api/notes', '/api/projects']) {
      expect(status(await ask(origin(), path))).toBe(401);
      expect(status(await get(path, bob))).toBe(200);
    }
    const member = { email: 'eve@acme.example', display_name: 'Eve', password: PASSWORD };
    expect(status(await post('/api/members', member, bearer(bob)))).toBe(403);
    expect(status(await post('/api/logout', {}, bearer(bob)))).toBe(204);
    expect(status(await get('/api/me', bob))).toBe(401);

    const guess = (password: string) => post('/api/login', { email: ACCOUNTS.heidi, password });
    for (let count = 0; count < 10; count += 1) expect(status(await guess('wrong'))).toBe(401);
    expect(status(await guess(PASSWORD))).toBe(429);
    const nobody = await post('/api/login', { email: 'nobody@acme.example', password: 'wrong' });
    expect(nobody.text).toBe(
      (await post('/api/login', { email: ACCOUNTS.bob, password: 'w' })).text,
    );
  });
});
