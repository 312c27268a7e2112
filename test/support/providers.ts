import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Answer, fieldValue, Visitor } from './client.ts';
import { newPerson } from './people.ts';
import { freePort } from './ports.ts';

/** An account at a provider. */
export interface ProviderAccount {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: unknown;
  readonly name?: string;
}

/** What the provider has answered on its way here, and what goes on instead. */
export type Tamper = (path: string, body: string) => string | Promise<string>;

export interface TestProvider {
  readonly id: string;
  readonly issuer: string;
  readonly host: string;
  /** The paths that were asked, newest last; those of a browser too. */
  readonly asked: string[];
  /** Stands between the provider and whoever asks it. */
  tamper: Tamper | null;
  close(): Promise<void>;
}

/** The origin of a Sallyport that is yet to be started, and where it comes back to. */
export interface Callback {
  readonly origin: string;
  readonly path?: string;
}

/** A real provider in a process of its own, behind a listener of the test's that can tamper. */
export async function startProvider(
  id: string,
  { origin, path = '' }: Callback,
  hostname = 'localhost',
): Promise<TestProvider> {
  const port = await freePort();
  const host = `${hostname}:${port}`;
  const issuer = `http://${host}`;
  const client = {
    client_id: 'sallyport',
    client_secret: `secret of ${id}, long enough for anything`,
    redirect_uris: [`${origin}${path}/sign-in/providers/${id}/callback`],
  };
  const script = fileURLToPath(new URL('provider-process.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify({ issuer, clients: [client] })], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const behind = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the provider exited with ${code}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      const found = /ready at (\d+)/.exec(chunk.toString())?.[1];
      if (found) resolve(Number(found));
    });
  });
  const front = createServer((request, response) => {
    own.asked.push(request.url ?? '');
    const headers = { ...request.headers, 'accept-encoding': 'identity' };
    const { method, url = '' } = request;
    const onward = httpRequest(
      { host: '127.0.0.1', port: behind, method, path: url, headers, agent: false },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          void (async () => {
            const body = Buffer.concat(chunks).toString();
            const changed = own.tamper ? await own.tamper(url, body) : body;
            const { 'content-length': _, 'transfer-encoding': __, ...rest } = answer.headers;
            response.writeHead(answer.statusCode ?? 500, rest).end(changed);
          })();
        });
      },
    );
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => front.listen(port, '127.0.0.1', resolve));
  const own: TestProvider = {
    id,
    issuer,
    host,
    asked: [],
    tamper: null,
    async close() {
      front.closeAllConnections();
      front.close();
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.removeAllListeners('exit');
      child.kill();
      await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 200))]);
    },
  };
  return own;
}

/** A file as SALLYPORT_PROVIDERS_FILE names it. */
export function providersFile(providers: readonly Pick<TestProvider, 'id' | 'issuer' | 'host'>[]): {
  readonly path: string;
  remove(): void;
} {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-providers-'));
  const path = join(folder, 'providers.json');
  const content = {
    providers: providers.map(({ id, issuer }) => ({
      id,
      name: `Provider ${id}`,
      issuer,
      clientId: 'sallyport',
      clientSecret: `secret of ${id}, long enough for anything`,
    })),
    insecureLoopbackHosts: providers.map(({ host }) => host),
  };
  writeFileSync(path, JSON.stringify(content));
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Signs in at the provider, as a browser that was sent there; where it is sent back to. */
export async function atProvider(url: string, account: ProviderAccount | 'none'): Promise<string> {
  const { origin } = new URL(url);
  const browser = new Visitor(origin);
  const header =
    account === 'none' ? account : Buffer.from(JSON.stringify(account)).toString('base64url');
  let next = new URL(url);
  for (let hop = 0; hop < 10; hop++) {
    const answer = await browser.get(`${next.pathname}${next.search}`, { 'x-account': header });
    const { location } = answer.headers;
    if (location === undefined) throw new Error(`the provider: ${answer.status} ${answer.text}`);
    next = new URL(location, next);
    if (next.origin !== origin) return next.href;
  }
  throw new Error('the provider goes round in circles');
}

/** Where the page of a visit that has begun sends the browser. */
export function leavingTo(page: string): string {
  const content = /http-equiv="refresh" content="0;url=([^"]*)"/.exec(page)?.[1] ?? '';
  return content.replaceAll('&amp;', '&');
}

/** Begins a sign-in on the page, with a button of the provider; where the browser is sent. */
export async function leaveToSignIn(browser: Visitor, provider: string, returnTo?: string) {
  const page = await browser.get('/sign-in');
  const answer = await browser.submit('/sign-in/provider', {
    _csrf: fieldValue(page.text, '_csrf'),
    provider,
    ...(returnTo === undefined ? {} : { return_to: returnTo }),
  });
  return { answer, url: leavingTo(answer.text) };
}

/** Opens the address that a provider sends back to, as a browser does, up to the page's form. */
export async function openReturn(browser: Visitor, back: string) {
  const url = new URL(back);
  let path = `${url.pathname}${url.search}`;
  let page = await browser.get(path, { 'sec-fetch-site': 'same-origin' });
  for (let hop = 0; page.status === 303 && hop < 3; hop++) {
    path = page.headers.location ?? '';
    page = await browser.get(path, { 'sec-fetch-site': 'same-origin' });
  }
  const fields = Object.fromEntries(
    ['_csrf', 'state', 'code', 'iss', 'answer'].flatMap((name) => {
      const value = fieldValue(page.text, name);
      return value === '' ? [] : [[name, value.replaceAll('&amp;', '&')]];
    }),
  );
  const form = /<form[^>]*action="([^"]*providers[^"]*)"/.exec(page.text)?.[1];
  return { page, path: form ?? url.pathname, fields };
}

/** The whole of a sign-in with a provider, as a person does it; the last answer. */
export async function signInWith(
  browser: Visitor,
  provider: string,
  account: ProviderAccount | 'none',
  returnTo?: string,
) {
  const { url } = await leaveToSignIn(browser, provider, returnTo);
  const back = await atProvider(url, account);
  const { path, fields } = await openReturn(browser, back);
  return await browser.submit(path, fields);
}

/** Somebody who has an account at a provider and none here. */
export function stranger(): Required<ProviderAccount> {
  const { email, displayName: name } = newPerson();
  return { sub: randomUUID(), email, email_verified: true, name };
}

/** A browser that has come back from the provider, and has not sent the form yet. */
export async function backFrom(browser: Visitor, id: string, account: ProviderAccount) {
  const { url } = await leaveToSignIn(browser, id);
  const back = await atProvider(url, account);
  return { browser, back, ...(await openReturn(browser, back)) };
}

const AUTHENTICATORS = '/account/authenticators';

/** Links an account of the provider to whoever is signed in here. */
export async function linkTo(
  browser: Visitor,
  id: string,
  account: ProviderAccount,
): Promise<Answer> {
  const page = await browser.get(AUTHENTICATORS);
  const left = await browser.submit(`${AUTHENTICATORS}/providers`, {
    _csrf: fieldValue(page.text, '_csrf'),
    provider: id,
  });
  if (left.status !== 200) return left;
  const back = await atProvider(leavingTo(left.text), account);
  const { path, fields } = await openReturn(browser, back);
  return await browser.submit(path, fields);
}

export async function linksOf(browser: Visitor): Promise<readonly { readonly id: string }[]> {
  const answer = await browser.get('/api/account/providers');
  return (answer.json() as { providers: { id: string }[] }).providers;
}
