import type { BrowserContext, Page } from 'playwright-core';
import type { Legitimate } from '../attacks/routes.ts';
import { untilLoaded } from '../support/chromium.ts';
import type { Person } from '../support/people.ts';

/**
 * The cookies of the victim's browser, as if the product had said that other sites may send them.
 */
export function weakCookies({ origin, browser }: Legitimate) {
  return [...browser.cookies].map(([name, value]) => ({
    name,
    value,
    url: origin.replace('http:', 'https:'),
    secure: true,
    sameSite: 'None' as const,
  }));
}

/** Sends it as the product's own pages do: a form by a form, JSON by the documentation's page. */
export async function sendFromOwnPage(page: Page, request: Legitimate): Promise<number> {
  const { origin, route, path, fields, token } = request;
  const json = route.bodyType === 'json';
  await page.goto(`${origin}${json ? '/docs' : '/'}`);
  if (json) {
    return await page.evaluate(
      async ({ address, ...options }) => {
        return (await fetch(address, options)).status;
      },
      {
        address: path,
        method: route.method,
        headers: { 'content-type': 'application/json', 'x-csrf-token': token },
        body: JSON.stringify(fields),
      },
    );
  }
  const loaded = page.waitForResponse(
    (answer) => answer.request().isNavigationRequest() && answer.status() !== 303,
  );
  await page.evaluate(
    ({ action, given }) => {
      const form = document.createElement('form');
      form.method = 'post';
      form.action = action;
      for (const [name, value] of Object.entries(given)) {
        const input = document.createElement('input');
        Object.assign(input, { type: 'hidden', name, value });
        form.append(input);
      }
      document.body.append(form);
      form.submit();
    },
    { action: path, given: { ...fields, _csrf: token } },
  );
  return (await loaded).status();
}

/** Signs in as a person does, on the product's own page. */
export async function signInOnPage(
  context: BrowserContext,
  origin: string,
  { email, password }: Pick<Person, 'email' | 'password'>,
): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${origin}/sign-in`);
  await page.fill('[name=email]', email);
  await page.fill('[name=password]', password);
  await untilLoaded(page, () => page.click('main form [type=submit]'));
  return page;
}
