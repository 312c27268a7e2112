import { Resolver } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { OutboundError } from './error.ts';
import { literalOf, mayConnect, type TargetPolicy } from './target.ts';

const CONNECT_MILLISECONDS_MAX = 5_000;

/**
 * Opens the connections. The address is judged three times, each time the one that is used: a host
 * that is an address before anything is opened, for such a host is never looked up; every address
 * that a name has, of which none may be inside, before one of these very addresses is connected to,
 * so that a name that changes its mind in between changes nothing (DNS rebinding); and the far end
 * of the open connection, before a byte of the request is sent. CWE-918, CWE-367, R-95.
 */
export function guardedConnector(
  policy: TargetPolicy,
  nameServers: readonly string[] | undefined,
): buildConnector.connector {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  if (nameServers) resolver.setServers(nameServers);
  return (options, callback) => {
    const port = Number(options.port || (options.protocol === 'https:' ? 443 : 80));
    const { hostname } = options;
    const literal = literalOf(hostname);
    if (literal !== null && !mayConnect(literal, hostname, port, policy)) {
      callback(new OutboundError('address-refused'), null);
      return;
    }
    const connect = buildConnector({
      allowH2: false,
      timeout: CONNECT_MILLISECONDS_MAX,
      lookup: guardedLookup(resolver, (address) => mayConnect(address, hostname, port, policy)),
    });
    connect(options, (...opened) => {
      const [error, socket] = opened;
      if (error) {
        callback(error, null);
        return;
      }
      const { remoteAddress } = socket;
      if (remoteAddress === undefined || !mayConnect(remoteAddress, hostname, port, policy)) {
        socket.destroy();
        callback(new OutboundError('address-refused'), null);
        return;
      }
      callback(null, socket);
    });
  };
}

/** Answers with a name's addresses if all of them may be connected to, else with an error. */
function guardedLookup(
  resolver: Resolver,
  isAllowed: (address: string) => boolean,
): LookupFunction {
  return (hostname, options, callback) => {
    const answer = async () => {
      const addresses = await resolveAll(resolver, hostname);
      const [first] = addresses;
      if (!first) callback(new OutboundError('name-not-found'), []);
      else if (!addresses.every(({ address }) => isAllowed(address))) {
        callback(new OutboundError('address-refused'), []);
      } else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    };
    void answer();
  };
}

interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/**
 * Asks DNS alone: neither the machine's own list of hosts nor its search domains, which name what
 * is inside, and without one of the few threads that file and password work waits for.
 */
async function resolveAll(resolver: Resolver, hostname: string): Promise<Address[]> {
  if (hostname === 'localhost') {
    return [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ];
  }
  const [four, six] = await Promise.allSettled([
    resolver.resolve4(hostname),
    resolver.resolve6(hostname),
  ]);
  const found: Address[] = [];
  if (four.status === 'fulfilled')
    for (const address of four.value) found.push({ address, family: 4 });
  if (six.status === 'fulfilled')
    for (const address of six.value) found.push({ address, family: 6 });
  return found;
}
