import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareRates, load, quantile, type Target } from './load.ts';
import { hasNginx, startNginx } from './nginx.ts';
import { installNodePeers } from './peers.ts';
import { leaveTheServersCore, type ServerProcess, startServerProcess } from './processes.ts';
import type { Figure } from './run.ts';
import { register, setStage, signIn, type Stage } from './support.ts';

const WINDOWS = 6;
const P99_SECONDS = 3;
/** Until the connections are open, the statements prepared and the code compiled. */
const WARM_UP_SECONDS = 5;

/**
 * GET through the gateway, by somebody signed in, against a bare @fastify/http-proxy, which asks
 * nothing; against nginx, which asks the product with a sub-request; against no proxy at all. And a
 * gigabyte through it, while it is watched how much memory that takes.
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
  figures.push(await gigabyte(signing, upstream));

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
`,
  );
  const server = await startServerProcess(['dist/bin.js', 'gateway', '--config', file], {
    DATABASE_URL: stage.databaseUrl,
    SALLYPORT_DATA: stage.dataFolder,
    SALLYPORT_PORT: '0',
    SALLYPORT_LOG_LEVEL: 'error',
  });
  const account = `${server.origin}/sallyport`;
  const { cookie } = await signIn(account, await register(account));
  const target = { url: `${server.origin}/notes`, headers: { cookie } };
  await load([target], WARM_UP_SECONDS);
  return {
    ...server,
    target,
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** The ratio is of the speed; the memory is what the process grew by while it passed. */
async function gigabyte(gateway: Gateway, upstream: ServerProcess): Promise<Figure> {
  const through = { url: `${gateway.origin}/gigabyte`, headers: gateway.target.headers ?? {} };
  await download(through);
  const before = residentMegabytes(gateway.pid);
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, residentMegabytes(gateway.pid))), 50);
  const ratios: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const taken = await download({ url: `${upstream.origin}/gigabyte`, headers: {} });
    ratios.push(taken / (await download(through)));
  }
  clearInterval(watch);
  return {
    bench: 'gateway',
    against: 'a direct download of 1 GB; memory grown by',
    ratio: quantile(ratios, 0.5),
    spread: [quantile(ratios, 0), quantile(ratios, 1)],
    memoryMegabytes: Math.round(peak - before),
  };
}

/** @returns milliseconds */
function download({ url, headers }: Required<Pick<Target, 'url' | 'headers'>>): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    get(url, { headers, agent: false }, (answer) => {
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => (bytes += chunk.length));
      answer.on('error', reject);
      answer.on('end', () => {
        if (bytes === 2 ** 30) resolve(performance.now() - began);
        else reject(new Error(`${url} sent ${bytes} bytes with ${answer.statusCode}`));
      });
    }).on('error', reject);
  });
}

function residentMegabytes(pid: number): number {
  const [, kilobytes = '0'] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1_024;
}
