import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Agent, type Dispatcher, request } from 'undici';
import { guardedConnector } from './connector.ts';
import { OutboundError } from './error.ts';
import { parseTarget, type TargetPolicy } from './target.ts';

export interface OutboundOptions {
  /** The only names that may be asked, such as `api.example.com`; every public one unless given. */
  readonly hosts?: readonly string[];
  /** The ports that may be asked: 443 unless given. 8080 and 26257, CockroachDB's, never may. */
  readonly ports?: readonly number[];
  /** DNS servers, such as `9.9.9.9` or `[2620:fe::fe]:53`; those of the machine unless given. */
  readonly nameServers?: readonly string[];
  /** The most bytes of an answer's body, compressed and not; 1 MiB unless given. */
  readonly bodyBytesMax?: number;
  /** From the call to the last byte, redirects included; 10 s unless given. */
  readonly timeoutMilliseconds?: number;
  /** How many redirects of a GET or HEAD are followed, each judged anew: none unless given. */
  readonly redirectsMax?: number;
  /**
   * `host:port` pairs that may be asked over plain HTTP and may be on this machine, for development
   * and tests. Each must have none but loopback addresses.
   */
  readonly insecureLoopbackHosts?: readonly string[];
}

export interface OutboundInit {
  readonly method?: string | undefined;
  readonly headers?: ConstructorParameters<typeof Headers>[0];
  readonly body?: string | URLSearchParams | Uint8Array | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Outbound {
  /**
   * Asks, and answers with the whole body already read. Only an answer that arrived within every
   * limit comes back, whatever its status; for each other outcome it throws.
   * @throws OutboundError whose code says why, or the reason of `init.signal` if that was aborted.
   */
  fetch(url: string | URL, init?: OutboundInit): Promise<Response>;
  /** Ends what is open. Nothing can be asked afterwards. */
  close(): Promise<void>;
}

const HEADER_BYTES_MAX = 16_384;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What a new host is told of the request: nothing that could be a credential (CWE-522). */
const TOLD_TO_NEW_HOSTS = ['accept', 'accept-language', 'user-agent'];

/**
 * A way out for URLs that a person or a configuration names: webhooks, issuers, images. It asks
 * public addresses over https and nothing inside (CWE-918; ASVS 1.3.6, 13.2.4, 13.2.5).
 *
 * It goes through no proxy: one would resolve the name again.
 * @throws TypeError for options that cannot be meant.
 */
export function openOutbound(options: OutboundOptions = {}): Outbound {
  const policy = policyOf(options);
  const limits = {
    bodyBytesMax: positive(options.bodyBytesMax ?? 1_048_576),
    timeoutMilliseconds: positive(options.timeoutMilliseconds ?? 10_000),
    redirectsMax: options.redirectsMax ?? 0,
  };
  const agent = new Agent({
    connect: guardedConnector(policy, options.nameServers),
    allowH2: false,
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: limits.timeoutMilliseconds,
    bodyTimeout: limits.timeoutMilliseconds,
    connections: 16,
  });
  return {
    fetch: async (url, init = {}) => await followed(agent, policy, limits, url, init),
    close: async () => await agent.destroy(),
  };
}

interface Limits {
  readonly bodyBytesMax: number;
  readonly timeoutMilliseconds: number;
  readonly redirectsMax: number;
}

async function followed(
  agent: Agent,
  policy: TargetPolicy,
  limits: Limits,
  url: string | URL,
  init: OutboundInit,
): Promise<Response> {
  let target = parseTarget(String(url), policy);
  let headers = headersOf(init);
  const method = (init.method ?? 'GET').toUpperCase();
  const deadline = AbortSignal.timeout(limits.timeoutMilliseconds);
  const signal = init.signal ? AbortSignal.any([deadline, init.signal]) : deadline;
  for (let hop = 0; ; hop++) {
    const sent = { method, headers, body: init.body, signal };
    const answer = await answerTo(agent, target, sent, limits, deadline);
    const location = answer.headers.get('location');
    if (!REDIRECTS.has(answer.status) || location === null) return answer;
    if (hop >= limits.redirectsMax || !['GET', 'HEAD'].includes(method)) {
      throw new OutboundError('redirect-refused');
    }
    if (!URL.canParse(location, target)) throw new OutboundError('malformed-answer');
    const next = parseTarget(new URL(location, target).href, policy);
    if (next.origin !== target.origin) headers = withoutCredentials(headers);
    target = next;
  }
}

interface Sent {
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Headers;
  readonly body: OutboundInit['body'];
  readonly signal: AbortSignal;
}

/** The same, with one kind of error for whatever came in between. */
async function answerTo(
  agent: Agent,
  url: URL,
  sent: Sent,
  limits: Limits,
  deadline: AbortSignal,
): Promise<Response> {
  try {
    return await send(agent, url, sent, limits);
  } catch (error) {
    if (deadline.aborted) throw new OutboundError('timeout', error);
    if (sent.signal.aborted) throw sent.signal.reason;
    throw translated(error);
  }
}

async function send(agent: Agent, url: URL, sent: Sent, limits: Limits): Promise<Response> {
  const { method, headers, signal } = sent;
  const body = sent.body instanceof URLSearchParams ? sent.body.toString() : sent.body;
  const answer = await request(url, {
    dispatcher: agent,
    method,
    headers: Object.fromEntries(headers),
    body: body ?? null,
    signal,
  });
  const bytes = await readBody(answer, limits.bodyBytesMax);
  if (answer.statusCode < 200 || answer.statusCode > 599)
    throw new OutboundError('malformed-answer');
  const answered = new Headers();
  for (const [name, value] of Object.entries(answer.headers)) {
    // What these say is about the bytes on the wire.
    if (['content-encoding', 'content-length', 'transfer-encoding'].includes(name)) continue;
    for (const one of [value ?? []].flat()) answered.append(name, one);
  }
  const bodiless = method === 'HEAD' || [204, 205, 304].includes(answer.statusCode);
  return new Response(bodiless ? null : bytes, { status: answer.statusCode, headers: answered });
}

/** The whole body, which may not grow beyond the limit, neither packed nor unpacked (CWE-409). */
async function readBody(
  { headers, body }: Dispatcher.ResponseData,
  bodyBytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > bodyBytesMax) throw new OutboundError('answer-too-large');
    chunks.push(chunk);
  }
  const packed = Buffer.concat(chunks);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity' || packed.length === 0) return new Uint8Array(packed);
  if (encoding !== 'gzip') throw new OutboundError('malformed-answer');
  try {
    return new Uint8Array(await promisify(gunzip)(packed, { maxOutputLength: bodyBytesMax }));
  } catch (error) {
    const tooLarge = codeOf(error) === 'ERR_BUFFER_TOO_LARGE';
    throw new OutboundError(tooLarge ? 'answer-too-large' : 'malformed-answer', error);
  }
}

function headersOf(init: OutboundInit): Headers {
  const headers = new Headers(init.headers);
  // Another Host than the URL's would be judged by nobody (CWE-441).
  if (headers.has('host')) throw new TypeError('the Host header follows from the URL');
  headers.set('accept-encoding', 'gzip');
  if (init.body instanceof URLSearchParams && !headers.has('content-type')) {
    headers.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8');
  }
  return headers;
}

function withoutCredentials(headers: Headers): Headers {
  const told = [...headers].filter(([name]) => TOLD_TO_NEW_HOSTS.includes(name));
  return new Headers([...told, ['accept-encoding', 'gzip']]);
}

function translated(error: unknown): OutboundError {
  if (error instanceof OutboundError) return error;
  const code = codeOf(error);
  if (/TIMEOUT|ETIMEDOUT/.test(code)) return new OutboundError('timeout', error);
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return new OutboundError('answer-too-large', error);
  return new OutboundError('connection-failed', error);
}

function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : '';
}

function policyOf(options: OutboundOptions): TargetPolicy {
  const ports = options.ports ?? [443];
  const impossible = ports.some((port) => !Number.isInteger(port) || port < 1 || port > 65_535);
  if (impossible) throw new TypeError('ports must be whole numbers from 1 to 65535');
  const loopbackHosts = (options.insecureLoopbackHosts ?? []).map((host) => {
    if (!/^([\w.-]+|\[[\da-f:]+\]):\d+$/i.test(host) || !URL.canParse(`http://${host}`)) {
      throw new TypeError('insecureLoopbackHosts must each be host:port');
    }
    const url = new URL(`http://${host}`);
    return `${url.hostname}:${url.port || '80'}`;
  });
  const hosts = options.hosts?.map((host) => host.toLowerCase()) ?? null;
  return {
    hosts: hosts && new Set(hosts),
    ports: new Set(ports),
    insecureLoopbackHosts: new Set(loopbackHosts),
  };
}

function positive(value: number): number {
  if (!Number.isInteger(value) || value < 1) throw new TypeError('a limit must be positive');
  return value;
}
