import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// What stands behind the gateways: it does next to nothing, so that what is measured is before it.

const BODY = Buffer.from(JSON.stringify({ notes: ['a', 'b', 'c'], text: 'x'.repeat(200) }));
const CHUNK = Buffer.alloc(65_536, 'x');
const GIGABYTE = 2 ** 30;

const server = createServer((request, answer) => {
  if (request.method === 'POST') {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => answer.end(String(bytes)));
    return;
  }
  request.resume();
  if (request.url !== '/gigabyte') {
    answer.writeHead(200, { 'content-type': 'application/json', 'content-length': BODY.length });
    answer.end(BODY);
    return;
  }
  let left = GIGABYTE / CHUNK.length;
  const write = () => {
    while (left > 0) {
      left -= 1;
      if (!answer.write(CHUNK)) return void answer.once('drain', write);
    }
    answer.end();
  };
  write();
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://localhost:${(server.address() as AddressInfo).port}\n`);
});
process.once('SIGTERM', () => process.exit(0));
