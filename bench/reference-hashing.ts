import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hash, verify } from '@node-rs/argon2';

// The yardstick of sign-in: the same verification and nothing else, one at a time.

const parameters = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const stored = await hash('violet kettle orbit', parameters);
let last: Promise<unknown> = Promise.resolve();

const server = createServer((_request, response) => {
  last = last
    .then(() => verify(stored, 'violet kettle orbit'))
    .then(() => response.end('verified'));
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://localhost:${(server.address() as AddressInfo).port}\n`);
});
process.once('SIGTERM', () => process.exit(0));
