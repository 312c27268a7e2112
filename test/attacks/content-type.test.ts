import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../support/client.ts';
import { changedBy } from '../support/rows.ts';
import {
  bodyOf,
  expectEffect,
  expectSuccess,
  FORM_TYPE,
  formOf,
  type Headers,
  JSON_TYPE,
  type Legitimate,
  legitimate,
  named,
  type Route,
  send,
  shareOf,
  startRecordedServer,
  tryAll,
} from './routes.ts';

const server = await startRecordedServer();
afterAll(() => server.close());
const { origin } = server;

type Attack = readonly [type: string | string[] | null, body?: string];

/** Content types under which the route's own body, or the other kind's, must not get in. */
function foreignTypes(request: Legitimate): Record<string, Attack> {
  const own = request.route.bodyType === 'json' ? JSON_TYPE : FORM_TYPE;
  const other = request.route.bodyType === 'json' ? FORM_TYPE : JSON_TYPE;
  const { fields, token } = request;
  const multipart = `--x\r\nContent-Disposition: form-data; name="_csrf"\r\n\r\n${token}\r\n--x--\r\n`;
  return {
    // fetch(url, { method: 'POST', mode: 'no-cors', body: '{"displayName":"Mallory"}' })
    'text/plain': ['text/plain'],
    // <form enctype="text/plain"><input name='{"displayName":"' value='"}'>
    'text/plain with a charset': ['text/plain; charset=utf-8', `${bodyOf(request)}=`],
    'text/plain that names the type': [`text/plain; ${own}`],
    // navigator.sendBeacon(url, new Blob([...]))
    'no type at all': [null],
    // Only a DELETE may come so: see below.
    ...(request.route.method === 'DELETE' ? {} : { 'no type, and no body': [null, ''] as const }),
    'an empty type': [''],
    'the other kind, with our body': [other],
    'the other kind, with its own body': [
      other,
      request.route.bodyType === 'json'
        ? formOf({ ...fields, _csrf: token })
        : JSON.stringify({ ...fields, _csrf: token }),
    ],
    multipart: ['multipart/form-data; boundary=x', multipart],
    'multipart without a boundary': ['multipart/form-data', multipart],
    'the type twice': [[own, own]],
    'the type after text/plain': [['text/plain', own]],
    'the type before text/plain': [[own, 'text/plain']],
    'a list of types': [`${own}, text/plain`],
    'trailing text': [`${own} text/plain`],
    'an unknown parameter': [`${own}; version=1`],
    'an empty parameter': [`${own};`],
    'a tab before the parameter': [`${own}\t; charset=utf-8`],
    'a tab after the type': [`${own}\t;`],
    'another charset': [`${own}; charset=utf-16`],
    'two charsets': [`${own}; charset=utf-8; charset=utf-7`],
    'a suffix': [`${own}x`],
    'a prefix': [`x${own}`],
    'a structured suffix': ['application/vnd.api+json'],
    'text/json': ['text/json'],
    'a wildcard': ['*/*'],
    'no subtype': ['application'],
    'a space inside': [own.replace('/', '/ ')],
    'NBSP after the type': [`${own}\u00A0`],
    quotes: [`"${own}"`],
    'the word undefined': ['undefined'],
  };
}

function sendAs(request: Legitimate, [type, body]: Attack, headers: Headers = {}) {
  const changed = body === undefined ? {} : { body };
  return send(request, { ...headers, 'content-type': type }, changed);
}

describe.each(server.unsafeRoutes.map((route) => [named(route), route] as const))(
  '%s',
  (_, route) => {
    let request: Legitimate;
    beforeAll(async () => {
      request = await legitimate(origin, route);
    });

    test('refuses every type but its own before the handler, with the right token and origin [R-01] [R-02] [R-03] [R-18] [CWE-436] [ASVS 3.5.2]', async () => {
      const attacks = shareOf(server.unsafeRoutes, route, foreignTypes(request));
      const refused = Object.keys(attacks).map((name) => [name, 415]);
      expect(await tryAll(server.admin, attacks, (attack) => sendAs(request, attack))).toEqual({
        answers: Object.fromEntries(refused),
        changed: [],
      });
    });

    // Hono looked at the type first and let what it did not list walk past the origin check.
    test('refuses another origin under every type, known or not [R-01] [R-04] [R-18] [CWE-352]', async () => {
      const types = shareOf<Attack>(server.unsafeRoutes, route, {
        'its own type': ownType(request),
        'its own in capitals': [String(ownType(request)[0]).toUpperCase()],
        ...foreignTypes(request),
      });
      const evil = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
      const refused = Object.keys(types).map((name) => [name, 403]);
      expect(await tryAll(server.admin, types, (type) => sendAs(request, type, evil))).toEqual({
        answers: Object.fromEntries(refused),
        changed: [],
      });
    });

    test('odd case gives nothing away: the token is asked for as ever [R-01] [R-04]', async () => {
      const spellings = ['aPPLICATION', 'APPLICATION'].map(
        (word) => [String(ownType(request)[0]).replace('application', word)] as const,
      );
      const withoutToken = { ...request, token: 'wrong' };
      const tried = await tryAll(
        server.admin,
        Object.fromEntries(spellings.map((type) => [type[0], type])),
        (type) => sendAs(withoutToken, type, { 'x-csrf-token': null }),
      );
      expect(Object.values(tried.answers)).toEqual([403, 403]);
      expect(tried.changed).toEqual([]);
    });

    test('takes its own type, in any case and with its charset', async () => {
      const spelt = `${String(ownType(request)[0]).replace('application', 'Application')}; charset=UTF-8`;
      const changed = await changedBy(server.admin, async () =>
        expectSuccess(await sendAs(request, [spelt])),
      );
      expectEffect(route, changed);
    });
  },
);

/** Where each DELETE takes or ends a row, or marks that somebody proved who they are. */
const DELETES_FROM: Readonly<Record<string, string>> = {
  'DELETE /api/sessions/:id': 'sessions',
  'DELETE /api/sessions': 'sessions',
  'DELETE /api/account/totp': 'sessions',
  'DELETE /api/account/passkeys/:id': 'passkeys',
  'DELETE /api/account/password': 'passwords',
  'DELETE /api/account/providers/:id': 'provider_links',
  'DELETE /api/keys/:id': 'bearer_credentials',
  'DELETE /api/external-tokens/:id': 'bearer_credentials',
  'DELETE /api/external-tokens': 'bearer_credentials',
  'DELETE /api/members/:id': 'memberships',
  'DELETE /api/teams/:team': 'teams',
  'DELETE /api/teams/:team/members/:id': 'team_members',
  'DELETE /api/invitations/:id': 'invitations',
  'DELETE /api/roles/:name': 'roles',
};

// RFC 9110 9.3.5: a DELETE has nothing to say in a body. A client that sends none cannot name its
// type, and nobody's form can send the method; every other request without a type is refused above.
describe.each(
  server.unsafeRoutes
    .filter(({ method }) => method === 'DELETE')
    .map((route) => [named(route), route] as const),
)('%s without a body', (_, route) => {
  /** No body at all: neither a length nor a type, unless the attack adds one. */
  function sendEmpty(request: Legitimate, headers: Headers = {}) {
    const merged = { ...request.headers, 'content-type': null, ...headers };
    const kept = Object.entries(merged).flatMap(([name, value]) =>
      value === null ? [] : [[name, value] as const],
    );
    return ask(origin, request.path, { method: 'DELETE', headers: Object.fromEntries(kept) });
  }

  test('needs no type, and everything else as ever: origin, token, session [R-01] [R-04] [CWE-352]', async () => {
    const request = await legitimate(origin, route);
    const attacks: Record<string, readonly [number, Headers]> = {
      'another origin': [403, { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
      'no sign of an origin': [403, { 'sec-fetch-site': null, origin: null }],
      'no token': [403, { 'x-csrf-token': null }],
      'a wrong token': [403, { 'x-csrf-token': 'wrong' }],
      'no session': [401, { cookie: null }],
      'a type that is not ours': [415, { 'content-type': 'text/plain' }],
      "a form's type": [415, { 'content-type': FORM_TYPE }],
      'an empty type': [415, { 'content-type': '' }],
      'our type, and another': [415, { 'content-type': [JSON_TYPE, 'text/plain'] }],
      'a body whose length is not told': [415, { 'transfer-encoding': 'chunked' }],
    };
    const tried = await tryAll(server.admin, attacks, ([, headers]) => sendEmpty(request, headers));
    const refused = Object.entries(attacks).map(([name, [status]]) => [name, status]);
    expect(tried).toEqual({ answers: Object.fromEntries(refused), changed: [] });

    const changed = await changedBy(server.admin, async () =>
      expectSuccess(await sendEmpty(request)),
    );
    expect(changed).toContain(DELETES_FROM[named(route)]);
  });

  test('goes through also with a length of nothing, as some clients say it', async () => {
    const request = await legitimate(origin, route);
    const changed = await changedBy(server.admin, async () =>
      expectSuccess(await sendEmpty(request, { 'content-length': '0' })),
    );
    expect(changed).toContain(DELETES_FROM[named(route)]);
  });

  test('goes through also with our own type, and an empty object', async () => {
    for (const [headers, body] of [
      [{ 'content-type': JSON_TYPE }, ''],
      [{ 'content-type': JSON_TYPE }, '{}'],
    ] as const) {
      const request = await legitimate(origin, route);
      const changed = await changedBy(server.admin, async () =>
        expectSuccess(await send(request, headers, { body })),
      );
      expect(changed).toContain(DELETES_FROM[named(route)]);
    }
  });
});

function ownType({ route }: Legitimate): Attack {
  return [route.bodyType === 'json' ? JSON_TYPE : FORM_TYPE];
}

/** Spellings made of what the four advisories were made of: case, blanks, separators, leftovers. */
const spelling = fc
  .array(
    fc.constantFrom(
      'application/json',
      'application/x-www-form-urlencoded',
      'text/plain',
      'multipart/form-data',
      'Application/JSON',
      'application',
      '/',
      'json',
      'charset',
      'utf-8',
      '"utf-8"',
      'utf-7',
      'boundary=x',
      ' ',
      '\t',
      ';',
      '=',
      ',',
      '"',
      '\\',
      '+',
      '*',
      'a',
      '\u00A0',
      '\u00FF',
      '\u0085',
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => parts.join(''));
const likely = fc
  .tuple(
    fc.constantFrom('', ' ', '\t', ';', ','),
    fc.constantFrom(
      'application/json',
      'APPLICATION/json',
      'application/x-www-form-urlencoded',
      'text/plain',
    ),
    fc.constantFrom('', ' ', '\t', ';', ',', ' ;', '\t;', '; ', ';\t', ' x', 'x', '\u00A0'),
    fc.constantFrom(
      '',
      'charset=utf-8',
      'CHARSET=UTF-8',
      'charset="utf-8"',
      'charset=utf-16',
      'application/json',
    ),
    fc.constantFrom('', ' ', '\t', ';', ' ;', ', text/plain'),
  )
  .map((parts) => parts.join(''));

describe('the gate, the parser and the schema read one type', () => {
  const patch = server.unsafeRoutes.find(({ method }) => method === 'PATCH') as Route;
  const form = server.unsafeRoutes.find(
    ({ path, bodyType }) => path === '/account' && bodyType === 'form',
  ) as Route;
  let own: Legitimate;
  let ownForm: Legitimate;
  beforeAll(async () => {
    own = await legitimate(origin, patch);
    ownForm = await legitimate(origin, form);
  });

  async function displayName({ browser }: Legitimate): Promise<string> {
    return (await browser.get('/api/account/profile')).json().displayName as string;
  }

  /** The spellings that got in; each other one was 415 and changed nothing. */
  async function acceptedSpellings(
    request: Legitimate,
    body: (name: string) => string,
    success: number,
  ): Promise<readonly string[]> {
    const accepted: string[] = [];
    let current = await displayName(request);
    const property = fc.asyncProperty(fc.oneof(spelling, likely), fc.uuid(), async (type, name) => {
      const { status } = await sendAs(request, [type, body(name)]);
      const gotIn = status !== 415;
      const expected = gotIn ? [success, name] : [415, current];
      current = await displayName(request);
      expect([status, current]).toEqual(expected);
      if (gotIn) accepted.push(type.trim().toLowerCase());
    });
    const examples: Array<[string, string]> = [JSON_TYPE, FORM_TYPE].map((type) => [
      type,
      'Example',
    ]);
    await fc.assert(property, { numRuns: 250, examples });
    return accepted;
  }

  test('any spelling is either 415 or read as JSON by the JSON route [R-03] [CWE-436]', async () => {
    const body = (name: string) => JSON.stringify({ displayName: name });
    const accepted = await acceptedSpellings(own, body, 200);
    expect(accepted).toContain('application/json');
    // Nothing that a form can send, or that another reader might take for such.
    const others = accepted.filter((type) => !/^application\/json( *;[^;,]*)?$/.test(type));
    expect(others).toEqual([]);
  });

  test('any spelling is either 415 or read as a form by the form route [R-03] [CWE-436]', async () => {
    const body = (name: string) => formOf({ _csrf: ownForm.token, displayName: name });
    const accepted = await acceptedSpellings(ownForm, body, 303);
    expect(accepted).toContain(FORM_TYPE);
    const others = accepted.filter(
      (type) => !/^application\/x-www-form-urlencoded( *;[^;,]*)?$/.test(type),
    );
    expect(others).toEqual([]);
  });

  test('a body of the wrong kind under the right type is refused, never read as the other [R-01] [R-03]', async () => {
    const asForm = formOf({ displayName: 'Form' });
    const asJson = JSON.stringify({ _csrf: ownForm.token, displayName: 'Json' });
    const tried = await tryAll(
      server.admin,
      {
        'a form as JSON': asForm,
        'text as JSON': 'displayName',
        'broken JSON': '{"displayName":"x"',
      },
      (body) => sendAs(own, [JSON_TYPE, body]),
    );
    expect(tried).toEqual({
      answers: { 'a form as JSON': 400, 'text as JSON': 400, 'broken JSON': 400 },
      changed: [],
    });
    const json = await tryAll(server.admin, { 'JSON as a form': asJson }, (body) =>
      sendAs(ownForm, [FORM_TYPE, body]),
    );
    expect(json).toEqual({ answers: { 'JSON as a form': 400 }, changed: [] });
  });
});
