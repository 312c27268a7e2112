// What leaves the house: attacks on the guard from the addresses, names, redirects and answers that
// a stranger could hand it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { fetch as unguardedFetch } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isPublicAddress } from '../../src/outbound/address.ts';
import {
  openOutbound,
  OutboundError,
  type Outbound,
  type OutboundOptions,
} from '../../src/outbound.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { INSIDE_ADDRESSES, insideTargets } from './inside-targets.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let canary: TcpServer;
let connections = 0;
let canaryPort = 0;
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  canary = createTcpServer((socket) => {
    connections++;
    socket.on('error', () => {});
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret');
  });
  canaryPort = await new Promise<number>((resolve) => {
    canary.listen(0, '::', () => resolve((canary.address() as AddressInfo).port));
  });
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  connections = 0;
});
afterAll(() => canary.close());

function open(options: OutboundOptions = {}): Outbound {
  const outbound = openOutbound(options);
  closers.push(() => outbound.close());
  return outbound;
}

/** An HTTP server on loopback; `host` is what insecureLoopbackHosts names. */
async function listen(
  handler: Handler,
): Promise<{ host: string; url: string; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server: Server = createServer((request, response) => {
    seen.push(request);
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, url: `http://${host}`, seen };
}

async function outcomeOf(asking: Promise<Response>): Promise<string> {
  try {
    return String((await asking).status);
  } catch (error) {
    if (error instanceof OutboundError) return error.code;
    throw error;
  }
}

describe('targets inside [R-95] [CWE-918] [ASVS 1.3.6]', () => {
  test('there are at least 200 of them, and a client without the guard does reach the listener', async () => {
    expect(insideTargets(canaryPort).length).toBeGreaterThanOrEqual(200);
    for (const host of [
      '2130706433',
      '0177.1',
      '0x7f.1',
      '[::ffff:7f00:1]',
      '[::1]',
      'localhost',
    ]) {
      const answer = await unguardedFetch(`http://${host}:${canaryPort}/`);
      expect(await answer.text(), host).toBe('secret');
    }
    expect(connections).toBe(6);
  });

  test('each is refused before a connection is opened, also where its port may be asked', async () => {
    const outbound = open({ ports: [443, canaryPort], timeoutMilliseconds: 2_000 });
    const targets = insideTargets(canaryPort);
    const outcomes = await Promise.all(targets.map((url) => outcomeOf(outbound.fetch(url))));
    const refusals = ['malformed-url', 'scheme-refused', 'credentials-in-url', 'host-refused'];
    const reached = targets.filter(
      (_, index) =>
        ![...refusals, 'port-refused', 'address-refused'].includes(outcomes[index] ?? ''),
    );
    expect(reached).toEqual([]);
    expect(connections).toBe(0);
  });

  test.each(INSIDE_ADDRESSES)('%s is no public address', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(['1.1.1.1', '93.184.216.34', '8.8.8.8', '172.15.0.1', '172.32.0.1', '100.63.0.1'])(
    '%s is one, its neighbour inside or not',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
      expect(isPublicAddress(`::ffff:${address}`)).toBe(true);
    },
  );

  test.each(['2606:4700:4700::1111', '2001:4860:4860::8888', '2620:fe::fe', '2a00:1450::1'])(
    '%s is one',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  test.each(['', 'a', '1.1.1', '1.1.1.1 ', '2606::%eth0', '1.1.1.1/8'])('%j is none', (text) => {
    expect(isPublicAddress(text)).toBe(false);
  });
});

describe('names that lead inside', () => {
  test.each([
    ['to loopback', ['127.0.0.1']],
    ['to loopback by IPv6 alone', ['::1']],
    ['to a public address and to a private one', ['93.184.216.34', '10.0.0.1']],
    ['to a public address and to cloud metadata by IPv6', ['93.184.216.34', 'fd00:ec2::254']],
    ["to Azure's host", ['168.63.129.16']],
    ['to loopback by NAT64', ['64:ff9b::7f00:1']],
  ])('%s: refused, for every address is judged [R-95]', async (_, addresses) => {
    const dns = await startDnsServer(() => addresses);
    closers.push(() => dns.close());
    const outbound = open({ ports: [canaryPort], nameServers: [dns.address] });
    const url = `https://inside.example.com:${canaryPort}/`;
    expect(await outcomeOf(outbound.fetch(url))).toBe('address-refused');
    expect(connections).toBe(0);
  });

  test('a name that rebinds between judging and connecting is looked up once [R-95] [CWE-367]', async () => {
    const dns = await startDnsServer((_, nth) => [nth === 0 ? '93.184.216.34' : '127.0.0.1']);
    closers.push(() => dns.close());
    const outbound = open({
      ports: [canaryPort],
      nameServers: [dns.address],
      timeoutMilliseconds: 300,
    });
    const url = `https://rebinding.example.com:${canaryPort}/`;
    // The public address is really tried, and has no such port, or there is no way to it.
    expect(await outcomeOf(outbound.fetch(url))).toMatch(/^(timeout|connection-failed)$/);
    expect(dns.asked).toEqual(['rebinding.example.com', 'rebinding.example.com']);
    expect(await outcomeOf(outbound.fetch(url))).toBe('address-refused');
    expect(connections).toBe(0);
  });

  test('a name without an address is told from one that is refused, and is asked of DNS alone', async () => {
    const dns = await startDnsServer(() => []);
    closers.push(() => dns.close());
    const outbound = open({ nameServers: [dns.address] });
    expect(await outcomeOf(outbound.fetch('https://nobody.example.com/'))).toBe('name-not-found');
    expect(dns.asked).toHaveLength(2);
  });

  test('a named host on this machine may have none but loopback addresses', async () => {
    const { host } = await listen((_, response) => response.end('here'));
    const port = host.split(':')[1] ?? '';
    const dns = await startDnsServer((name) => [
      name.startsWith('here') ? '127.0.0.1' : '10.0.0.1',
    ]);
    closers.push(() => dns.close());
    const names = [`here.example.com:${port}`, `there.example.com:${port}`];
    const outbound = open({ nameServers: [dns.address], insecureLoopbackHosts: names });
    expect(await (await outbound.fetch(`http://here.example.com:${port}/`)).text()).toBe('here');
    const there = outbound.fetch(`http://there.example.com:${port}/`);
    expect(await outcomeOf(there)).toBe('address-refused');
  });

  test("CockroachDB's ports are refused even where they are named", async () => {
    const insecureLoopbackHosts = ['localhost:8080', 'localhost:26257'];
    const outbound = open({ ports: [443, 8080, 26257], insecureLoopbackHosts });
    for (const url of [
      'http://localhost:8080/',
      'https://localhost:26257/',
      'https://a.example.com:8080/',
    ]) {
      expect(await outcomeOf(outbound.fetch(url)), url).toBe('port-refused');
    }
  });

  test('only the named hosts are asked where any are named', async () => {
    const dns = await startDnsServer(() => ['127.0.0.1']);
    closers.push(() => dns.close());
    const outbound = open({ hosts: ['API.example.com'], nameServers: [dns.address] });
    expect(await outcomeOf(outbound.fetch('https://b.example.com/'))).toBe('host-refused');
    expect(await outcomeOf(outbound.fetch('https://1.1.1.1/'))).toBe('host-refused');
    expect(dns.asked).toEqual([]);
    expect(await outcomeOf(outbound.fetch('https://api.example.com/'))).toBe('address-refused');
  });
});

describe('redirects', () => {
  test('are refused unless asked for [ASVS 15.3.2]', async () => {
    const to = await listen((_, response) => response.end('reached'));
    const from = await listen((_, response) => response.writeHead(302, { location: to.url }).end());
    const outbound = open({ insecureLoopbackHosts: [from.host, to.host] });
    expect(await outcomeOf(outbound.fetch(from.url))).toBe('redirect-refused');
    expect(to.seen).toEqual([]);
  });

  test('each hop passes the whole guard [R-95]', async () => {
    const targets = [
      `http://127.0.0.1:${canaryPort}/`,
      `https://127.0.0.1:${canaryPort}/`,
      'http://localhost:8080/',
      'https://169.254.169.254/latest/meta-data',
      `//127.0.0.1:${canaryPort}/`,
      'file:///etc/passwd',
      `https://user:password@example.com/`,
      'https://[::ffff:127.0.0.1]/',
    ];
    const from = await listen((request, response) => {
      response.writeHead(307, { location: targets[Number(request.url?.slice(1))] }).end();
    });
    const outbound = open({ insecureLoopbackHosts: [from.host], redirectsMax: 5 });
    for (const [index, target] of targets.entries()) {
      const outcome = await outcomeOf(outbound.fetch(`${from.url}/${index}`));
      expect(outcome, target).toMatch(/-refused$|^credentials-in-url$/);
    }
    expect(connections).toBe(0);
  });

  test('a new host gets no credential, the same one keeps them [CWE-522]', async () => {
    const to = await listen((_, response) => response.end('reached'));
    const from = await listen((request, response) => {
      const location = request.url === '/' ? '/again' : to.url;
      response.writeHead(302, { location }).end();
    });
    const outbound = open({ insecureLoopbackHosts: [from.host, to.host], redirectsMax: 2 });
    const headers = {
      authorization: 'Bearer secret',
      cookie: 'a=secret',
      'x-api-key': 'secret',
      accept: 'text/plain',
    };
    expect(await (await outbound.fetch(from.url, { headers })).text()).toBe('reached');
    expect(from.seen[1]?.headers).toMatchObject(headers);
    expect(JSON.stringify(to.seen[0]?.headers)).not.toContain('secret');
    expect(to.seen[0]?.headers.accept).toBe('text/plain');
  });

  test('more of them than were allowed, or one of a POST, are refused', async () => {
    const loop = await listen((_, response) => response.writeHead(302, { location: '/' }).end());
    const outbound = open({ insecureLoopbackHosts: [loop.host], redirectsMax: 3 });
    expect(await outcomeOf(outbound.fetch(loop.url))).toBe('redirect-refused');
    expect(loop.seen).toHaveLength(4);
    const posted = outbound.fetch(loop.url, { method: 'POST', body: 'a' });
    expect(await outcomeOf(posted)).toBe('redirect-refused');
    expect(loop.seen).toHaveLength(5);
  });
});

describe('answers that are too much [CWE-400] [CWE-409]', () => {
  const big = Buffer.alloc(100_000, 'a');

  test.each<[string, Handler, string]>([
    ['a body over the limit', (_, response) => response.end(big), 'answer-too-large'],
    [
      'a small body that grows when unpacked',
      (_, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync(big)),
      'answer-too-large',
    ],
    [
      'an encoding that was not asked for',
      (_, response) => response.setHeader('content-encoding', 'br').end('a'),
      'malformed-answer',
    ],
    [
      'what is no gzip',
      (_, response) => response.setHeader('content-encoding', 'gzip').end('a'),
      'malformed-answer',
    ],
    [
      'headers over the limit',
      (_, response) => response.setHeader('x-long', 'a'.repeat(20_000)).end(),
      'answer-too-large',
    ],
    ['no answer at all', () => {}, 'timeout'],
    [
      'a body that does not end',
      (_, response) => {
        response.write('a');
        const drip = setInterval(() => response.write('a'), 50);
        response.on('close', () => clearInterval(drip));
      },
      'timeout',
    ],
    ['a connection that breaks', (request) => request.socket.destroy(), 'connection-failed'],
    ['no HTTP', (request) => request.socket.end('SSH-2.0-OpenSSH\r\n'), 'connection-failed'],
    [
      'a status that is none',
      (request) => request.socket.end('HTTP/1.1 999 No\r\ncontent-length: 0\r\n\r\n'),
      'malformed-answer',
    ],
  ])('%s', async (_, handler, code) => {
    const { host, url } = await listen(handler);
    // Short where it is to run out: on a busy machine nothing else may meet it.
    const timeoutMilliseconds = code === 'timeout' ? 400 : 30_000;
    const limits = { bodyBytesMax: 50_000, timeoutMilliseconds };
    const outbound = open({ insecureLoopbackHosts: [host], ...limits });
    expect(await outcomeOf(outbound.fetch(url))).toBe(code);
  });

  test('one within the limits arrives, unpacked', async () => {
    const { host, url, seen } = await listen((_, response) => {
      response.setHeader('content-encoding', 'gzip').setHeader('x-a', 'b').end(gzipSync(big));
    });
    const outbound = open({ insecureLoopbackHosts: [host], bodyBytesMax: 100_000 });
    const answer = await outbound.fetch(url, {
      method: 'POST',
      body: new URLSearchParams({ a: 'b' }),
    });
    expect(await answer.text()).toBe(big.toString());
    expect(answer.headers.get('x-a')).toBe('b');
    expect(answer.headers.get('content-encoding')).toBeNull();
    expect(seen[0]?.headers['content-type']).toMatch('application/x-www-form-urlencoded');
  });

  test("the caller's own signal ends it with the caller's reason", async () => {
    const { host, url } = await listen(() => {});
    const outbound = open({ insecureLoopbackHosts: [host] });
    const asking = outbound.fetch(url, { signal: AbortSignal.timeout(50) });
    await expect(asking).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe('what cannot be meant is refused when it is written [ASVS 13.2.4]', () => {
  test.each<OutboundOptions>([
    { ports: [0] },
    { ports: [65_536] },
    { bodyBytesMax: 0 },
    { timeoutMilliseconds: -1 },
    { insecureLoopbackHosts: ['localhost'] },
    { insecureLoopbackHosts: ['http://localhost:1'] },
    { insecureLoopbackHosts: ['user@localhost:1'] },
    { insecureLoopbackHosts: ['*:1'] },
  ])('%j', (options) => {
    expect(() => openOutbound(options)).toThrow(TypeError);
  });

  test('a Host header of its own, which nobody would have judged [CWE-441]', async () => {
    const asking = open().fetch('https://example.com/', { headers: { Host: 'inside' } });
    await expect(asking).rejects.toThrow(TypeError);
  });
});
