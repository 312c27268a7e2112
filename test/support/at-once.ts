import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import type { Answer, Ask } from './client.ts';

export interface PreparedRequest extends Ask {
  readonly path: string;
  /** At least one byte: the last is what every request waits with. */
  readonly body: string;
}

/**
 * Sends the requests at the same moment: each has a connection of its own, on which everything but
 * the last byte of the body has gone out before the first of these bytes follows.
 */
export async function sendAtOnce(
  origin: string,
  requests: readonly PreparedRequest[],
): Promise<readonly Answer[]> {
  const prepared = await Promise.all(requests.map((each) => prepare(origin, each)));
  return await Promise.all(prepared.map((release) => release()));
}

async function prepare(origin: string, options: PreparedRequest): Promise<() => Promise<Answer>> {
  const { hostname, port, host } = new URL(origin);
  const bytes = Buffer.from(options.body);
  const request = httpRequest({
    hostname,
    port,
    path: options.path,
    method: options.method ?? 'POST',
    headers: { host, 'content-length': String(bytes.length), ...options.headers },
    agent: false,
  });
  const answer = new Promise<Answer>((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          setCookies: response.headers['set-cookie'] ?? [],
          text,
          json: () => JSON.parse(text),
        });
      });
    });
  });
  await new Promise<void>((resolve, reject) => {
    request.once('error', reject);
    request.flushHeaders();
    request.once('socket', (socket) => {
      const rest = () => request.write(bytes.subarray(0, -1), () => resolve());
      if (socket.connecting) socket.once('connect', rest);
      else rest();
    });
  });
  return () => {
    request.end(bytes.subarray(-1));
    return answer;
  };
}

/** A request without a body whose last byte is still to go. */
export interface HeldRequest {
  release(): void;
  /** Of the answer; 0 where there was none. */
  readonly status: Promise<number>;
  readonly isOpen: () => boolean;
  /** How many bytes have come so far. */
  readonly received: () => number;
  destroy(): void;
}

/**
 * The head of a request on a connection of its own, all but its last byte: for streams and
 * WebSockets, which are let go in the same tick as whatever they race with.
 */
export async function holdRequest(
  origin: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<HeldRequest> {
  const { hostname, port, host } = new URL(origin);
  const socket = connect(Number(port), hostname);
  let received = 0;
  const status = new Promise<number>((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(Number(chunk.toString('latin1').slice(9, 12))));
    socket.once('close', () => resolve(0));
  });
  socket.on('data', (chunk: Buffer) => (received += chunk.length));
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}`);
  const head = `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r`;
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.write(head, () => resolve());
  });
  socket.on('error', () => {});
  return {
    release: () => void socket.write('\n'),
    status,
    isOpen: () => !socket.destroyed,
    received: () => received,
    destroy: () => void socket.destroy(),
  };
}
