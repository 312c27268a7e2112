// The account's pages and API beside a team's own app: each keeps its own ways.
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import sallyport from '../../src/fastify.ts';
import { ask, fieldValue, Visitor } from '../support/client.ts';
import type { TestDatabase } from '../support/databases.ts';
import { newPerson } from '../support/people.ts';
import {
  createInvoices,
  insertMember,
  optionsFor,
  type PluginApp,
  startPluginApp,
} from '../support/plugin-apps.ts';

let database: TestDatabase;
let app: PluginApp;

beforeAll(async () => {
  database = await createInvoices();
  app = await startPluginApp({ ...optionsFor(database), prefix: '/my/accounts' }, build);
});

afterAll(async () => {
  await app.close();
  await database.drop();
});

const BODY = {
  type: 'object',
  required: ['count'],
  properties: { count: { type: 'integer' } },
} as const;

function build(own: FastifyInstance): void {
  own.setErrorHandler((error: Error & { validation?: unknown }, _request, reply) =>
    reply.code(error.validation ? 422 : 500).send({ by: 'the team', message: error.message }),
  );
  own.setNotFoundHandler((_request, reply) => reply.code(404).send({ by: 'the team' }));
  own.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
    done(null, { ...(JSON.parse(body.toString() || '{}') as object), parsedBy: 'the team' }),
  );
  own.addHook('onSend', async (_request, reply) => void reply.header('x-team', 'here'));
  own.get('/', { access: 'public', page: true }, async () => 'the home page of the team');
  own.get('/health', { access: 'public' }, async () => 'fine');
  own.get('/report', { access: 'signed-in', page: true }, async (_request, reply) =>
    reply.type('text/html').send('<p>figures</p>'),
  );
  own.post(
    '/count',
    { access: 'signed-in', bodyType: 'json', schema: { body: BODY } },
    async ({ body }) => body,
  );
  own.post('/broken', { access: 'signed-in', bodyType: 'json' }, async () => {
    throw new Error('it broke');
  });
}

describe("the team's own", () => {
  test('schemas, parser, error handler, hooks and 404 are in force on its routes', async () => {
    const { browser } = await insertMember(database.admin, app.origin);
    const counted = await browser.send('POST', '/count', { count: '3' });
    expect(counted.json()).toEqual({ count: 3, parsedBy: 'the team' });
    expect(counted.headers['x-team']).toBe('here');
    const wrong = await browser.send('POST', '/count', { count: 'many' });
    expect([wrong.status, wrong.json().by]).toEqual([422, 'the team']);
    const broken = await browser.send('POST', '/broken', {});
    expect([broken.status, broken.json()]).toEqual([500, { by: 'the team', message: 'it broke' }]);
    expect((await ask(app.origin, '/nowhere')).json()).toEqual({ by: 'the team' });
    expect((await ask(app.origin, '/')).text).toBe('the home page of the team');
    expect((await ask(app.origin, '/health')).text).toBe('fine');
  });

  test('are not in force on the account, nor the other way round', async () => {
    const visitor = new Visitor(app.origin);
    const refused = await visitor.send('POST', '/my/accounts/api/sign-in', { email: 1 });
    expect(refused.headers['content-type']).toContain('application/problem+json');
    expect(refused.json()).toMatchObject({ code: 'invalid-fields' });
    // A hook of the app itself is for every route of the app.
    expect(refused.headers['x-team']).toBe('here');
    const twice = await ask(app.origin, '/my/accounts/api/sign-in', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"email":"a","email":"b","password":"c"}',
    });
    expect(twice.json()).toMatchObject({ code: 'malformed-request' });
    const { browser } = await insertMember(database.admin, app.origin);
    const form = await browser.submit('/count', { count: '3', _csrf: browser.csrfToken ?? '' });
    expect(form.status).toBe(415);
  });

  test("limits of the account's bodies stay small, whatever the app allows", async () => {
    const large = JSON.stringify({ email: 'x'.repeat(20_000), password: 'y' });
    const answer = await ask(app.origin, '/my/accounts/api/sign-in', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: large,
    });
    expect(answer.status).toBe(413);
  });

  test('page asks for a sign-in on the page of the account, and gets its visitor back', async () => {
    const refused = await ask(app.origin, '/report?year=1');
    expect(refused.status).toBe(303);
    expect(refused.headers.location).toBe('/my/accounts/sign-in?return_to=%2Freport%3Fyear%3D1');
  });
});

describe('under its prefix', () => {
  test('the account is used from sign-up to sign-out by its own links and forms alone', async () => {
    const visitor = new Visitor(app.origin);
    const person = newPerson();
    const page = async (path: string) => {
      const answer = await visitor.get(path);
      expect([path, answer.status]).toEqual([path, 200]);
      return answer.text;
    };
    const submit = async (text: string, which: string, fields: Record<string, string>) => {
      const action = actionsOf(text).find((each) => each.endsWith(which)) ?? `no form ${which}`;
      return visitor.submit(action, { _csrf: fieldValue(text, '_csrf'), ...fields });
    };
    const home = await page('/my/accounts/');
    expect(leavesOf(home).filter((path) => !path.startsWith('/my/accounts/'))).toEqual([]);
    const { email, password, displayName } = person;
    const signUp = await page(leavesOf(home).find((path) => path.endsWith('/sign-up')) ?? '');
    expect((await submit(signUp, '/sign-up', { email, password, displayName })).status).toBe(200);

    const mailbox = await page('/my/accounts/development/mailbox');
    const link = /http:\/\/localhost:\d+(\/my\/accounts\/confirm-email\?token=[\w-]+)/.exec(
      mailbox,
    );
    const confirmation = await page(link?.[1] ?? 'no link');
    expect(
      (await submit(confirmation, '/confirm-email', { token: fieldValue(confirmation, 'token') }))
        .status,
    ).toBe(200);

    const refused = await visitor.get('/report');
    const signIn = await page(refused.headers.location ?? '');
    const signedIn = await submit(signIn, '/sign-in', {
      email,
      password,
      return_to: fieldValue(signIn, 'return_to'),
    });
    expect([signedIn.status, signedIn.headers.location]).toEqual([303, '/report']);
    expect(await page('/report')).toContain('figures');

    const account = await page('/my/accounts/account');
    const sections = leavesOf(account);
    expect(sections.filter((path) => !path.startsWith('/my/accounts/'))).toEqual([]);
    for (const path of sections.filter((each) => !each.includes('#'))) {
      const answer = await visitor.get(path);
      expect([path, [200, 303].includes(answer.status)]).toEqual([path, true]);
      expect([path, answer.headers.location?.startsWith('/my/accounts/') ?? true]).toEqual([
        path,
        true,
      ]);
    }
    const saved = await submit(account, '/account', { displayName: 'Grace' });
    expect(saved.headers.location).toBe('/my/accounts/account?notice=saved');
    const out = await submit(await page('/my/accounts/account'), '/sign-out', {});
    expect(out.status).toBe(200);
    expect((await visitor.get('/report')).status).toBe(303);
  });

  test('nothing of it is elsewhere', async () => {
    for (const path of [
      '/api/session',
      '/sign-in',
      '/account',
      '/openapi.json',
      '/sallyport/sign-in',
    ]) {
      expect([path, (await ask(app.origin, path)).json().by]).toEqual([path, 'the team']);
    }
  });

  test('the document of the API says where it is, and its page sends requests there', async () => {
    const document = (await ask(app.origin, '/my/accounts/openapi.json')).json();
    expect(document.servers).toEqual([{ url: `${app.origin}/my/accounts` }]);
    expect(Object.keys(document.paths)).toContain('/api/sign-in');
    expect(JSON.stringify(document)).not.toContain('/count');
    const docs = (await ask(app.origin, '/my/accounts/docs')).text;
    expect(docs).toContain('data-mount="/my/accounts"');
  });
});

test("an application's own document may describe the account, too", async () => {
  const own = fastify();
  await own.register(swagger, { openapi: { info: { title: 'Ours', version: '1' } } });
  await own.register(sallyport, optionsFor(database));
  own.get('/mine', { access: 'public' }, async () => 'x');
  await own.ready();
  const { paths = {} } = own.swagger() as unknown as {
    paths?: Record<string, Record<string, object>>;
  };
  await own.close();
  expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/mine', '/sallyport/api/sign-in']));
  expect(paths['/sallyport/api/sign-in']?.['post']).toMatchObject({
    requestBody: {
      content: {
        'application/json': {
          schema: { properties: { email: { type: 'string' } }, required: ['email', 'password'] },
        },
      },
    },
  });
});

test('a mail token in an address reaches no log of the app at its usual level [CWE-532]', async () => {
  const lines: string[] = [];
  const own = await startPluginApp(
    optionsFor(database),
    (instance) => {
      instance.get('/mine', { access: 'public' }, async () => 'x');
    },
    { logger: { level: 'info', stream: { write: (line: string) => void lines.push(line) } } },
  );
  await ask(own.origin, '/sallyport/confirm-email?token=the-mailed-token');
  await ask(own.origin, '/mine?token=of-the-team');
  await own.close();
  expect(lines.join('')).toContain('of-the-team');
  expect(lines.join('')).not.toContain('the-mailed-token');
});

test('the development mailbox answers to this machine alone', async () => {
  const { app: own } = app;
  const injected = (remoteAddress: string) =>
    own.inject({
      url: '/my/accounts/development/mailbox.json',
      headers: { host: new URL(app.origin).host },
      remoteAddress,
    });
  expect((await injected('127.0.0.1')).statusCode).toBe(200);
  expect((await injected('192.0.2.7')).statusCode).toBe(404);
});

function actionsOf(page: string): readonly string[] {
  return [...page.matchAll(/<form[^>]* action="([^"]+)"/g)].map(([, action = '']) => action);
}

/** Everything that the page leads to or fetches, but its own parts. */
function leavesOf(page: string): readonly string[] {
  return [...page.matchAll(/\b(?:href|src|action)="([^"#]+)"/g)].map(([, path = '']) => path);
}
