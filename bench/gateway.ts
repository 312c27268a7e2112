import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get, request as post } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { compareRates, load, quantile, type Target, warmUp } from './load.ts';
import { hasNginx, startNginx } from './nginx.ts';
import { installNodePeers } from './peers.ts';
import { leaveTheServersCore, type ServerProcess, startServerProcess } from './processes.ts';
import type { Figure } from './run.ts';
import { register, setStage, signIn, type Stage } from './support.ts';

const WINDOWS = 6;
const P99_SECONDS = 3;

/**
 * GET through the gateway, by somebody signed in, against a bare @fastify/http-proxy, which asks
 * nothing; against nginx, which asks the product with a sub-request; against no proxy at all. And a
 * gigabyte through it, down and up, while it is watched how much memory that takes.
 */
export async function gatewayBench(seconds: number): Promise<readonly Figure[]> {
  installNodePeers();
  const stage = await setStage();
  const upstream = await startServerProcess(['bench/reference-upstream.ts'], {});
  leaveTheServersCore(upstream.pid);
  const proxy = await startServerProcess(['bench/peers/http-proxy.mjs'], {
    UPSTREAM: upstream.origin,
  });
  const signing = await startGateway(stage, upstream, true);
  const silent = await startGateway(stage, upstream, false);
  const bare: Target = { url: `${proxy.origin}/notes` };
  const direct: Target = { url: `${upstream.origin}/notes` };

  const figures = [
    await figure(signing.target, bare, 'bare @fastify/http-proxy', seconds),
    await figure(silent.target, bare, 'bare @fastify/http-proxy, without assertions', seconds),
    await figure(signing.target, direct, 'a direct request', seconds),
  ];
  if (hasNginx) {
    const nginx = await startNginx(upstream.origin, stage.server.origin);
    const target = { url: `${nginx.origin}/notes`, headers: { cookie: stage.cookie } };
    figures.push(await figure(signing.target, target, 'nginx auth_request', seconds));
    await nginx.stop();
  } else process.stderr.write('There is no nginx on the PATH: it is left out.\n');
  figures.push(await gigabyte(signing, upstream, download, 'a direct download'));
  figures.push(await gigabyte(signing, upstream, upload, 'a direct upload'));

  for (const server of [signing, silent, proxy, upstream]) await server.stop();
  await stage.strike();
  return figures;
}

async function figure(
  ours: Target,
  theirs: Target,
  against: string,
  seconds: number,
): Promise<Figure> {
  const rate = async (target: Target) => (await load([target], seconds)).perSecond;
  const { ratio, spread } = await compareRates(
    () => rate(ours),
    () => rate(theirs),
    WINDOWS,
  );
  const p99 = async (target: Target) => (await load([target], P99_SECONDS)).p99Milliseconds;
  const [own, other] = [await p99(ours), await p99(theirs)];
  const times = own === null || other === null ? {} : { milliseconds: [own, other] as const };
  return { bench: 'gateway', against, ratio, spread, ...times };
}

interface Gateway extends ServerProcess {
  readonly target: Target;
  /** Of a page of its own: with them it may be changed. */
  readonly ownHeaders: Readonly<Record<string, string>>;
}

async function startGateway(
  stage: Stage,
  upstream: ServerProcess,
  assertions: boolean,
): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-gateway-'));
  const file = join(folder, 'gateway.yaml');
  await writeFile(
    file,
    `upstream: ${upstream.origin}
openapi: false
operatorPort: false
accessLog: false
assertions: ${assertions}
routes:
  - { method: GET, path: /notes, access: signed-in }
  - { method: GET, path: /gigabyte, access: signed-in, stream: true }
  - { method: POST, path: /gigabyte, access: signed-in, body: any, stream: true, bodyLimit: 1 GiB }
`,
  );
  const server = await startServerProcess(['dist/bin.js', 'gateway', '--config', file], {
    DATABASE_URL: stage.databaseUrl,
    SALLYPORT_DATA: stage.dataFolder,
    SALLYPORT_PORT: '0',
    SALLYPORT_LOG_LEVEL: 'error',
  });
  const account = `${server.origin}/sallyport`;
  const { cookie, csrfToken } = await signIn(account, await register(account));
  const target = { url: `${server.origin}/notes`, headers: { cookie } };
  await warmUp([target]);
  return {
    ...server,
    target,
    ownHeaders: { cookie, origin: server.origin, 'x-csrf-token': csrfToken },
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** The ratio is of the speed; the memory is what the process grew by while it passed. */
async function gigabyte(
  gateway: Gateway,
  upstream: ServerProcess,
  pass: (url: string, headers: Readonly<Record<string, string>>) => Promise<number>,
  against: string,
): Promise<Figure> {
  const through = () => pass(`${gateway.origin}/gigabyte`, gateway.ownHeaders);
  await through();
  const before = residentMegabytes(gateway.pid);
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, residentMegabytes(gateway.pid))), 50);
  const ratios: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const taken = await pass(`${upstream.origin}/gigabyte`, {});
    ratios.push(taken / (await through()));
  }
  clearInterval(watch);
  return {
    bench: 'gateway',
    against: `${against} of 1 GB; memory grown by`,
    ratio: quantile(ratios, 0.5),
    spread: [quantile(ratios, 0), quantile(ratios, 1)],
    memoryMegabytes: Math.round(peak - before),
  };
}

const GIGABYTE = 2 ** 30;

/** @returns milliseconds */
function download(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    get(url, { headers, agent: false }, (answer) => {
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => (bytes += chunk.length));
      answer.on('error', reject);
      answer.on('end', () => {
        if (bytes === GIGABYTE) resolve(performance.now() - began);
        else reject(new Error(`${url} sent ${bytes} bytes with ${answer.statusCode}`));
      });
    }).on('error', reject);
  });
}

/** @returns milliseconds */
async function upload(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const began = performance.now();
  const request = post(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/octet-stream', 'content-length': GIGABYTE },
    agent: false,
  });
  const answered = new Promise<string>((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (answer) => resolve(text(answer)));
  });
  const chunk = Buffer.alloc(65_536, 'x');
  const chunks = Array.from({ length: GIGABYTE / chunk.length }, () => chunk);
  Readable.from(chunks, { objectMode: false }).pipe(request);
  const received = await answered;
  if (received !== String(GIGABYTE)) throw new Error(`${url} took ${received} bytes`);
  return performance.now() - began;
}

function residentMegabytes(pid: number): number {
  const [, kilobytes = '0'] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1_024;
}
