import type { Pool } from 'undici';
import type { GatewayConfig } from './config.ts';

/** After so many failures in a row the upstream is taken for down; one success and it is up. */
const FAILURES = 2;

export interface Health {
  isUp(): boolean;
  stop(): void;
}

/**
 * Asks the upstream's own address for health now and then, as nobody. While it is down, requests
 * are refused at once, and the gateway says that it is not ready. Without such an address it counts
 * as up.
 */
export function watchHealth(
  pool: Pool,
  health: GatewayConfig['health'],
  tell: (message: string) => void,
): Health {
  if (!health) return { isUp: () => true, stop: () => {} };
  const { path, everySeconds, timeoutSeconds } = health;
  let failures = 0;
  let asking = false;
  const note = (ok: boolean) => {
    const was = failures < FAILURES;
    failures = ok ? 0 : failures + 1;
    if (was && failures >= FAILURES) tell('the upstream is down');
    if (!was && ok) tell('the upstream is up again');
  };
  const ask = async () => {
    const signal = AbortSignal.timeout(timeoutSeconds * 1000);
    const { statusCode, body } = await pool.request({ method: 'GET', path, signal });
    await body.dump({ limit: 65_536, signal });
    return statusCode < 400;
  };
  const timer = setInterval(() => {
    if (asking) return;
    asking = true;
    void ask()
      .then(note, () => note(false))
      .finally(() => (asking = false));
  }, everySeconds * 1000);
  return { isUp: () => failures < FAILURES, stop: () => clearInterval(timer) };
}
