import { afterAll, beforeEach, expect } from 'vitest';
import type { TestDatabase } from './databases.ts';
import { type Answer, Visitor } from './client.ts';
import { mailsTo } from './people.ts';
import { startTestServer, type TestServer } from './servers.ts';

/** The product for one file of tests; what one test mails is not held against the next one. */
export async function startEmailChangeServer(): Promise<TestServer> {
  const server = await startTestServer();
  afterAll(() => server.close());
  beforeEach(() => forgetMailLimits(server));
  return server;
}

export async function forgetMailLimits({ admin }: TestDatabase): Promise<void> {
  await admin.query('DELETE FROM sallyport.budgets');
}

export const requestChange = (browser: Visitor, email: string): Promise<Answer> =>
  browser.send('POST', '/api/account/change-email', { email });

/** The tokens that were mailed to this address in links of this kind, newest first. */
export async function linkedTokens(
  origin: string,
  email: string,
  path: '/confirm-email' | '/revert-email',
): Promise<readonly string[]> {
  const mails = await mailsTo(origin, email);
  return mails
    .flatMap(({ links }) => links.map((link) => new URL(link)))
    .filter(({ pathname }) => pathname === path)
    .map(({ searchParams }) => searchParams.get('token') ?? '');
}

export async function confirmToken(origin: string, email: string): Promise<string> {
  const [token] = await linkedTokens(origin, email, '/confirm-email');
  expect(token, `a link to confirm, to ${email}`).toBeDefined();
  return token ?? '';
}

export async function revertToken(origin: string, email: string): Promise<string> {
  const [token] = await linkedTokens(origin, email, '/revert-email');
  expect(token, `a link to revert, to ${email}`).toBeDefined();
  return token ?? '';
}

/** In this browser or, at an origin, by somebody who has nothing but the link. */
export const confirm = (by: Visitor | string, token: string): Promise<Answer> =>
  (typeof by === 'string' ? new Visitor(by) : by).send('POST', '/api/email-confirmations', {
    token,
  });

export const revert = (origin: string, token: string): Promise<Answer> =>
  new Visitor(origin).send('POST', '/api/email-reversions', { token });

/** Changes the address as its owner does, in the browser in which they asked for it. */
export async function changeAddress(browser: Visitor, email: string): Promise<void> {
  expect((await requestChange(browser, email)).status).toBe(202);
  const { status } = await confirm(browser, await confirmToken(browser.origin, email));
  expect(status).toBe(200);
}

/** Whoever has proved this address. */
export async function ownerOf({ admin }: TestDatabase, email: string): Promise<string | undefined> {
  const { rows } = await admin.query<{ identity_id: string }>(
    'SELECT identity_id FROM sallyport.email_addresses WHERE folded = $1 AND address = $1',
    [email],
  );
  return rows[0]?.identity_id;
}
