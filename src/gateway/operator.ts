import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

export interface OperatorServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * What is for those who run the gateway, on loopback and a port of its own, where no visitor comes:
 * `/metrics`, `/live`, and `/ready`, which a load balancer goes by.
 */
export async function startOperatorServer(
  port: number,
  registry: Registry,
  isReady: () => Promise<boolean>,
): Promise<OperatorServer> {
  const server = createServer((request, answer) => {
    const end = (status: number, text: string, type = 'text/plain; charset=utf-8') =>
      answer.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
    // A page that a browser has open must not read it under a name of its own (DNS rebinding).
    const host = request.headers.host ?? '';
    if (!/^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/.test(host)) return void end(421, '');
    if (request.method !== 'GET') return void end(405, '');
    if (request.url === '/live') return void end(200, 'ok\n');
    if (request.url === '/ready') {
      void isReady().then((ready) => end(ready ? 200 : 503, ready ? 'ok\n' : 'not ready\n'));
      return;
    }
    if (request.url !== '/metrics') return void end(404, '');
    void registry.metrics().then(
      (text) => end(200, text, registry.contentType),
      () => end(500, ''),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
