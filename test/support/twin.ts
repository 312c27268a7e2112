// A small API in process, to be attacked: routes as a table, and a document made from them.
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TwinRequest {
  readonly method: string;
  readonly path: string;
  /** Values of the braces in the route's path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly cookies: Readonly<Record<string, string>>;
  readonly text: string;
  /** The body as JSON, or a form's fields; `{}` where it is neither. */
  // oxlint-disable-next-line typescript/no-explicit-any -- a twin reads bodies of every shape
  readonly body: any;
  /** The token after `Bearer `, or ''. */
  readonly bearer: string;
}

/** A body that is no string is sent as JSON. */
export interface TwinAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

export type TwinRoute = (request: TwinRequest) => TwinAnswer | Promise<TwinAnswer>;

/** `'GET /notes/{id}'` and what answers there. */
export type TwinRoutes = Readonly<Record<string, TwinRoute>>;

export interface Twin {
  readonly origin: string;
  /** What was asked, in order: `GET /notes/1`. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** Serves the routes on a free port; `document` at /openapi.json where it is given. */
export async function startTwin(routes: TwinRoutes, document?: object): Promise<Twin> {
  const asked: string[] = [];
  const all: TwinRoutes =
    document === undefined
      ? routes
      : { ...routes, 'GET /openapi.json': () => ({ status: 200, body: document }) };
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const text = await textOf(incoming);
      const url = new URL(incoming.url ?? '/', 'http://twin');
      asked.push(`${incoming.method} ${url.pathname}`);
      const found = routeFor(all, incoming.method ?? 'GET', url.pathname);
      const answer =
        found === null
          ? { status: 404, body: { detail: 'Not Found' } }
          : await found.route(requestOf(incoming, url, found.params, text));
      const isText = typeof answer.body === 'string';
      const type = isText ? 'text/html; charset=utf-8' : 'application/json';
      outgoing.writeHead(answer.status, { 'content-type': type, ...answer.headers });
      outgoing.end(
        answer.body === undefined ? undefined : isText ? answer.body : JSON.stringify(answer.body),
      );
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function routeFor(routes: TwinRoutes, method: string, path: string) {
  for (const [key, route] of Object.entries(routes)) {
    const [verb, template = ''] = key.split(' ');
    if (verb !== method) continue;
    const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
    const found = new RegExp(`^${template.replaceAll(/\{\w+\}/g, '([^/]+)')}$`).exec(path);
    if (found === null) continue;
    const values = found.slice(1).map(decodeURIComponent);
    return {
      route,
      params: Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])),
    };
  }
  return null;
}

function requestOf(
  incoming: IncomingMessage,
  url: URL,
  params: Record<string, string>,
  text: string,
): TwinRequest {
  const pairs = (incoming.headers.cookie ?? '').split('; ').filter((pair) => pair.includes('='));
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    params,
    query: url.searchParams,
    headers: incoming.headers,
    cookies: Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    ),
    text,
    body: bodyOf(incoming.headers['content-type'] ?? '', text),
    bearer: /^Bearer (.+)$/.exec(incoming.headers.authorization ?? '')?.[1] ?? '',
  };
}

function bodyOf(type: string, text: string): unknown {
  if (type.includes('urlencoded')) return Object.fromEntries(new URLSearchParams(text));
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return {};
  }
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
