import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** The server's URL through a network on which a round trip takes so many milliseconds longer. */
export async function startDelay(
  serverUrl: string,
  milliseconds: number,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    passOn(client, upstream, milliseconds / 2);
    passOn(upstream, client, milliseconds / 2);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(serverUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Timers of one length end in the order in which they were started, so bytes stay in order. */
function passOn(from: Socket, to: Socket, milliseconds: number): void {
  from.on('data', (chunk) => {
    setTimeout(() => {
      if (!to.destroyed) to.write(chunk);
    }, milliseconds);
  });
}
