import { freePort } from '../test/support/ports.ts';
import { noNginx, runNginx } from '../test/support/nginx.ts';
import type { ServerProcess } from './processes.ts';

/** Whether there is nginx on the PATH, with the module that asks somebody else. */
export const hasNginx = noNginx === false;

/**
 * nginx with one worker before the upstream, which asks the product about each request, as far as a
 * sub-request can ask.
 */
export async function startNginx(upstream: string, product: string): Promise<ServerProcess> {
  const port = await freePort();
  const at = (origin: string) => origin.replace('localhost', '127.0.0.1');
  const nginx = await runNginx(
    port,
    () => `
      upstream api { server ${new URL(at(upstream)).host}; keepalive 64; }
      upstream product { server ${new URL(at(product)).host}; keepalive 64; }
      server {
        listen 127.0.0.1:${port};
        location / { auth_request /asked; proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection ""; }
        location = /asked { internal; proxy_pass http://product/api/session; proxy_http_version 1.1;
          proxy_set_header Connection ""; proxy_set_header Host ${new URL(product).host};
          proxy_pass_request_body off; proxy_set_header Content-Length ""; }
      }`,
  );
  return { ...nginx, origin: `http://localhost:${port}` };
}
