import { existsSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import type { Actor } from './actor.ts';
import { type Call, requestOf, withSelected } from './call.ts';
import { NO_CREDENTIAL } from './actor.ts';
import { shows } from './canary.ts';
import type { Variant } from './cross-site.ts';
import type { ProbeRequest } from './exchange.ts';
import { leavesOf } from './json.ts';
import { openListener } from './listener.ts';
import { type Run, send } from './run.ts';

const EXECUTABLES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-sync',
];

const PATIENCE_MILLISECONDS = 5_000;

/**
 * Signs A in with a real Chromium, leads it to a page of another site, and looks whether A's data
 * changed. Null where that cannot be tried: no browser here, or no sign-in that it can make.
 */
export async function proveInBrowser(
  run: Run,
  a: Actor,
  variant: Variant,
  callWith: (canary: string) => Call,
  reader: Call,
): Promise<boolean | null> {
  const signIn = signInRequest(run, a);
  const browser = signIn === null ? null : await launch(run);
  if (signIn === null || browser === null) return null;
  const canary = run.canary();
  const replies = new Map();
  const listener = await openListener(replies);
  try {
    const call = callWith(canary);
    const html = { 'content-type': 'text/html' };
    const body = attackPage(run.origin, variant, call);
    replies.set('/', () => ({ status: 200, headers: html, body }));
    const context = await browser.newContext({ bypassCSP: true });
    const page = await context.newPage();
    await signInWith(page, run.origin, signIn);
    if ((await context.cookies(run.origin)).length === 0) return null;
    // Another site than the target's, with no name server: localhost is none of 127.0.0.1's.
    const site = new URL(run.origin).hostname === 'localhost' ? '127.0.0.1' : 'localhost';
    await page.goto(`http://${site}:${listener.port}/`);
    return await appears(run, a, reader, canary);
  } finally {
    await browser.close();
    await listener.close();
  }
}

async function launch(run: Run): Promise<Browser | null> {
  const executablePath = EXECUTABLES.find((path) => existsSync(path));
  if (executablePath === undefined) {
    run.progress('no Chromium is installed: what a browser would do is told by its rules alone');
    return null;
  }
  try {
    const { chromium } = await import('playwright-core');
    return await chromium.launch({ executablePath, args: ARGUMENTS });
  } catch {
    run.progress('Chromium cannot be driven; it takes the package playwright-core');
    return null;
  }
}

function signInRequest(run: Run, { account }: Actor): ProbeRequest | null {
  const { signIn } = run.access;
  if (signIn === null || account?.kind !== 'password') return null;
  const { call, nameAt, passwordAt } = signIn;
  const filled = withSelected(
    withSelected(call, nameAt, account.username),
    passwordAt,
    account.password,
  );
  return requestOf(filled, NO_CREDENTIAL, run.origin);
}

/** As the target's own page would: its answer's cookies go where the browser's rules put them. */
async function signInWith(page: Page, origin: string, request: ProbeRequest): Promise<void> {
  await page.goto(`${origin}/`);
  const { path, method, body } = request;
  const type = request.headers['content-type'] ?? '';
  await page.evaluate(
    `fetch(${JSON.stringify(path)}, { method: ${JSON.stringify(method)}, redirect: 'manual',
      headers: { 'content-type': ${JSON.stringify(type)} }, body: ${JSON.stringify(body)} })
      .then((answer) => answer.status)`,
  );
}

/** The page that somebody else has put up. */
function attackPage(origin: string, variant: Variant, call: Call): string {
  const { method, path } = requestOf(
    variant.call(call),
    NO_CREDENTIAL,
    origin,
    variant.changes(call),
  );
  const url = JSON.stringify(`${origin}${path}`).replaceAll('<', '\\u003c');
  const script = (code: string) => `<!doctype html><body><script>${code}</script></body>`;
  if (variant.name === 'query') return script(`location.href = ${url}`);
  if (variant.name === 'untyped') {
    const blob = JSON.stringify(JSON.stringify(call.body)).replaceAll('<', '\\u003c');
    return script(
      `fetch(${url}, { method: ${JSON.stringify(method)}, mode: 'no-cors', credentials: 'include', body: new Blob([${blob}]) })`,
    );
  }
  const type = {
    form: 'application/x-www-form-urlencoded',
    override: 'application/x-www-form-urlencoded',
    multipart: 'multipart/form-data',
    text: 'text/plain',
  }[variant.name];
  const fields = JSON.stringify(fieldsOf(variant, call)).replaceAll('<', '\\u003c');
  return script(`const form = document.body.appendChild(document.createElement('form'));
    form.action = ${url}; form.method = ${JSON.stringify(method)}; form.enctype = '${type}';
    for (const [name, value] of ${fields}) {
      const field = form.appendChild(document.createElement('input'));
      field.name = name; field.value = value;
    }
    form.submit();`);
}

/** In text/plain a field is `name=value`: the document is its name up to the last value. */
function fieldsOf(variant: Variant, call: Call): readonly (readonly [string, string])[] {
  if (variant.name === 'text') {
    const open = JSON.stringify(call.body).replace(/\}$/, '');
    return [[`${open},"sallyport":"`, '"}']];
  }
  return leavesOf(variant.call(call).body).map(({ path, value }) => {
    const [first = '', ...rest] = path.map(String);
    return [`${first}${rest.map((step) => `[${step}]`).join('')}`, String(value ?? '')] as const;
  });
}

async function appears(run: Run, a: Actor, reader: Call, canary: string): Promise<boolean> {
  for (let waited = 0; waited < PATIENCE_MILLISECONDS; waited += 250) {
    const { answer } = await send(run, reader, a);
    if (shows(answer, canary)) return true;
    await new Promise((resolve) => {
      setTimeout(resolve, 250);
    });
  }
  return false;
}
