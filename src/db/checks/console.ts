import { get } from 'node:http';
import { type Finding, judged } from './finding.ts';

/** Where CockroachDB's console and its status pages listen by default. */
const CONSOLE_PORT = 8080;

const PATIENCE_MILLISECONDS = 1_000;

/**
 * A request that this process is tricked into (CWE-918) must not reach the cluster's console, whose
 * `/_status/vars` asks nobody who they are. Not asked on this machine itself, where a cluster for
 * development has it.
 */
export async function checkConsoles(
  hosts: readonly string[],
  port: number = CONSOLE_PORT,
): Promise<readonly Finding[]> {
  const unique = [...new Set(hosts)];
  const answers = await Promise.all(unique.map((host) => answersHttp(host, port)));
  return judged(
    'console',
    'No console of the database answers this machine.',
    unique
      .filter((_, index) => answers[index])
      .map(
        (host) =>
          `Something answers HTTP on port ${port} of ${host}, as the console of CockroachDB does: let a firewall or --http-addr keep it from this machine.`,
      ),
  );
}

/** Any answer counts, a refusal too; it is not read and no redirect is followed. */
async function answersHttp(host: string, port: number): Promise<boolean> {
  const signal = AbortSignal.timeout(PATIENCE_MILLISECONDS);
  return await new Promise((resolve) => {
    const hostname = host.replace(/^\[|\]$/g, '');
    const request = get({ hostname, port, path: '/health', agent: false, signal }, (response) => {
      response.destroy();
      resolve(true);
    });
    request.on('error', () => resolve(false));
  });
}
