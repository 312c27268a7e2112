import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A request as it arrived behind the gateway, byte for byte where bytes matter. */
export interface Recorded {
  readonly method: string;
  readonly target: string;
  /** Name and value in turn, as they came. */
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** Whether all of it arrived. */
  readonly complete: boolean;
}

type Answering = (request: IncomingMessage, answer: ServerResponse, recorded: Recorded) => void;

export interface RecordingUpstream {
  readonly url: string;
  readonly port: number;
  /** What has arrived so far, in the order in which it was complete. */
  readonly requests: Recorded[];
  /** Connections that are open, and how many there were in all. */
  readonly open: () => number;
  readonly connections: () => number;
  /** Answers the next requests; `{}` as JSON unless said. */
  answer: Answering;
  /** Takes upgrades. */
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Ends every connection without a word. */
  kill(): void;
  close(): Promise<void>;
}

export const answerEmpty: Answering = (_request, answer) => {
  answer.setHeader('content-type', 'application/json');
  answer.end('{}');
};

/** An API that believes nothing and notes everything. */
export async function startRecordingUpstream(): Promise<RecordingUpstream> {
  const requests: Recorded[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((request, answer) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    request.on('close', () => {
      const { method = '', url: target = '', rawHeaders, headers, complete } = request;
      const recorded = {
        method,
        target,
        rawHeaders,
        headers,
        body: Buffer.concat(chunks),
        complete,
      };
      requests.push(recorded);
      if (complete) upstream.answer(request, answer, recorded);
    });
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request, socket, head: Buffer) => {
    socket.on('error', () => {});
    upstream.upgrade(request, socket, head);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const upstream: RecordingUpstream = {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    open: () => sockets.size,
    connections: () => connections,
    answer: answerEmpty,
    upgrade: (_request, socket) => void socket.destroy(),
    kill() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      upstream.kill();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return upstream;
}
