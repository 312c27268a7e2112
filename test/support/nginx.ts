import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const asked = spawnSync('nginx', ['-V'], { encoding: 'utf8' });

/** Why there is no nginx with the module that asks somebody else, or false. */
export const noNginx =
  asked.error === undefined && asked.stderr.includes('auth_request')
    ? false
    : 'there is no nginx with auth_request on the PATH';

export interface Nginx {
  readonly pid: number;
  stop(): Promise<void>;
}

/**
 * nginx with one worker and what the function says of `http`, of which the folder is nginx's own;
 * ready when it listens on the port.
 */
export async function runNginx(port: number, http: (folder: string) => string): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-nginx-'));
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  await writeFile(
    join(folder, 'nginx.conf'),
    // Started by root its worker would be somebody else, who may not write to the folder.
    `${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr error;
    events { worker_connections 1024; }
    http {
      access_log off;
      ${kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
      ${http(folder)}
    }`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let isOver = false;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      isOver = true;
      resolve();
    });
  });
  while (!(await listens(port))) {
    if (isOver) throw new Error('nginx has ended');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
