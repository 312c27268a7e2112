// Runs in a network of its own (`unshare --net`), where public and private addresses are all this
// process's. Asks through the guard and prints what came of it, and at which addresses a connection
// arrived. Its only argument is the folder of the certificate.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import ipaddr from 'ipaddr.js';
import { openOutbound, OutboundError } from '../../src/outbound.ts';
import { startDnsServer } from '../support/dns-server.ts';

const [folder = ''] = process.argv.slice(2);
const PUBLIC = ['93.184.216.34', '2606:2800:220:1::1'];
const INSIDE = [
  '10.1.2.3',
  '172.16.1.1',
  '192.168.1.1',
  '100.100.100.200',
  '169.254.169.254',
  '168.63.129.16',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd12::1',
];
const ip = (...words: string[]) => execFileSync('ip', words);
ip('link', 'set', 'lo', 'up');
for (const address of [...PUBLIC, ...INSIDE]) {
  ip('addr', 'add', `${address}/${address.includes(':') ? 128 : 32}`, 'dev', 'lo');
}

const arrived: string[] = [];
const answer: RequestListener = (request, response) => {
  const location = request.url?.startsWith('/to/') ? request.url.slice(4) : '';
  response.setHeader('connection', 'close');
  if (location) response.writeHead(302, { location: decodeURIComponent(location) }).end();
  else response.end(`reached with ${request.headers.authorization ?? 'no credential'}`);
};
const tls = {
  key: readFileSync(join(folder, 'key.pem')),
  cert: readFileSync(join(folder, 'cert.pem')),
};
for (const port of [443, 80, 8080, 26257]) {
  const server = port === 443 ? createHttpsServer(tls, answer) : createHttpServer(answer);
  server.on('connection', ({ localAddress }) => {
    arrived.push(`${ipaddr.process(localAddress ?? '').toString()}:${port}`);
  });
  await new Promise<void>((resolve) => server.listen(port, '::', resolve));
}
const dns = await startDnsServer((name, nth) => {
  if (name.startsWith('rebinding')) return nth === 0 ? PUBLIC : ['127.0.0.1', '::1'];
  return /^(public|other)/.test(name)
    ? PUBLIC
    : [INSIDE[Number(name.split('.')[0])] ?? '127.0.0.1'];
}, 53);

const headers = { authorization: 'Bearer secret' };
const outcomes: Record<string, string> = {};
for (const url of [
  'https://public.example.com/',
  'https://rebinding.example.com/',
  'https://rebinding.example.com/again',
  'https://public.example.com/to/https%3A%2F%2Fother.example.com%2F',
  'https://public.example.com/to/https%3A%2F%2F10.1.2.3%2F',
  'https://public.example.com/to/https%3A%2F%2F4.example.com%2Flatest%2Fmeta-data',
  'https://public.example.com/to/http%3A%2F%2Fpublic.example.com%3A8080%2F',
  'https://public.example.com:8080/',
  'https://public.example.com:26257/',
  'http://public.example.com/',
  ...INSIDE.map((_, index) => `https://${index}.example.com/`),
  ...INSIDE.map((address) => `https://${address.includes(':') ? `[${address}]` : address}/`),
  'https://127.0.0.1/',
  'https://[::1]/',
]) {
  const outbound = openOutbound({ nameServers: [dns.address], redirectsMax: 1 });
  try {
    outcomes[url] = await (await outbound.fetch(url, { headers })).text();
  } catch (error) {
    outcomes[url] = error instanceof OutboundError ? error.code : String(error);
  }
  await outbound.close();
}
process.stdout.write(JSON.stringify({ outcomes, arrived }));
process.exit(0);
