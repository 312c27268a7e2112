import type { Browser, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium, noChromium, untilLoaded } from '../support/chromium.ts';
import { mailsTo, newPerson, register } from '../support/people.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
let browser: Browser;
beforeAll(async () => {
  if (noChromium) return;
  server = await startTestServer();
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** A page with a virtual authenticator beside it, as CDP's WebAuthn domain makes one. */
async function openPage() {
  const page = await browser.newPage();
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { page, cdp, authenticatorId };
}

async function signInWithPassword(page: Page): Promise<string> {
  const { email, password } = await register(server.origin);
  await page.goto(`${server.origin}/sign-in`);
  await page.fill('#email', email);
  await page.fill('#password', password);
  await untilLoaded(page, () => page.press('#password', 'Enter'));
  return email;
}

async function addPasskey(page: Page): Promise<void> {
  await page.goto(`${server.origin}/account/authenticators/passkeys/new`);
  await untilLoaded(page, () => page.click('form[data-passkey] button'));
}

async function setVerified(cdp: CDPSession, authenticatorId: string, isUserVerified: boolean) {
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
}

test('a passkey is made, signs in with a press and by itself, is refused when not unlocked or copied away, and stops when it is removed [ASVS 6.3.3] [R-31]', async ({
  skip,
}) => {
  if (noChromium) skip(noChromium);
  const { page, cdp, authenticatorId } = await openPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  const email = await signInWithPassword(page);
  await addPasskey(page);
  expect(await page.locator('ol.codes li').count()).toBe(10);

  // Signed out, the page finds the passkey by itself: nobody types or presses anything.
  await page.context().clearCookies();
  await untilLoaded(page, () => page.goto(`${server.origin}/sign-in?return_to=%2Faccount`));
  await page.waitForURL(`${server.origin}/account`, { timeout: 60_000 });
  expect(await page.textContent('main')).toContain(email);
  expect(complaints).toEqual([]);

  // Not unlocked: the browser gives nothing, and the page says so.
  await page.context().clearCookies();
  await setVerified(cdp, authenticatorId, false);
  await page.goto(`${server.origin}/sign-in`);
  await page.click('form[data-passkey] button');
  await page.locator('[data-failed]').waitFor({ state: 'visible', timeout: 60_000 });
  expect(page.url()).toBe(`${server.origin}/sign-in`);

  // A copy whose counter stands lower signs in, and is noted.
  const { credentials } = await cdp.send('WebAuthn.getCredentials', { authenticatorId });
  const [credential] = credentials;
  if (!credential) throw new Error('the authenticator has no passkey');
  const { credentialId } = credential;
  await cdp.send('WebAuthn.removeCredential', { authenticatorId, credentialId });
  await cdp.send('WebAuthn.addCredential', {
    authenticatorId,
    credential: { ...credential, signCount: 0 },
  });
  await setVerified(cdp, authenticatorId, true);
  await page.goto(`${server.origin}/sign-in`);
  await page.waitForURL(`${server.origin}/account`, { timeout: 60_000 });
  const { rows } = await server.admin.query<{ n: number }>(
    `SELECT count(*)::INT4 AS n FROM sallyport.security_events WHERE kind = 'passkey-suspected'`,
  );
  expect(rows).toEqual([{ n: 1 }]);

  // Removed on the server, the authenticator that still has it is refused.
  await page.goto(`${server.origin}/account/authenticators`);
  await untilLoaded(page, () => page.click('a[id^="remove-passkey-"]'));
  await untilLoaded(page, () => page.click('main form[action$="/remove"] button'));
  expect(page.url()).toContain('notice=passkey-removed');
  await page.context().clearCookies();
  await page.goto(`${server.origin}/sign-in`);
  await page.locator('#failed').waitFor({ timeout: 60_000 });
  await page.close();
});

test('an account begins with a passkey that is made behind the mailed link, and signs in with nothing else [R-43] [ASVS 6.3.3]', async ({
  skip,
}) => {
  if (noChromium) skip(noChromium);
  const { page } = await openPage();
  const { email, displayName } = newPerson();
  await page.goto(`${server.origin}/sign-up`);
  await untilLoaded(page, () => page.click('a[href="/sign-up/with-passkey"]'));
  await page.fill('#displayName', displayName);
  await page.fill('#email', email);
  await untilLoaded(page, () => page.press('#email', 'Enter'));
  const [mail] = await mailsTo(server.origin, email);
  await page.goto(mail?.links[0] ?? '');
  expect(await page.textContent('main')).toContain(email);
  await untilLoaded(page, () => page.click('form[data-passkey] button'));
  expect(await page.locator('ol.codes li').count()).toBe(10);
  await page.context().clearCookies();
  await untilLoaded(page, () => page.goto(`${server.origin}/sign-in`));
  await page.waitForURL(`${server.origin}/account`, { timeout: 60_000 });
  expect(await page.textContent('main')).toContain(email);
  // There is no password to change, and one can be added.
  await page.goto(`${server.origin}/account/password`);
  expect(await page.locator('#currentPassword').count()).toBe(0);
  expect(await page.locator('#newPassword').count()).toBe(1);
  await page.close();
});

test('a passkey completes a sign-in as the second factor, and not one that was removed [ASVS 6.3.3] [R-31]', async ({
  skip,
}) => {
  if (noChromium) skip(noChromium);
  const { page, cdp, authenticatorId } = await openPage();
  const { email, password } = await register(server.origin);
  const typed = async () => {
    await page.context().clearCookies();
    // No passkey is offered by itself, so that the password is what begins.
    await cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: false });
    await page.goto(`${server.origin}/sign-in`);
    await page.fill('#email', email);
    await page.fill('#password', password);
    await untilLoaded(page, () => page.press('#password', 'Enter'));
    await cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: true });
  };
  await typed();
  await addPasskey(page);
  await typed();
  expect(new URL(page.url()).pathname).toBe('/sign-in/passkey');
  await untilLoaded(page, () => page.click('form[data-passkey] button'));
  expect(new URL(page.url()).pathname).toBe('/account');

  // The page that still asks for it is answered by a passkey that the server does not know now.
  await typed();
  await server.admin.query(
    `UPDATE sallyport.passkeys SET credential_id = 'another' WHERE identity_id =
      (SELECT identity_id FROM sallyport.email_addresses WHERE folded = $1)`,
    [email],
  );
  await untilLoaded(page, () => page.click('form[data-passkey] button'));
  expect(await page.locator('#failed').isVisible()).toBe(true);
  await page.goto(`${server.origin}/account`);
  expect(new URL(page.url()).pathname).toBe('/sign-in');
  await page.close();
});

test('another origin gets no answer of a passkey of ours, and ours does [CWE-346] [ASVS 6.3.3]', async ({
  skip,
}) => {
  if (noChromium) skip(noChromium);
  const { page } = await openPage();
  await signInWithPassword(page);
  await addPasskey(page);
  const ask = () =>
    page.evaluate(async () => {
      const publicKey = { challenge: new Uint8Array(32), rpId: 'localhost' };
      try {
        const credential = await navigator.credentials.get({ publicKey });
        return credential?.type ?? 'nothing';
      } catch (error) {
        return error instanceof DOMException ? error.name : 'another error';
      }
    });
  expect(await ask()).toBe('public-key');
  await page.route('https://evil.example/', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>Evil</title>' }),
  );
  await page.goto('https://evil.example/');
  expect(await ask()).toBe('SecurityError');
  await page.close();
});

test('without JavaScript the pages say what to do instead, and a password works', async ({
  skip,
}) => {
  if (noChromium) skip(noChromium);
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await signInWithPassword(page);
  expect(new URL(page.url()).pathname).toBe('/account');
  await page.goto(`${server.origin}/account/authenticators/passkeys/new`);
  expect(await page.locator('[data-instead]').isVisible()).toBe(true);
  expect(await page.locator('form[data-passkey] button').isVisible()).toBe(false);
  await context.close();
});
