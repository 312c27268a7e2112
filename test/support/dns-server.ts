import { createSocket } from 'node:dgram';
import ipaddr from 'ipaddr.js';

export interface DnsServer {
  /** As a resolver takes it, such as `127.0.0.1:41234`. */
  readonly address: string;
  /** The names that were asked for, a name twice where both kinds of address were. */
  readonly asked: string[];
  close(): void;
}

/**
 * A name server of the test's own on loopback, with a life of no seconds for each answer. It is
 * asked again for each look-up, so what it answers may change from one to the next.
 */
export async function startDnsServer(
  addressesOf: (name: string, nth: number) => readonly string[],
  port = 0,
): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  const rounds = new Map<string, number>();
  socket.on('message', (query, peer) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const name = labels.join('.').toLowerCase();
    const type = query.readUInt16BE(at + 1);
    asked.push(name);
    // The two kinds of address are asked for by one look-up.
    const round = `${name} ${type}`;
    const nth = rounds.get(round) ?? 0;
    rounds.set(round, nth + 1);
    const records = addressesOf(name, nth)
      .map((address) => Buffer.from(ipaddr.parse(address).toByteArray()))
      .filter(({ length }) => length === (type === 1 ? 4 : 16) && (type === 1 || type === 28));
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    const answers = records.map((data) => {
      const record = Buffer.alloc(12);
      record.writeUInt16BE(0xc00c, 0);
      record.writeUInt16BE(type, 2);
      record.writeUInt16BE(1, 4);
      record.writeUInt16BE(data.length, 10);
      return Buffer.concat([record, data]);
    });
    const question = query.subarray(12, at + 5);
    socket.send(Buffer.concat([header, question, ...answers]), peer.port, peer.address);
  });
  await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: () => socket.close(),
  };
}
