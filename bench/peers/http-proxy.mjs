// A bare proxy, as its own documentation begins: everything goes through, and nothing is asked.
import fastifyHttpProxy from '@fastify/http-proxy';
import { fastify } from 'fastify';

const app = fastify();
await app.register(fastifyHttpProxy, { upstream: process.env.UPSTREAM });
await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`http://localhost:${app.server.address().port}\n`);
process.once('SIGTERM', () => process.exit(0));
