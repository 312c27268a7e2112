import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly setCookies: readonly string[];
  readonly text: string;
  /** The body as JSON; fails the test when it is none. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  json(): any;
}

export interface Ask {
  readonly method?: string;
  /** Sent exactly so, and in this order; a list sends the header as often. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
}

/** One request as bytes on a connection of its own: no header is added but Host and the length. */
export function ask(origin: string, path: string, options: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname: name, port } = new URL(origin);
    // As browsers do, whatever the machine's resolver says (RFC 6761 6.3).
    const hostname = name.endsWith('.localhost') ? 'localhost' : name;
    const length =
      options.body === undefined
        ? {}
        : { 'content-length': String(Buffer.byteLength(options.body)) };
    const headers = { host: new URL(origin).host, ...length, ...options.headers };
    const request = httpRequest(
      { hostname, port, path, method: options.method ?? 'GET', headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            setCookies: response.headers['set-cookie'] ?? [],
            text,
            json: () => JSON.parse(text),
          });
        });
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}

/** A person's browser on the server's origin: it keeps cookies and sends what browsers send. */
export class Visitor {
  readonly origin: string;
  readonly cookies = new Map<string, string>();
  /** The synchronizer token of the last answer that had one. */
  csrfToken: string | undefined;

  constructor(origin: string) {
    this.origin = origin;
  }

  async get(path: string, headers: Ask['headers'] = {}): Promise<Answer> {
    return this.#send(path, { headers: { ...this.cookieHeader(), ...headers } });
  }

  /** JSON with the synchronizer token, as the product's own client would send it. */
  async send(method: string, path: string, body?: unknown, headers: Ask['headers'] = {}) {
    return this.#send(path, {
      method,
      headers: { ...this.ownHeaders(), 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** A form as a browser submits it, with the fields given. */
  async submit(
    path: string,
    fields: Readonly<Record<string, string>> | string,
    headers: Ask['headers'] = {},
  ) {
    return this.#send(path, {
      method: 'POST',
      headers: {
        ...this.cookieHeader(),
        origin: this.origin,
        'sec-fetch-site': 'same-origin',
        'content-type': 'application/x-www-form-urlencoded',
        ...headers,
      },
      body: new URLSearchParams(fields).toString(),
    });
  }

  /** What a same-origin fetch with this browser's cookies and its token carries. */
  ownHeaders(): Record<string, string> {
    return {
      ...this.cookieHeader(),
      origin: this.origin,
      'sec-fetch-site': 'same-origin',
      ...(this.csrfToken ? { 'x-csrf-token': this.csrfToken } : {}),
    };
  }

  cookieHeader(): Record<string, string> {
    if (this.cookies.size === 0) return {};
    return { cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
  }

  async #send(path: string, options: Ask): Promise<Answer> {
    const answer = await ask(this.origin, path, options);
    for (const line of answer.setCookies) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (line.includes('Max-Age=0')) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    if (answer.headers['content-type']?.includes('json') && answer.text) {
      const body = answer.json() as { csrfToken?: string };
      if (typeof body.csrfToken === 'string') this.csrfToken = body.csrfToken;
    }
    return answer;
  }
}

/** The value of a hidden field, such as _csrf, in a page. */
export function fieldValue(page: string, name: string): string {
  const input = new RegExp(`<input[^>]*name="${name}"[^>]*>`).exec(page)?.[0] ?? '';
  return /value="([^"]*)"/.exec(input)?.[1] ?? '';
}
