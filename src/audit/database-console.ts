import type { Exchange } from './exchange.ts';

/** Paths of the HTTP port of a CockroachDB node that answer without a credential, or used to. */
const PATHS = ['/_status/vars', '/_status/nodes', '/health', '/_admin/v1/databases', '/'];

/** What only such a port says. The metrics are readable by anybody, by design. */
const FINGERPRINT =
  /\bsys_uptime\b|\bnode_id\{|"desc"\s*:\s*\{\s*"node_id"|"nodeId"\s*:|Cockroach(DB| ?Labs)|crdb_|"pgurl"/i;

/** What was read of a console, through whatever fetches addresses for others. */
export interface ConsoleSeen {
  readonly url: string;
  readonly exchange: Exchange;
}

/**
 * Looks for a database's console behind these origins, which are all of the loopback of the
 * machine that fetches: nobody else's machine is asked.
 */
export async function findConsole(
  fetchThrough: (url: string) => Promise<Exchange>,
  origins: readonly string[],
): Promise<ConsoleSeen | null> {
  for (const origin of origins) {
    for (const path of PATHS) {
      const url = `${origin}${path}`;
      const exchange = await fetchThrough(url);
      if (isConsole(exchange)) return { url, exchange };
    }
  }
  return null;
}

function isConsole({ answer }: Exchange): boolean {
  return answer !== null && answer.status < 500 && FINGERPRINT.test(plainText(answer.text));
}

/** Some targets answer what they fetched in base64. */
function plainText(text: string): string {
  const encoded = text.match(/[A-Za-z0-9+/]{40,}={0,2}/g) ?? [];
  const decoded = encoded.map((part) => Buffer.from(part, 'base64').toString('latin1'));
  return [text, ...decoded].join('\n');
}
