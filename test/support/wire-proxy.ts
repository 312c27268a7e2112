import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** One message that a client sent, with the statement that it is about. */
export interface WireMessage {
  /** Counts the proxy's connections from 0. */
  readonly connection: number;
  readonly type: string;
  /** The text of a Parse, or of the statement that a Bind names or an Execute runs; else ''. */
  readonly sql: string;
}

/**
 * `cut-before`: the connection is lost and the server never gets the message. `cut-after`: the
 * server gets it and all before it, and the client hears nothing any more.
 */
export type Verdict = 'forward' | 'cut-before' | 'cut-after';

/** A listener between a client and PostgreSQL that reads, counts, changes and cuts. */
export interface WireProxy {
  /** The server's URL, through the proxy. */
  readonly url: string;
  /** Every message of the clients since the start or the last `clear`; signing in is not in it. */
  readonly messages: WireMessage[];
  /** How often a client sent after it had been answered: what latency multiplies. */
  roundTrips: number;
  /** How many connections have sent something since they were last answered. */
  unanswered: number;
  /** How many connections were ever opened. */
  connections: number;
  decide: (message: WireMessage) => Verdict;
  /** What a client sent, the message just decided on included, is passed on only after this. */
  held: Promise<unknown> | null;
  /** The SQLSTATE that the server is to answer in the place of what this message would do. */
  fail: (message: WireMessage) => string | null;
  /** Changes the text of a statement, as if the application had put it together so. */
  rewrite: (sql: string) => string;
  count(type: string): number;
  clear(): void;
  close(): Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = {
  B: 'Bind',
  C: 'Close',
  D: 'Describe',
  E: 'Execute',
  H: 'Flush',
  P: 'Parse',
  Q: 'Query',
  S: 'Sync',
  X: 'Terminate',
  d: 'CopyData',
  f: 'CopyFail',
  p: 'Password',
};

/** https://www.postgresql.org/docs/current/protocol-message-formats.html */
export async function startWireProxy(serverUrl: string): Promise<WireProxy> {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    relay(proxy, client, upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const proxy: WireProxy = {
    url: url.href,
    messages: [],
    roundTrips: 0,
    unanswered: 0,
    connections: 0,
    decide: () => 'forward',
    held: null,
    fail: () => null,
    rewrite: (sql) => sql,
    count: (type) => proxy.messages.filter((message) => message.type === type).length,
    clear() {
      proxy.messages.length = 0;
      proxy.roundTrips = 0;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

function relay(proxy: WireProxy, client: Socket, upstream: Socket): void {
  const reader = new FrontendReader(proxy);
  let answered = true;
  const setAnswered = (is: boolean) => {
    if (answered !== is) proxy.unanswered += is ? -1 : 1;
    answered = is;
  };
  const pass = ({ bytes, verdict }: { bytes: Buffer; verdict: Verdict }) => {
    if (bytes.length > 0) upstream.write(bytes);
    if (verdict === 'forward') return;
    if (verdict === 'cut-before') upstream.destroy();
    else upstream.end();
    client.destroy();
  };
  client.on('data', (chunk) => {
    const read = reader.read(chunk);
    if (answered && reader.signedIn) proxy.roundTrips++;
    setAnswered(false);
    if (!proxy.held) return pass(read);
    client.pause();
    const release = () => {
      pass(read);
      client.resume();
    };
    proxy.held.then(release, release);
  });
  upstream.on('data', (chunk) => {
    setAnswered(true);
    if (!client.destroyed) client.write(chunk);
  });
  client.on('close', () => {
    setAnswered(true);
    upstream.end();
  });
  upstream.on('close', () => client.destroy());
}

/** Splits what one client sends into messages. */
class FrontendReader {
  readonly #proxy: WireProxy;
  readonly #connection: number;
  readonly #prepared = new Map<string, string>();
  #rest: Buffer = Buffer.alloc(0);
  #started = false;
  #bound = '';
  signedIn = false;

  constructor(proxy: WireProxy) {
    this.#proxy = proxy;
    this.#connection = proxy.connections++;
  }

  read(chunk: Buffer): { bytes: Buffer; verdict: Verdict } {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const bytes: Buffer[] = [];
    for (let raw = this.#next(); raw; raw = this.#next()) {
      const { message, forwarded } = this.#look(raw);
      const verdict = message ? this.#proxy.decide(message) : 'forward';
      const state = message && this.#proxy.fail(message);
      if (state) bytes.push(raising(state));
      if (verdict !== 'cut-before') bytes.push(forwarded);
      if (verdict === 'forward') continue;
      // A statement runs when it is executed, and commits when the Sync behind it is read.
      if (verdict === 'cut-after') bytes.push(this.#rest);
      return { bytes: Buffer.concat(bytes), verdict };
    }
    return { bytes: Buffer.concat(bytes), verdict: 'forward' };
  }

  /** The first message, StartupMessage, has no type byte. */
  #next(): Buffer | undefined {
    const header = this.#started ? 1 : 0;
    if (this.#rest.length < header + 4) return undefined;
    const length = header + this.#rest.readInt32BE(header);
    if (this.#rest.length < length) return undefined;
    const raw = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return raw;
  }

  #look(raw: Buffer): { message?: WireMessage; forwarded: Buffer } {
    if (!this.#started) {
      this.#started = true;
      return { forwarded: raw };
    }
    const type = TYPES[String.fromCharCode(raw[0] ?? 0)] ?? 'unknown';
    if (type === 'Password') return { forwarded: raw };
    this.signedIn = true;
    let sql = '';
    let forwarded = raw;
    if (type === 'Parse') {
      const [name, text] = strings(raw, 5);
      sql = this.#proxy.rewrite(text);
      this.#prepared.set(name, sql);
      if (sql !== text) forwarded = withText(raw, name, text, sql);
    } else if (type === 'Bind') {
      this.#bound = this.#prepared.get(strings(raw, 5)[1]) ?? '';
      sql = this.#bound;
    } else if (type === 'Execute') {
      sql = this.#bound;
    }
    const message = { connection: this.#connection, type, sql };
    this.#proxy.messages.push(message);
    return { message, forwarded };
  }
}

/** An unnamed statement that raises: the server skips what follows until the Sync. */
function raising(state: string): Buffer {
  const sql = `DO $$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = '${state}'; END $$`;
  const bodies: readonly [string, string][] = [
    ['P', `\0${sql}\0\0\0`],
    ['B', '\0'.repeat(8)],
    ['E', '\0'.repeat(5)],
  ];
  const messages = bodies.map(([type, body]) => {
    const message = Buffer.from(`${type}....${body}`);
    message.writeInt32BE(message.length - 1, 1);
    return message;
  });
  return Buffer.concat(messages);
}

/** The two zero-terminated strings that a Parse or a Bind starts with. */
function strings(raw: Buffer, start: number): [string, string] {
  const first = raw.indexOf(0, start);
  const second = raw.indexOf(0, first + 1);
  return [raw.toString('utf8', start, first), raw.toString('utf8', first + 1, second)];
}

function withText(raw: Buffer, name: string, from: string, to: string): Buffer {
  const head = 5 + Buffer.byteLength(name) + 1;
  const tail = raw.subarray(head + Buffer.byteLength(from) + 1);
  const changed = Buffer.concat([raw.subarray(0, head), Buffer.from(`${to}\0`), tail]);
  changed.writeInt32BE(changed.length - 1, 1);
  return changed;
}
