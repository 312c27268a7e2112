import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AttackerSite {
  readonly port: number;
  /** The address, under the site's port, of a page with this content and these headers. */
  pathOf(html: string, headers?: Readonly<Record<string, string>>): string;
  close(): void;
}

/** A server in the attacker's hands: it sends whatever page they want, and redirects. */
export async function startAttackerSite(): Promise<AttackerSite> {
  const pages: { readonly html: string; readonly headers: Readonly<Record<string, string>> }[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://attacker.test');
    if (pathname === '/redirect') {
      // 307 keeps the method and the body.
      response.writeHead(307, { location: searchParams.get('to') ?? '/' }).end();
      return;
    }
    const page = pages[Number(pathname.slice(1))];
    if (!page) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...page.headers });
    response.end(`<!doctype html><title>Win</title><body>${page.html}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    pathOf: (html, headers = {}) => `/${pages.push({ html, headers }) - 1}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A request as it came in at the product, and what became of it. */
export interface Arrival {
  readonly method: string;
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Whether the answer lets a script of another origin read it, or send the request at all. */
  readonly shared: boolean;
  /** Whether one of our cookies came along. */
  readonly hasCookie: boolean;
}

export interface Arrivals {
  /** The requests whose query has this value under `attack`. */
  of(tag: string): readonly Arrival[];
  stop(): void;
}

/** Writes down every request that the process on this port answers. */
export function recordArrivals(port: number): Arrivals {
  const arrivals = new Map<string, Arrival[]>();
  const record = (message: unknown) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    if (request.socket.localPort !== port) return;
    const tag = new URL(request.url ?? '/', 'http://localhost').searchParams.get('attack');
    if (tag === null) return;
    const arrival = {
      method: request.method ?? '',
      status: response.statusCode,
      headers: request.headers,
      shared: response.hasHeader('access-control-allow-origin'),
      hasCookie: (request.headers.cookie ?? '').includes('__Host-'),
    };
    arrivals.set(tag, [...(arrivals.get(tag) ?? []), arrival]);
  };
  subscribe('http.server.response.finish', record);
  return {
    of: (tag) => arrivals.get(tag) ?? [],
    stop: () => unsubscribe('http.server.response.finish', record),
  };
}
