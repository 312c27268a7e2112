import { createServer, type AddressInfo, type Socket } from 'node:net';

/** An upstream that does one thing wrong; the last segment of the path says which. */
export interface FaultyUpstream {
  readonly url: string;
  /** How often each kind was asked for. */
  readonly asked: Map<string, number>;
  readonly open: () => number;
  close(): Promise<void>;
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const POISON = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison';

type Fault = (socket: Socket, count: number) => void;

const FAULTS: Readonly<Record<string, Fault>> = {
  ok: (socket) => void socket.write(OK),
  closes: (socket) => void socket.destroy(),
  'closes-once': (socket, count) => void (count === 1 ? socket.destroy() : socket.write(OK)),
  hangs: () => {},
  'hangs-in-the-head': (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-'),
  'drips-a-head': (socket) => {
    const timer = setInterval(() => socket.write('X'), 50);
    socket.write('HTTP/1.1 200 OK\r\nX-A: ');
    socket.on('close', () => clearInterval(timer));
  },
  'hangs-in-the-body': (socket) =>
    void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab'),
  'says-too-much': (socket) => {
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc');
  },
  'breaks-off-a-chunk': (socket) => {
    socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc');
  },
  'says-too-little': (socket) => void socket.write(OK + POISON),
  'answers-twice': (socket) => void socket.write(OK.replace('2\r\n\r\nok', '0\r\n\r\n') + POISON),
  'is-no-http': (socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n\r\n'),
  'has-two-lengths': (socket) =>
    void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 6\r\n\r\nokokok'),
  'has-a-bad-length': (socket) =>
    void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok'),
  'has-a-huge-head': (socket) =>
    void socket.write(
      `HTTP/1.1 200 OK\r\nX-A: ${'x'.repeat(100_000)}\r\nContent-Length: 0\r\n\r\n`,
    ),
  switches: (socket) =>
    void socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ),
  'hints-early': (socket) =>
    void socket.write(`HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n${OK}`),
};

export const KINDS: readonly string[] = Object.keys(FAULTS);

export async function startFaultyUpstream(): Promise<FaultyUpstream> {
  const asked = new Map<string, number>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const kind = /^\S+ \/\w+\/([\w-]+)/.exec(received)?.[1] ?? '';
      received = '';
      const count = (asked.get(kind) ?? 0) + 1;
      asked.set(kind, count);
      FAULTS[kind]?.(socket, count);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    open: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
