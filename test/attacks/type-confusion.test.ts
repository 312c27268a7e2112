import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ask } from '../support/client.ts';
import { newcomer } from '../support/people.ts';
import { changedBy, changedTables, type Rows, rowsOf } from '../support/rows.ts';
import {
  bodyOf as legitimateBody,
  expectEffect,
  expectSuccess,
  JSON_TYPE,
  type Legitimate,
  legitimate as legitimateRequest,
  named,
  type Route,
  send,
  startRecordedServer,
} from './routes.ts';

const server = await startRecordedServer();
afterAll(() => server.close());

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
}
type Content = Readonly<Record<string, { readonly schema: Schema } | undefined>>;
type Operations = Readonly<
  Record<string, { readonly requestBody?: { readonly content: Content } }>
>;

const { paths } = (await ask(server.origin, '/openapi.json')).json() as {
  readonly paths: Readonly<Record<string, Operations>>;
};

/** What the body of a route may be, as the product describes itself; null where there is none. */
function bodySchema({ method, path }: Route): Schema | null {
  const operation = paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
  const schema = operation?.requestBody?.content[JSON_TYPE]?.schema;
  if (!schema) return null;
  return schema.properties ? schema : (schema.anyOf?.find(({ properties }) => properties) ?? {});
}

/** What no parser may take for a text, for a list, for a number or for an object. */
function confusedWith(schema: Schema, own: unknown): readonly unknown[] {
  const lists = [[], [own], [own, 'eve@evil.example'], [[own]], [null], [1]];
  const objects: readonly unknown[] = [
    {},
    { 0: own },
    { $ne: '' },
    { toString: own },
    { length: 1 },
  ];
  const numbers = [0, 1, -1];
  const texts = ['', '0', '1', 'text', '[]', '{}'];
  const always = [null, true, false];
  switch (schema.type) {
    case 'string':
      return [...lists, ...objects, ...numbers, ...always];
    case 'array':
      return [...lists.slice(1), ...objects, ...numbers, ...texts, ...always];
    case 'integer':
    case 'number':
      return [...lists, ...objects, ...texts, ...always, 1.5];
    case 'object':
      return [...lists, ...objects, ...numbers, ...texts, ...always];
    case undefined: {
      // Null is one of what it takes; of the others it is as of the type beside that.
      const other = schema.anyOf?.find(({ type }) => type !== 'null');
      if (other?.type) return confusedWith(other, own).filter((value) => value !== null);
      throw new Error('what is confused with something of no type?');
    }
    default:
      throw new Error(`what is confused with a ${schema.type}?`);
  }
}

const codeOf = (answer: Answer) => (answer.json() as { code: string }).code;

const withBody = server.unsafeRoutes
  .filter(({ bodyType }) => bodyType === 'json')
  .flatMap((route) => {
    const schema = bodySchema(route);
    return schema ? [[named(route), route, schema] as const] : [];
  });

test('every route that takes JSON describes what it takes [ASVS 2.1.1]', () => {
  const described = withBody.map(([name]) => name);
  const others = server.unsafeRoutes
    .filter(({ bodyType }) => bodyType === 'json')
    .filter((route) => !described.includes(named(route)));
  // A DELETE takes no body, and what has one all the same is refused by its type.
  expect(others.filter(({ method }) => method !== 'DELETE')).toEqual([]);
  expect(described.length).toBeGreaterThan(40);
});

describe.each(withBody)('%s', (_, route, schema) => {
  const properties = Object.entries(schema.properties ?? {});
  const required = schema.required ?? [];
  let request: Legitimate;
  let own: Readonly<Record<string, unknown>>;
  let before: Rows;
  beforeAll(async () => {
    request = await legitimateRequest(server.origin, route);
    own = request.fields;
    before = await rowsOf(server.admin);
  });

  const sendText = (body: string) => send(request, {}, { body });

  test('is known here, with the fields that it asks for', () => {
    const known = properties.map(([field]) => field);
    expect(known).toEqual(expect.arrayContaining(Object.keys(own)));
    expect(Object.keys(own)).toEqual(expect.arrayContaining([...required]));
  });

  test('refuses for each field what is of another type [R-49] [CWE-843] [ASVS 1.5.2] [ASVS 2.2.1] [ASVS 15.3.5]', async () => {
    for (const [field, property] of properties) {
      for (const value of confusedWith(
        property,
        own[field] ?? (property.type === 'array' ? [] : 'own'),
      )) {
        const answer = await sendText(JSON.stringify({ ...own, [field]: value }));
        const what = `${field} ${JSON.stringify(value)}`;
        expect([answer.status, codeOf(answer)], what).toEqual([400, 'invalid-fields']);
        const errors = answer.json().errors as readonly { field: string }[];
        const isText = property.type === 'string';
        const fields = [...new Set(errors.map((error) => error.field.split('/')[0]))];
        const told = [{ field, reason: 'not-text' }];
        expect(isText ? errors : fields, what).toEqual(isText ? told : [field]);
      }
    }
  });

  test('refuses a body that is no object, and one that lacks a field [R-49] [ASVS 2.2.1]', async () => {
    for (const body of [[own], [], 'text', 1, true, ...(properties.length > 0 ? [null] : [])]) {
      expect((await sendText(JSON.stringify(body))).status, JSON.stringify(body)).toBe(400);
    }
    for (const field of required) {
      const { [field]: _left, ...rest } = own;
      const answer = await sendText(JSON.stringify(rest));
      expect(answer.status, `without ${field}`).toBe(400);
      expect(answer.json().errors).toEqual([{ field, reason: 'required' }]);
    }
  });

  test('refuses a field that it does not ask for [CWE-915] [ASVS 15.3.3]', async () => {
    for (const field of ['identityId', 'tenant_id', 'disabled_at', 'owner', 'folded', 'provedAt']) {
      const answer = await sendText(JSON.stringify({ ...own, [field]: 'x' }));
      expect([answer.status, codeOf(answer)], field).toEqual([400, 'invalid-fields']);
    }
  });

  test('refuses a name that comes twice, however it is spelled [R-49] [CWE-436] [ASVS 15.3.7]', async () => {
    const rest = JSON.stringify(own).slice(1, -1);
    for (const [field, value] of Object.entries(own)) {
      const escaped = `\\u${(field.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
      const again = JSON.stringify(value);
      for (const text of [
        `{"${field}":"eve@evil.example",${rest}}`,
        `{"${field}":${again},${rest}}`,
        `{${rest},"${field}":${again}}`,
        `{${rest} , "${field}"\n:\t${again}}`,
        `{"${escaped}${field.slice(1)}":"eve@evil.example",${rest}}`,
        `{"${field}":["\\"",{"a":1,"a":1}],${rest}}`,
      ]) {
        expect((await sendText(text)).status, text).toBe(400);
      }
    }
  });

  test('refuses what would reach a prototype [CWE-1321] [ASVS 15.3.6] [ASVS 1.5.2]', async () => {
    const rest = JSON.stringify(own).slice(1, -1);
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
        expect((await sendText(text)).status, text).toBe(400);
      }
    }
    expect((await sendText(`{"__proto__":{${rest}}}`)).status).toBe(400);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('refuses what is almost JSON', async () => {
    const body = JSON.stringify(own);
    for (const text of [
      `${body}{}`,
      `${body},`,
      body.slice(0, -1),
      body.replaceAll('"', "'") + "'",
      `/* */${body}`,
      'NaN',
      'undefined',
      '{"a":1,}',
      '{a:1}',
      `\u0000${body}`,
      '['.repeat(8_000),
      `${'['.repeat(8_000)}${']'.repeat(8_000)}`,
      `${'{"a":'.repeat(2_500)}1${'}'.repeat(2_500)}`,
    ]) {
      expect((await sendText(text)).status, text.slice(0, 80)).toBe(400);
    }
  });

  // One look at all rows behind all refusals: what any of them changed shows here.
  test('none of that changed a row, and the same body without the confusion is taken', async () => {
    expect(changedTables(before, await rowsOf(server.admin))).toEqual([]);
    const changed = await changedBy(server.admin, async () => expectSuccess(await send(request)));
    expectEffect(route, changed);
  });
});

test('names and quotes that only look like repeated ones are taken', async () => {
  const { browser } = await newcomer(server.origin);
  const displayName = 'a "displayName": "b", \\"displayName\\":\\\\';
  const answer = await browser.send('PATCH', '/api/account/profile', { displayName });
  expect([answer.status, answer.json()]).toEqual([200, { displayName }]);
});

describe('every form', () => {
  const forms = server.unsafeRoutes.filter(({ bodyType }) => bodyType === 'form');

  test.each(forms.map((route) => [named(route), route] as const))(
    '%s refuses a field that comes twice, and one that it does not ask for [R-49] [CWE-235] [ASVS 2.2.2] [ASVS 15.3.7]',
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
