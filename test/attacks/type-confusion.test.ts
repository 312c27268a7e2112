import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ask, Visitor } from '../support/client.ts';
import { mailedToken, newcomer, newPerson } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import {
  bodyOf as legitimateBody,
  expectSuccess,
  legitimate as legitimateRequest,
  named,
  send,
  startRecordedServer,
} from './routes.ts';

const server = await startRecordedServer();
let routes: readonly JsonRoute[];
beforeAll(async () => {
  routes = await jsonRoutes();
});
afterAll(() => server.close());

interface JsonRoute {
  readonly method: string;
  readonly path: string;
  readonly fields: readonly string[];
  /** Those that may not be left out. */
  readonly required: readonly string[];
}

/** Every route that takes a JSON body, with its fields, as the product describes itself. */
async function jsonRoutes(): Promise<readonly JsonRoute[]> {
  const { paths } = (await ask(server.origin, '/openapi.json')).json() as {
    paths: Record<string, Record<string, { requestBody?: { content: Content } }>>;
  };
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { requestBody }]) => {
      const body = requestBody?.content['application/json']?.schema;
      if (!body) return [];
      const object = body.properties ? body : body.anyOf?.find(({ properties }) => properties);
      const fields = Object.keys(object?.properties ?? {});
      const required = object?.required ?? [];
      return [{ method: method.toUpperCase(), path, fields, required }];
    }),
  );
}
interface Schema {
  readonly properties?: Record<string, unknown>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
}
type Content = Record<string, { schema: Schema } | undefined>;

/** What the former mailbox of somebody who changed their address was sent. */
async function reversionToken(): Promise<string> {
  const { browser, person } = await newcomer(server.origin);
  const { email } = newPerson();
  await browser.send('POST', '/api/account/change-email', { email });
  const token = await mailedToken(server.origin, email);
  await browser.send('POST', '/api/email-confirmations', { token });
  return await mailedToken(server.origin, person.email);
}

/** A browser that may call every route, and bodies that each of them would take. */
async function legitimate() {
  const { browser, person } = await newcomer(server.origin);
  const pending = newPerson();
  await new Visitor(server.origin).send('POST', '/api/sign-up', pending);
  const bodies: Record<string, Record<string, string>> = {
    '/api/sign-up': { ...newPerson() },
    '/api/email-confirmations': {
      token: await mailedToken(server.origin, pending.email),
      password: pending.password,
    },
    '/api/sign-in': { email: person.email, password: person.password },
    '/api/account/profile': { displayName: 'Grace' },
    '/api/account/change-email': { email: newPerson().email },
    '/api/email-reversions': { token: await reversionToken() },
    '/api/account/change-password': {
      currentPassword: person.password,
      newPassword: 'lavender tractor sings low',
    },
    '/api/re-authentication': { password: person.password },
  };
  return { browser, bodyOf: (path: string) => bodies[path] ?? {} };
}

const sendText = (browser: Visitor, { method, path }: JsonRoute, body: string) =>
  ask(server.origin, path, {
    method,
    headers: { ...browser.ownHeaders(), 'content-type': 'application/json' },
    body,
  });

const codeOf = (answer: Answer) => (answer.json() as { code: string }).code;

describe('every route that takes JSON', () => {
  test('is known here, so that a new one is attacked too', async () => {
    const { bodyOf } = await legitimate();
    expect(routes.length).toBeGreaterThanOrEqual(5);
    for (const { path, fields } of routes) {
      expect(Object.keys(bodyOf(path)).toSorted(), path).toEqual([...fields].toSorted());
    }
  });

  test('refuses for a text an array, an object, a number, null and a boolean [R-49] [CWE-843]', async () => {
    const { browser, bodyOf } = await legitimate();
    const changed = await changedBy(server.admin, async () => {
      for (const route of routes) {
        const body = bodyOf(route.path);
        for (const field of route.fields) {
          const own = body[field] ?? '';
          const confused: readonly unknown[] = [
            [own],
            [own, 'eve@evil.example'],
            [],
            [[own]],
            { 0: own },
            { $ne: '' },
            { toString: own },
            { length: own.length },
            {},
            0,
            1,
            -1,
            null,
            true,
            false,
          ];
          for (const value of confused) {
            const answer = await sendText(
              browser,
              route,
              JSON.stringify({ ...body, [field]: value }),
            );
            const what = `${route.path} ${field} ${JSON.stringify(value)}`;
            expect([answer.status, codeOf(answer)], what).toEqual([400, 'invalid-fields']);
            expect(answer.json().errors, what).toEqual([{ field, reason: 'not-text' }]);
          }
        }
      }
    });
    expect(changed).toEqual([]);
  });

  test('refuses a body that is no object, and one that lacks a field [R-49]', async () => {
    const { browser, bodyOf } = await legitimate();
    const changed = await changedBy(server.admin, async () => {
      for (const route of routes) {
        const own = bodyOf(route.path);
        for (const body of [[own], [], 'text', 1, true, ...(route.fields.length ? [null] : [])]) {
          const answer = await sendText(browser, route, JSON.stringify(body));
          expect(answer.status, `${route.path} ${JSON.stringify(body)}`).toBe(400);
        }
        for (const field of route.required) {
          const { [field]: _, ...rest } = own;
          const answer = await sendText(browser, route, JSON.stringify(rest));
          expect(answer.status, `${route.path} without ${field}`).toBe(400);
          expect(answer.json().errors).toEqual([{ field, reason: 'required' }]);
        }
      }
    });
    expect(changed).toEqual([]);
  });

  test('refuses a field that it does not ask for [CWE-915] [ASVS 15.3.3]', async () => {
    const { browser, bodyOf } = await legitimate();
    const changed = await changedBy(server.admin, async () => {
      for (const route of routes) {
        for (const field of ['id', 'identityId', 'disabled_at', 'role', 'folded', 'provedAt']) {
          const body = { ...bodyOf(route.path), [field]: 'x' };
          const answer = await sendText(browser, route, JSON.stringify(body));
          expect([answer.status, codeOf(answer)], route.path).toEqual([400, 'invalid-fields']);
        }
      }
    });
    expect(changed).toEqual([]);
  });

  test('refuses a name that comes twice, however it is spelled [R-49] [CWE-436]', async () => {
    const { browser, bodyOf } = await legitimate();
    const changed = await changedBy(server.admin, async () => {
      for (const route of routes) {
        const body = bodyOf(route.path);
        for (const field of route.fields) {
          const rest = JSON.stringify(body).slice(1, -1);
          const escaped = `\\u${(field.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
          const own = JSON.stringify(body[field]);
          const twice = [
            `{"${field}":"eve@evil.example",${rest}}`,
            `{${rest},"${field}":${own}}`,
            `{${rest} , "${field}"\n:\t${own}}`,
            `{"${escaped}${field.slice(1)}":"eve@evil.example",${rest}}`,
            `{"${field}":["\\"",{"a":1,"a":1}],${rest}}`,
          ];
          for (const text of twice) {
            const answer = await sendText(browser, route, text);
            expect(answer.status, `${route.path} ${text}`).toBe(400);
          }
        }
      }
    });
    expect(changed).toEqual([]);
  });

  test('refuses what would reach a prototype [CWE-1321] [ASVS 15.3.6]', async () => {
    const { browser, bodyOf } = await legitimate();
    const changed = await changedBy(server.admin, async () => {
      for (const route of routes) {
        const rest = JSON.stringify(bodyOf(route.path)).slice(1, -1);
        const comma = rest === '' ? '' : ',';
        for (const poison of [
          '"__proto__":{"email":"eve@evil.example"}',
          '"__proto__":null',
          '"\\u005f_proto__":{"polluted":true}',
          '"constructor":{"prototype":{"polluted":true}}',
          '"constructor":"x"',
          '"prototype":{"polluted":true}',
          '"toString":"x"',
          '"hasOwnProperty":"x"',
        ]) {
          for (const text of [`{${poison}${comma}${rest}}`, `{${rest}${comma}${poison}}`]) {
            const answer = await sendText(browser, route, text);
            expect(answer.status, `${route.path} ${text}`).toBe(400);
          }
        }
        const inherited = await sendText(browser, route, `{"__proto__":{${rest}}}`);
        expect(inherited.status, route.path).toBe(400);
      }
    });
    expect(changed).toEqual([]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('refuses what is almost JSON', async () => {
    const { browser, bodyOf } = await legitimate();
    const changed = await changedBy(server.admin, async () => {
      for (const route of routes) {
        const own = JSON.stringify(bodyOf(route.path));
        for (const text of [
          `${own}{}`,
          `${own},`,
          own.slice(0, -1),
          own.replaceAll('"', "'") + "'",
          `/* */${own}`,
          'NaN',
          'undefined',
          '{"a":1,}',
          '{a:1}',
          `\u0000${own}`,
          '['.repeat(8_000),
          `${'['.repeat(8_000)}${']'.repeat(8_000)}`,
          `${'{"a":'.repeat(2_500)}1${'}'.repeat(2_500)}`,
        ]) {
          const answer = await sendText(browser, route, text);
          expect(answer.status, `${route.path} ${text.slice(0, 80)}`).toBe(400);
        }
      }
    });
    expect(changed).toEqual([]);
  });

  test('takes the same bodies without the confusion', async () => {
    for (const route of routes) {
      const { browser, bodyOf } = await legitimate();
      const changed = await changedBy(server.admin, async () => {
        const answer = await browser.send(route.method, route.path, bodyOf(route.path));
        expect([200, 202, 204], `${route.path} ${answer.text}`).toContain(answer.status);
      });
      // There is no deletion to call off.
      expect(changed.length > 0, route.path).toBe(route.path !== '/api/account/keep');
    }
  });

  test('takes names and quotes that only look like repeated ones', async () => {
    const { browser } = await legitimate();
    const displayName = 'a "displayName": "b", \\"displayName\\":\\\\';
    const answer = await browser.send('PATCH', '/api/account/profile', { displayName });
    expect([answer.status, answer.json()]).toEqual([200, { displayName }]);
  });
});

describe('every form', () => {
  const forms = server.unsafeRoutes.filter(({ bodyType }) => bodyType === 'form');

  test.each(forms.map((route) => [named(route), route] as const))(
    '%s refuses a field that comes twice, and one that it does not ask for [R-49] [CWE-235]',
    async (_, route) => {
      const request = await legitimateRequest(server.origin, route);
      const own = { ...request.fields, _csrf: request.token };
      const body = legitimateBody(request);
      const post = async (text: string) => (await send(request, {}, { body: text })).status;
      const changed = await changedBy(server.admin, async () => {
        for (const [name, value] of Object.entries(own)) {
          const again = new URLSearchParams({ [name]: value }).toString();
          const spelled = `%${(name.codePointAt(0) ?? 0).toString(16)}${again.slice(1)}`;
          for (const extra of [
            again,
            `${name}=`,
            spelled,
            `${name}[]=x`,
            `${name}[0]=x`,
            `${name}.length=1`,
          ]) {
            expect(await post(`${body}&${extra}`), extra).toBe(400);
            expect(await post(`${extra}&${body}`), extra).toBe(400);
          }
        }
        for (const extra of ['__proto__=x', 'constructor=x', '__proto__[email]=x', 'owner=x']) {
          expect(await post(`${body}&${extra}`), extra).toBe(400);
        }
      });
      expect(changed).toEqual([]);
      const controlled = await changedBy(server.admin, async () =>
        expectSuccess(await send(request)),
      );
      expect(controlled).not.toEqual([]);
    },
  );
});
