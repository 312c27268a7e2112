import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../test/support/ports.ts';
import type { ServerProcess } from './processes.ts';

const asked = spawnSync('nginx', ['-V'], { encoding: 'utf8' });

/** Whether there is nginx on the PATH, with the module that asks somebody else. */
export const hasNginx = asked.error === undefined && asked.stderr.includes('auth_request');

/**
 * nginx with one worker before the upstream, which asks the product about each request, as far as a
 * sub-request can ask.
 */
export async function startNginx(upstream: string, product: string): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-nginx-'));
  const port = await freePort();
  const at = (origin: string) => origin.replace('localhost', '127.0.0.1');
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr error;
    events { worker_connections 1024; }
    http {
      access_log off;
      ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
      upstream api { server ${new URL(at(upstream)).host}; keepalive 64; }
      upstream product { server ${new URL(at(product)).host}; keepalive 64; }
      server {
        listen 127.0.0.1:${port};
        location / { auth_request /asked; proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection ""; }
        location = /asked { internal; proxy_pass http://product/api/session; proxy_http_version 1.1;
          proxy_set_header Connection ""; proxy_set_header Host ${new URL(product).host};
          proxy_pass_request_body off; proxy_set_header Content-Length ""; }
      }
    }`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise((resolve) => setTimeout(resolve, 500));
  return {
    origin: `http://localhost:${port}`,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
