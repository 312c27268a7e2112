// examples/fastapi as a stranger finds it: real uvicorn, FastAPI and asyncpg behind the gateway,
// over HTTP and in Chromium. Its statements have no tenant in them; the database adds it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { auditNotes, withDocumentOf } from '../../examples/fastapi/reports.ts';
import { type GuardedNotes, PASSWORD, startGuardedNotes } from '../../examples/fastapi/start.ts';
import { findMissingProtection, writeProtection } from '../../src/server/protect.ts';
import { startAttackerSite } from '../browser/attacker-site.ts';
import { ask, Visitor } from '../support/client.ts';
import { launchTrustingChromium, noChromium, untilLoaded } from '../support/chromium.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { noPython } from '../support/python.ts';
import { TEST_KEY } from '../support/test-key.ts';

const started: { database?: TestDatabase; notes?: GuardedNotes } = {};
const notes = () => {
  if (!started.notes) throw new Error('it has not been started');
  return started.notes;
};

beforeAll(async () => {
  if (noPython) return;
  started.database = await createDatabase();
  started.notes = await startGuardedNotes(started.database.url, TEST_KEY.toString('base64url'));
});
afterAll(async () => {
  await started.notes?.stop();
  await started.database?.drop();
});
beforeEach(({ skip }) => {
  if (noPython) skip(noPython);
});

async function signIn(email: string): Promise<Visitor> {
  const visitor = new Visitor(notes().origin);
  const answer = await visitor.send('POST', '/sallyport/api/sign-in', {
    email,
    password: PASSWORD,
  });
  expect(answer.status).toBe(200);
  return visitor;
}

const bob = () => signIn('bob@acme.example');
const heidi = () => signIn('heidi@globex.example');

async function rows(): Promise<readonly string[]> {
  const found = await notes().kit.query(
    `SELECT n.title, n.archived, t.name FROM notes AS n JOIN sallyport.tenants AS t ON t.id = n.tenant_id`,
  );
  return found.map((row) => JSON.stringify(row)).toSorted();
}

const titles = (answer: { json(): unknown }) =>
  (answer.json() as readonly { readonly title: string }[]).map(({ title }) => title);

describe('over HTTP', () => {
  test('somebody who has signed in reads and writes the notes of their team', async () => {
    const browser = await bob();
    expect(titles(await browser.get('/api/notes'))).toEqual(['Acme budget']);
    const project = await browser.send('POST', '/api/projects', { name: 'Launch' });
    expect(project.status).toBe(201);
    const { id } = project.json();
    const note = await browser.send('POST', '/api/notes', { project_id: id, title: 'Plan' });
    expect(note.status).toBe(201);
    const changed = await browser.send('PATCH', `/api/notes/${note.json().id}`, { title: 'Plans' });
    expect(changed.json()).toMatchObject({ title: 'Plans', project_id: id });
    expect((await browser.send('DELETE', `/api/projects/${id}`)).status).toBe(204);
    expect(titles(await browser.get('/api/notes'))).toEqual(['Acme budget']);
  });

  test('statements without a tenant show and change the rows of one tenant [CWE-639] [ASVS 8.4.1]', async () => {
    const [ours, theirs] = [await bob(), await heidi()];
    expect(titles(await theirs.get('/api/notes'))).toEqual(['Globex budget']);
    const [{ id, project_id: project }] = (await ours.get('/api/notes')).json();
    const before = await rows();
    for (const attempt of [
      theirs.get(`/api/notes/${id}`),
      theirs.send('PATCH', `/api/notes/${id}`, { title: 'Taken' }),
      theirs.send('DELETE', `/api/notes/${id}`),
      theirs.send('POST', `/api/notes/${id}/archive`),
      theirs.get(`/api/projects/${project}`),
      theirs.send('PUT', `/api/projects/${project}`, { name: 'Taken' }),
      theirs.send('DELETE', `/api/projects/${project}`),
      theirs.send('POST', '/api/notes', { project_id: project, title: 'Planted' }),
    ]) {
      expect((await attempt).status).toBe(404);
    }
    expect(await rows()).toEqual(before);
    expect((await ours.get(`/api/notes/${id}`)).status).toBe(200);
  });

  test('nobody gets in without a session, past the gateway, or with an assertion of their own [CWE-306] [CWE-290]', async () => {
    const { origin, upstream } = notes();
    const forged = { 'sallyport-assertion': 'a.b.c', 'x-user': 'ada@acme.example' };
    for (const headers of [{}, forged]) {
      expect((await ask(origin, '/api/notes', { headers })).status).toBe(401);
      const past = await ask(upstream, '/api/notes', { headers });
      expect(past.json()).toMatchObject({ status: 401, code: 'not-forwarded' });
    }
    const browser = await bob();
    const answer = await browser.get('/api/notes', forged);
    expect(titles(answer)).toEqual(['Acme budget']);
    expect((await ask(upstream, '/api/notes', { headers: browser.cookieHeader() })).status).toBe(
      401,
    );
  });

  test('a request of another site changes nothing, the same of the own one does [CWE-352] [ASVS 3.5.1]', async () => {
    const browser = await bob();
    const [{ id }] = (await browser.get('/api/notes')).json();
    const path = `/api/notes/${id}`;
    const body = JSON.stringify({ title: 'Acme budget' });
    const cookie = browser.cookieHeader();
    const json = { 'content-type': 'application/json' };
    const before = await rows();
    const forgeries: Readonly<Record<string, string>>[] = [
      { ...cookie, ...json },
      { ...cookie, ...json, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      {
        ...browser.ownHeaders(),
        ...json,
        origin: 'https://evil.example',
        'sec-fetch-site': 'cross-site',
      },
      { ...browser.ownHeaders(), 'content-type': 'text/plain' },
      { ...browser.ownHeaders(), ...json, 'x-csrf-token': 'A'.repeat(86) },
    ];
    for (const headers of forgeries) {
      const answer = await ask(notes().origin, path, { method: 'PATCH', headers, body });
      expect([403, 415]).toContain(answer.status);
    }
    expect(await rows()).toEqual(before);
    expect((await browser.send('PATCH', path, { title: 'Acme budget' })).status).toBe(200);
  });

  test('a permission is asked for by the gateway, and by the database again [CWE-862]', async () => {
    const { kit, tenants } = notes();
    const email = 'vera@acme.example';
    await kit.person({ tenant: tenants.acme, role: 'viewer', email, password: PASSWORD });
    const viewer = await signIn(email);
    expect((await viewer.get('/api/notes')).status).toBe(200);
    const before = await rows();
    const refused = await viewer.send('POST', '/api/projects', { name: 'Mine' });
    expect(refused.json()).toMatchObject({ status: 403, code: 'forbidden' });
    expect(await rows()).toEqual(before);
  });

  test('after a sign-out nothing is answered any more [ASVS 7.4.1]', async () => {
    const browser = await bob();
    const cookie = browser.cookieHeader();
    expect((await browser.get('/api/notes')).status).toBe(200);
    await browser.send('POST', '/sallyport/api/sign-out');
    const answer = await ask(notes().origin, '/api/notes', { headers: cookie });
    expect(answer.status).toBe(401);
    const proofs = await notes().kit.query(
      "SELECT 1 FROM sallyport.transaction_proofs WHERE expires_at > now() + INTERVAL '1 minute'",
    );
    expect(proofs).toEqual([]);
  });
});

describe.skipIf(noChromium)(`in Chromium ${noChromium || ''}`, () => {
  test('somebody signs in and reads; the page of another site changes nothing [CWE-352]', async () => {
    const chromium = await launchTrustingChromium(['attacker.test']);
    const site = await startAttackerSite();
    onTestFinished(async () => {
      site.close();
      await chromium.close();
    });
    const { origin } = notes();
    const context = await chromium.browser.newContext();
    const page = await context.newPage();
    await page.goto(`${origin}/sallyport/sign-in`);
    await page.fill('[name=email]', 'carol@acme.example');
    await page.fill('[name=password]', PASSWORD);
    await untilLoaded(page, () => page.click('main form [type=submit]'));
    // The page of the account's own whose scripts may send requests.
    await page.goto(`${origin}/sallyport/docs`);
    const sent = async (token: string | null) =>
      await page.evaluate(async (csrf) => {
        const headers = {
          'content-type': 'application/json',
          ...(csrf ? { 'x-csrf-token': csrf } : {}),
        };
        const body = JSON.stringify({ title: 'Acme budget' });
        return (await fetch('/api/notes/1', { method: 'PATCH', headers, body })).status;
      }, token);
    expect(await page.evaluate(async () => await (await fetch('/api/notes')).json())).toMatchObject(
      [{ title: 'Acme budget' }],
    );
    const token = await page.evaluate(async () => {
      const answer = (await (await fetch('/sallyport/api/session')).json()) as {
        readonly csrfToken: string;
      };
      return answer.csrfToken;
    });
    const before = await rows();
    expect(await sent(null)).toBe(403);
    // As if the cookies were such that other sites may have them sent.
    const weak = {
      url: origin.replace('http:', 'https:'),
      secure: true,
      sameSite: 'None' as const,
    };
    const cookies = await context.cookies(origin);
    await context.addCookies(cookies.map(({ name, value }) => ({ name, value, ...weak })));
    const evil = await context.newPage();
    const forms = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'].map(
      (type, index) =>
        `<form id="f${index}" method="post" enctype="${type}" action="${origin}/api/notes/1/archive"><input name='{"a":"' value='"}'><button></button></form>`,
    );
    const html = `${forms.join('')}<img src="${origin}/api/notes/1/archive">`;
    for (const index of forms.keys()) {
      await evil.goto(`http://attacker.test:${site.port}${site.pathOf(html)}`);
      const answered = evil.waitForResponse(
        (answer) => answer.url().endsWith('/archive') && answer.request().method() === 'POST',
      );
      await evil.click(`#f${index} button`);
      expect([403, 415]).toContain((await answered).status());
    }
    const read = await evil
      .evaluate(
        async (url) =>
          await fetch(url, { credentials: 'include' }).then((answer) => answer.text(), String),
        `${origin}/api/notes`,
      )
      .catch(String);
    expect(read).not.toContain('Acme budget');
    expect(await rows()).toEqual(before);
    expect(await sent(token)).toBe(200);
  });
});

// examples/fastapi-insecure, in which the same checks find holes, is audited in test/audit.
test('the auditor finds nothing: rows of others, requests of other sites, changes of nothing', async () => {
  const checks = [
    'object-level',
    'foreign-selector',
    'missing-authentication',
    'cross-site-request-forgery',
    'unapplied-write',
  ];
  const { origin } = notes();
  const report = await withDocumentOf(origin, (file) => auditNotes(origin, file, checks));
  const found = report.checks.flatMap(({ findings }) => findings.map(({ title }) => title));
  expect(found).toEqual([]);
  expect(report.stopped).toBeNull();
  const sound = report.checks.flatMap(({ sound: each }) => each);
  expect(sound.length).toBeGreaterThan(20);
});

describe('what stands in the folder', () => {
  test('protect.sql is what sallyport protect writes, and the tables need no more', async () => {
    const request = { tables: ['projects', 'notes'], read: 'notes:read', write: 'notes:write' };
    const options = { ...request, owner: null, form: 'functions' as const };
    const plain = await createDatabase();
    onTestFinished(() => plain.drop());
    await plain.admin.query(readFileSync('examples/fastapi/schema.sql', 'utf8'));
    expect(await writeProtection(plain.url, options)).toBe(
      readFileSync('examples/fastapi/protect.sql', 'utf8'),
    );
    const missing = await findMissingProtection(started.database?.url ?? '', options);
    expect(missing.ok, missing.lines.join('\n')).toBe(true);
  });

  test('the gateway lists every operation, and each asks for a permission', () => {
    const file = parse(
      readFileSync(join('examples/fastapi', 'sallyport-gateway.yaml'), 'utf8'),
    ) as {
      readonly routes: readonly { readonly path: string; readonly access: unknown }[];
    };
    const open = file.routes.filter(({ access }) => typeof access === 'string');
    expect(open.map(({ path }) => path)).toEqual(['/openapi.json']);
    expect(file.routes).toHaveLength(13);
  });
});
