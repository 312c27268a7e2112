import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server of the audit's own on loopback, for the target to call: what came shows who called. */
export interface Listener {
  readonly port: number;
  /** The URL of a path on it. */
  url(path: string): string;
  /** Requests to this path so far, by whomever. */
  hits(path: string): number;
  close(): Promise<void>;
}

/** What the listener answers to a path; what is not in the table is a 404, and counted too. */
export type Reply = (request: IncomingMessage) => {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** Listens on a free port of loopback. `replies` may be added to while it runs. */
export async function openListener(replies: ReadonlyMap<string, Reply>): Promise<Listener> {
  const hits = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    hits.set(path, (hits.get(path) ?? 0) + 1);
    request.resume();
    const reply = replies.get(path)?.(request) ?? { status: 404 };
    response.writeHead(reply.status, { 'content-type': 'text/plain', ...reply.headers });
    response.end(reply.body ?? '');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: (path) => `http://127.0.0.1:${port}${path}`,
    hits: (path) => hits.get(path) ?? 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
