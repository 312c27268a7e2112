// What the file of the gateway may say, and what is drafted from an OpenAPI document.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addGateway } from '../../src/gateway/command.ts';
import {
  operationName,
  parseGatewayFile,
  parseUpstream,
  readGatewayFile,
} from '../../src/gateway/config.ts';
import { fetchOperations, readOperations, unlistedOperations } from '../../src/gateway/document.ts';
import { draftOf } from '../../src/gateway/draft.ts';
import { startGateway } from '../../src/gateway/gateway.ts';
import { overlap, parseTemplate, routerPath, type Template } from '../../src/gateway/template.ts';
import { startRecordingUpstream } from '../support/recording-upstream.ts';
import { testConfig } from '../support/servers.ts';

const UPSTREAM = 'http://127.0.0.1:8000';
const read = (text: string) => parseGatewayFile(`upstream: ${UPSTREAM}\n${text}`, 'a.yaml');
const route = (text: string) => read(`routes:\n  - { method: GET, access: signed-in, ${text} }`);
const routes = (...lines: readonly string[]) =>
  read(
    `routes:\n${lines.map((line) => `  - { method: GET, access: signed-in, ${line} }`).join('\n')}`,
  );

function template(text: string): Template {
  const parsed = parseTemplate(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.template;
}

describe('the file', () => {
  test('has its defaults', () => {
    const { routes: listed, ...config } = route('path: /notes');
    expect(config).toMatchObject({
      upstream: UPSTREAM,
      audience: UPSTREAM,
      prefix: '/sallyport',
      openapi: '/openapi.json',
      assertions: true,
    });
    expect(listed).toMatchObject([
      { bodyLimit: 1_048_576, timeoutSeconds: 30, stream: false, setCookie: false },
    ]);
  });

  test.each([
    ['an unknown key', 'path: /notes, acess: public', 'acess'],
    ['an unknown access', 'path: /notes, access: everybody', 'routes.0.access'],
    ['an unknown condition', 'path: /notes, access: { permision: x }', 'routes.0.access'],
    ['a limit that is none', 'path: /notes, bodyLimit: 1 meg', 'routes.0.bodyLimit'],
    ['a body with GET', 'path: /notes, body: json', 'GET has no body'],
    ['no slash', 'path: notes', 'a path begins with /'],
    ['dot segments', 'path: /notes/../x', 'no dot segments'],
    ['empty segments', 'path: //notes', 'no empty segments'],
    ['half a parameter', 'path: "/notes/{id}.json"', 'a text or one parameter'],
    ['an unknown type', 'path: "/notes/{id:float}"', 'a text or one parameter'],
    ['a parameter twice', 'path: "/{id}/{id}"', 'twice'],
    ['a wildcard that is not the last segment', "path: '/notes/*/x'", 'as the last segment'],
    ['a wildcard beside a text', "path: '/notes/a*'", 'as the last segment'],
    ['an escaped wildcard', "path: '/notes/%2A'", 'a text or one parameter'],
    ['bytes that are no text', "path: '/notes/%FF'", 'a text or one parameter'],
    ['the place of the account', 'path: /sallyport/x', 'take another prefix'],
    [
      'a team that is not in the path',
      'path: /x, access: { team: { parameter: team, permission: "a:b" } }',
      '{team}',
    ],
  ])('is refused with %s', (_name, text, complaint) => {
    expect(() => route(text)).toThrow(complaint);
  });

  test('needs the type of body where something may change', () => {
    const text = 'routes:\n  - { method: POST, path: /notes, access: signed-in';
    expect(() => read(`${text} }`)).toThrow('add body: json, form or any');
    expect(() => read(`${text}, body: form, stream: true }`)).toThrow('not streamed');
    expect(read(`${text}, body: json, bodyLimit: 64 KiB }`).routes[0]?.bodyLimit).toBe(65_536);
  });

  test('takes an upstream across the network in the clear only where that is said [ASVS 12.3.3] [CWE-319]', () => {
    const upstream =
      (url: string, more = '') =>
      () =>
        parseGatewayFile(`upstream: ${url}\n${more}routes: []`, 'a.yaml');
    for (const url of ['http://10.0.0.5:8000', 'http://api', 'http://127.0.0.1.example']) {
      expect(upstream(url)).toThrow('insecureUpstream');
      expect(upstream(url, 'insecureUpstream: true\n')).not.toThrow();
    }
    for (const url of ['https://api', 'http://127.0.0.1:8000', 'http://[::1]:8000']) {
      expect(upstream(url)).not.toThrow();
    }
  });

  test('needs an upstream, which the command line may name', () => {
    expect(() => parseGatewayFile('routes: []', 'a.yaml')).toThrow('a.yaml: upstream');
    for (const wrong of [
      '',
      'api',
      'ftp://a',
      'http://',
      'http://a/b',
      'http://u:p@a',
      'http://a?b',
    ]) {
      expect(() => parseUpstream(wrong)).toThrow('upstream: scheme, host and port');
    }
    expect(() => parseGatewayFile('upstream: http://a/b\nroutes: []', 'a.yaml')).toThrow('no path');
    const other = parseGatewayFile(`upstream: ${UPSTREAM}\nroutes: []`, 'a.yaml', 'https://b:1');
    expect(other.upstream).toBe('https://b:1');
  });

  test('two routes that take one path are refused, unless they say the same', () => {
    expect(() => routes("path: '/n/{id}'", "path: '/n/mine', setCookie: true")).toThrow('overlap');
    expect(() => routes("path: '/n/{id}'", "path: '/n/{name}'")).toThrow('overlap');
    expect(() => routes('path: /n', 'path: /n')).toThrow('overlap');
    expect(() => routes("path: '/{a}/x', setCookie: true", "path: '/x/{b}'")).toThrow('overlap');
    expect(() => routes("path: '/n/{id:int}'", "path: '/n/{id:uuid}'")).toThrow('overlap');
    expect(() => routes("path: '/n/*'", "path: '/n/mine', setCookie: true")).toThrow('overlap');
    expect(() => routes("path: '/n/*'", "path: '/n/*'")).toThrow('overlap');
    expect(routes("path: '/n/{id}'", "path: '/n/mine'").routes).toHaveLength(2);
    expect(routes("path: '/n/*'", "path: '/n/mine'", "path: '/n/{id}'").routes).toHaveLength(3);
    expect(routes("path: '/n/*'", 'path: /n, setCookie: true').routes).toHaveLength(2);
    expect(routes("path: '/n/{id:int}'", "path: '/n/mine', setCookie: true").routes).toHaveLength(
      2,
    );
  });
});

test.each([
  ['/n/debug', '/n/{id}'],
  ['/n/debug/all', '/n/*'],
  ['/n/{name}.txt', '/n/{id}'],
])('what is for nobody, here %s, is not reached as %s [CWE-863]', (withheld, offered) => {
  const nobody = (path: string) =>
    read(`routes:
  - { method: GET, path: '${withheld}', access: nobody }
  - { method: GET, path: '${path}', access: signed-in }`);
  expect(() => nobody(offered)).toThrow(`GET ${withheld} is for nobody, and ${offered} takes it`);
  expect(nobody('/m/{id}').routes).toHaveLength(1);
});

test('templates overlap where one path is taken by both', () => {
  expect(overlap(template('/a/{x}'), template('/a/b'))).toBe(true);
  expect(overlap(template('/a/{x:uuid}'), template('/a/b'))).toBe(false);
  expect(overlap(template('/a/{x}'), template('/a'))).toBe(false);
  expect(overlap(template('/a/{x}/c'), template('/a/b/{y}'))).toBe(true);
  for (const taken of ['/a/b', '/a/', '/a/b/c', '/a/{x:int}', '/{x}/y', '/*', '/a/b/*']) {
    expect(overlap(template('/a/*'), template(taken))).toBe(true);
    expect(overlap(template(taken), template('/a/*'))).toBe(true);
  }
  for (const other of ['/a', '/b/a', '/b/*', '/{x:int}/b', '/']) {
    expect(overlap(template('/a/*'), template(other))).toBe(false);
    expect(overlap(template(other), template('/a/*'))).toBe(false);
  }
  expect(routerPath(template('/a:b/{x:int}'))).toBe('/a::b/:x');
  expect(routerPath(template('/a/{x}/*'))).toBe('/a/:x/*');
});

const DOCUMENT = JSON.stringify({
  openapi: '3.1.0',
  components: {
    requestBodies: { Note: { content: { 'application/json; charset=utf-8': {} } } },
    schemas: { Id: { type: 'string', format: 'uuid' } },
  },
  paths: {
    '/notes': {
      get: { responses: { 200: { content: { 'application/json': {} } } } },
      post: { requestBody: { $ref: '#/components/requestBodies/Note' } },
    },
    '/notes/{note_id}': {
      parameters: [{ in: 'path', name: 'note_id', schema: { $ref: '#/components/schemas/Id' } }],
      get: {},
      delete: {},
    },
    '/upload': { post: { requestBody: { content: { 'multipart/form-data': {} } } } },
    '/form': { post: { requestBody: { content: { 'application/x-www-form-urlencoded': {} } } } },
    '/events': { get: { responses: { 200: { content: { 'text/event-stream': {} } } } } },
    '/files/{name}.txt': { get: {} },
    '/tree/{path}': {
      get: {
        parameters: [{ in: 'path', name: 'path', schema: { type: 'string', format: 'path' } }],
      },
    },
    '/static/{*}': { get: {} },
    'x-other': { get: 7 },
  },
});

async function command(...argv: readonly string[]): Promise<void> {
  const program = new Command('sallyport').exitOverride();
  addGateway(program, {
    configuration: () => testConfig({ DATABASE_URL: 'postgresql://a:b@127.0.0.1:1/none' }),
    run: async () => {},
    print: () => {},
  });
  await program.parseAsync(['gateway', ...argv], { from: 'user' });
}

describe('the document', () => {
  test('of a running upstream is drafted, and keeps the gateway from starting while it says more', async () => {
    const upstream = await startRecordingUpstream();
    upstream.answer = (request, answer) =>
      void (request.url === '/openapi.json' ? answer.end(DOCUMENT) : answer.writeHead(404).end());
    const fetched = await fetchOperations(upstream.url, '/openapi.json', 0);
    expect(fetched).toHaveLength(10);
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-gateway-'));
    const drafted = join(folder, 'drafted.yaml');
    await command('init', '--upstream', upstream.url, '--config', drafted);
    expect(readGatewayFile(drafted, undefined).listed.size).toBe(10);
    await expect(command('init', '--upstream', upstream.url, '--config', drafted)).rejects.toThrow(
      'could not be written',
    );
    await expect(command('--config', join(folder, 'none.yaml'))).rejects.toThrow('gateway init');
    rmSync(folder, { recursive: true });
    await expect(fetchOperations(upstream.url, '/elsewhere', 0)).rejects.toThrow(
      'answered with 404',
    );
    const config = testConfig({ DATABASE_URL: 'postgresql://a:b@127.0.0.1:1/none' });
    const file = `upstream: ${upstream.url}\nroutes:\n  - { method: GET, path: /notes, access: public }`;
    const starting = startGateway(config, parseGatewayFile(file, 'a.yaml'));
    await expect(starting).rejects.toThrow(
      'POST /notes is offered by the upstream and not listed: add it',
    );
    await upstream.close();
    await expect(fetchOperations(upstream.url, '/openapi.json', 0)).rejects.toThrow(
      'Start the upstream',
    );
  });

  const operations = readOperations(DOCUMENT, 'it');

  test('is drafted with everything signed-in, and the draft is a file that lists all of it', () => {
    const config = parseGatewayFile(draftOf(UPSTREAM, operations), 'draft.yaml');
    expect(unlistedOperations(operations, config.listed)).toEqual([]);
    const said = config.routes.map(({ method, path, access, body, stream }) => [
      `${method} ${path}`,
      access,
      body ?? null,
      stream,
    ]);
    expect(said).toEqual([
      ['GET /notes', 'signed-in', null, false],
      ['POST /notes', 'signed-in', 'json', false],
      ['GET /notes/{note_id:uuid}', 'signed-in', null, false],
      ['DELETE /notes/{note_id:uuid}', 'signed-in', 'json', false],
      ['POST /upload', 'signed-in', 'any', false],
      ['POST /form', 'signed-in', 'form', false],
      ['GET /events', 'signed-in', null, true],
      ['GET /tree/*', 'signed-in', null, false],
      ['GET /static/*', 'signed-in', null, false],
    ]);
    expect(config.listed).toContain('GET /files/{}.txt');
  });

  test('what the file does not list is told, each in a line', () => {
    const listed = new Set([
      operationName('GET', '/notes'),
      operationName('GET', '/notes/{other}'),
    ]);
    const lines = unlistedOperations(operations, listed);
    expect(lines).toHaveLength(operations.length - 2);
    expect(lines[0]).toBe(
      'POST /notes is offered by the upstream and not listed: add it, with `access: nobody` if it is not to be reached.',
    );
  });

  test('what is none is refused, and a hostile one resolves nothing elsewhere', () => {
    expect(() => readOperations('<html>', 'it')).toThrow('no OpenAPI document');
    expect(() => readOperations('[]', 'it')).toThrow('no OpenAPI document');
    const circular = {
      paths: { '/a': { $ref: '#/paths/~1a' }, '/b': { $ref: 'file:///etc/passwd' } },
    };
    expect(readOperations(JSON.stringify(circular), 'it')).toEqual([]);
    expect(readOperations('{"paths":{"/x":{"$ref":"#/__proto__/y"}}}', 'it')).toEqual([]);
  });
});
