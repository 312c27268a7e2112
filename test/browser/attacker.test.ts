import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  inForm,
  type Legitimate,
  legitimate,
  named,
  type Route,
  startRecordedServer,
  STORES_NOTHING,
} from '../attacks/routes.ts';
import { launchTrustingChromium, noChromium, type TrustingChromium } from '../support/chromium.ts';
import { register } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import {
  type Arrival,
  type Arrivals,
  type AttackerSite,
  recordArrivals,
  startAttackerSite,
} from './attacker-site.ts';
import { type Attack, ATTACKS } from './attacks.ts';
import { sendFromOwnPage, signInOnPage, weakCookies } from './victim.ts';

const server = await startRecordedServer();
afterAll(() => server.close());

const { origin, admin } = server;

/** Attacked routes of one kind; every route is, without a browser, in test/attacks. */
const ROUTES_OF_A_KIND = 3;
const TARGETS = ['POST /account', 'POST /sign-in'];
/** The last changes rows, and what it takes is over in a minute. */
const WITHOUT_CONTROL = [...STORES_NOTHING, 'POST /account/authenticators/totp/confirm'];
const attackedRoutes = server.unsafeRoutes
  .filter((route) => !WITHOUT_CONTROL.includes(named(route)))
  .filter(isAttacked);
const names = Object.keys(ATTACKS);

/** Enough for a browser on a machine that has much else to do. */
const MINUTES = 60_000;

/** How often an attack is sent that does not arrive. */
const ATTEMPTS = 3;

describe.skipIf(noChromium)(`an attacker's page in Chromium ${noChromium || ''}`, () => {
  let site: AttackerSite;
  let chromium: TrustingChromium;
  let browser: Browser;
  let arrivals: Arrivals;
  /** Who sends the attacker's page; cookies know no port, so the second is the same site as we. */
  let pages: Readonly<Record<'another site' | 'a sibling port', string>>;
  const requests = new Map<Route, Legitimate>();

  beforeAll(async () => {
    chromium = await launchTrustingChromium(['attacker.test']);
    ({ browser } = chromium);
    site = await startAttackerSite();
    pages = {
      'another site': `http://attacker.test:${site.port}`,
      'a sibling port': `http://localhost:${site.port}`,
    };
    arrivals = recordArrivals(Number(new URL(origin).port));
    await inTurns(attackedRoutes, async (route) => {
      requests.set(route, await legitimate(origin, route));
    });
  });
  afterAll(async () => {
    arrivals.stop();
    site.close();
    await chromium.close();
  });

  // SameSite=Strict alone keeps the cookies away from most of these requests, so here the browser
  // is told another thing, and the attacker is given the right token and the right fields besides:
  // only the server's judgement on where a request comes from is left to stop them.
  test(
    'changes no row with anything it sends to, or opens on, any kind of route, though cookies and token come along [CWE-352] [ASVS 3.5.1] [R-01] [R-02] [R-05] [R-11] [R-12] [R-18]',
    { timeout: 20 * MINUTES },
    async () => {
      const deviations: string[] = [];
      const changed = await changedBy(admin, () =>
        inTurns([...requests.values()], async (request) => {
          const context = await browser.newContext();
          await context.addCookies(weakCookies(request));
          const before = await context.cookies();
          const chosen = attacksOn(request.route);
          for (const from of ['another site', 'a sibling port'] as const) {
            await attack(context, request, from, chosen);
            deviations.push(
              ...chosen.flatMap((name) => deviationsOf(request, name, from, { cookie: 'always' })),
            );
          }
          expect(await context.cookies()).toEqual(before);
          await context.close();
        }),
      );
      expect(deviations).toEqual([]);
      expect(changed).toEqual([]);
    },
  );

  test(
    'changes no row with the cookies as sign-in sets them, which never come along from another site, and the victim stays signed in as themself [CWE-352] [CWE-1275] [ASVS 3.3.2]',
    { timeout: 10 * MINUTES },
    async () => {
      const person = await register(origin);
      const context = await browser.newContext();
      const page = await signInOnPage(context, origin, person);
      expect(page.url()).toBe(`${origin}/account`);
      const before = await context.cookies();

      const deviations: string[] = [];
      const changed = await changedBy(admin, async () => {
        for (const request of requests.values()) {
          const chosen = TARGETS.includes(named(request.route)) ? names : STAYING;
          for (const from of ['another site', 'a sibling port'] as const) {
            await attack(context, request, from, chosen, 'as set');
            deviations.push(
              ...chosen.flatMap((name) =>
                deviationsOf(request, name, from, { cookie: 'same site', run: 'as set' }),
              ),
            );
          }
        }
      });
      expect(deviations).toEqual([]);
      expect(changed).toEqual([]);
      expect(await context.cookies()).toEqual(expect.arrayContaining(before));
      const own = await context.newPage();
      await own.goto(`${origin}/account`);
      expect(await own.locator('main').textContent()).toContain(person.email);
      await context.close();
    },
  );

  test.each(attackedRoutes.map((route) => [named(route), route] as const))(
    '%s changes rows when our own page sends the same with the same cookies',
    async (_, route) => {
      const request = requests.get(route) as Legitimate;
      // The attacks before may have taken longer than a proof is recent.
      await server.admin.query('UPDATE sallyport.sessions SET authenticated_at = now()');
      const context = await browser.newContext();
      await context.addCookies(weakCookies(request));
      const page = await context.newPage();
      const changed = await changedBy(admin, async () => {
        const status = await sendFromOwnPage(page, request);
        expect([200, 201, 202, 204]).toContain(status);
      });
      expect(changed).not.toEqual([]);
      await context.close();
    },
  );

  // Cookies know no port, so a sibling port can plant one, with the token that belongs to it.
  test('signs nobody in as the attacker by a cookie that a sibling planted [R-19] [CWE-352] [CWE-384]', async () => {
    const route = server.unsafeRoutes.find((each) => named(each) === 'POST /sign-in') as Route;
    const request = await legitimate(origin, route);
    const context = await browser.newContext();
    const page = await context.newPage();
    const [planted] = weakCookies(request);
    const cookie = `${planted?.name}=${planted?.value}; Path=/; Secure; SameSite=None`;
    const path = site.pathOf(`<script>document.cookie = '${cookie}';
      document.cookie = '${cookie}; Domain=localhost';</script>`);
    await page.goto(pages['another site'] + path);
    await page.goto(pages['a sibling port'].replace('localhost', 'evil.localhost') + path);
    // A cookie of evil.localhost is no cookie of ours.
    expect(await context.cookies(origin)).toEqual([]);
    await page.goto(pages['a sibling port'] + path);
    expect(await context.cookies(origin)).toMatchObject([{ name: '__Host-presession' }]);

    const changed = await changedBy(admin, () =>
      attack(context, request, 'a sibling port', ALWAYS, 'planted'),
    );
    const options = { cookie: 'same site', run: 'planted' } as const;
    const deviations = ALWAYS.flatMap((name) =>
      deviationsOf(request, name, 'a sibling port', options),
    );
    expect({ deviations, changed }).toEqual({ deviations: [], changed: [] });
    const kept = (await context.cookies(origin)).map(({ name }) => name);
    expect(kept).toEqual(['__Host-presession']);
    const own = await context.newPage();
    expect(await changedBy(admin, () => sendFromOwnPage(own, request))).toContain('sessions');
    await context.close();
  });

  /**
   * Opens the attacker's page with these attacks on it, and waits until all have arrived. On a busy
   * machine the browser now and then drops one that opens something: those are sent again.
   */
  async function attack(
    context: BrowserContext,
    request: Legitimate,
    from: keyof typeof pages,
    chosen: readonly string[],
    run = '',
  ): Promise<void> {
    const missing = () =>
      chosen.filter((name) => arrivals.of(tagOf(request, name, from, run)).length === 0);
    for (let attempt = 0; attempt < ATTEMPTS && missing().length > 0; attempt++) {
      const html = missing().map((name) => {
        const tag = tagOf(request, name, from, run);
        return placed(ATTACKS[name] as Attack, request, tag, site);
      });
      const page = await context.newPage();
      await page.goto(pages[from] + site.pathOf(html.join('\n')), { waitUntil: 'commit' });
      await vi
        .waitUntil(() => missing().length === 0, { timeout: 60_000, interval: 20 })
        .catch(() => {});
    }
    expect(missing()).toEqual([]);
  }

  /** Where an attack did not come in as it must to mean anything, or was not refused. */
  function deviationsOf(
    request: Legitimate,
    name: string,
    from: keyof typeof pages,
    { cookie, run = '' }: { readonly cookie: 'always' | 'same site'; readonly run?: string },
  ): readonly string[] {
    const { arrives, opaque } = ATTACKS[name] as Attack;
    const sameSite = from === 'a sibling port' && !opaque;
    const sent = cookie === 'always' || sameSite;
    const found = arrivals.of(tagOf(request, name, from, run));
    const asExpected = ({ method, status, shared, hasCookie }: Arrival) => {
      if (method !== arrives || shared) return false;
      if (method === 'OPTIONS') return status >= 400;
      if (method === 'GET') return status < 500;
      return status === 403 && hasCookie === sent;
    };
    return found
      .filter((arrival) => !asExpected(arrival))
      .map(
        ({ method, status, hasCookie, shared }) =>
          `${named(request.route)}: ${name}, from ${from}: ${method} ${hasCookie ? 'with' : 'without'} cookie: ${status}${shared ? ', shared' : ''}`,
      );
  }
});

const STAYING = names.filter((name) => ATTACKS[name]?.place === 'page');
const OPENING = names.filter((name) => !STAYING.includes(name));

/** Who may send what to a route: those that agree in it pass the same checks of the gate. */
function kindOf({ access, bodyType, page }: Route): string {
  return `${access === 'public' ? 'public' : 'signed in'}, ${bodyType}, ${page}`;
}

/** Some of each kind, and the two that the victim's own session is tried on. */
function isAttacked(route: Route): boolean {
  if (process.env['SALLYPORT_ATTACKS'] === 'all') return true;
  if (TARGETS.includes(named(route))) return true;
  const kin = server.unsafeRoutes.filter((other) => kindOf(other) === kindOf(route));
  const step = Math.ceil(kin.length / ROUTES_OF_A_KIND);
  return kin.indexOf(route) % step === 0;
}

/**
 * What is sent to a route: all that the attacker's page sends and stays, and a share of what opens
 * something, which takes most of the time. Routes of one kind share the latter out, so that each
 * such attack is sent to every kind of route. The nightly setting is SALLYPORT_ATTACKS=all.
 */
function attacksOn(route: Route): readonly string[] {
  if (process.env['SALLYPORT_ATTACKS'] === 'all') return names;
  const kin = attackedRoutes.filter((other) => kindOf(other) === kindOf(route));
  const turn = kin.indexOf(route);
  const share = OPENING.filter(
    (_, index) => index % kin.length === turn || turn % OPENING.length === index,
  );
  return [...STAYING, ...share];
}
const ALWAYS = [...STAYING, 'a form', 'a form, multipart', 'a form, JSON as text'];

function tagOf({ route }: Legitimate, name: string, from: string, run: string): string {
  return [run, named(route), name, from].join(' | ');
}

function placed(attack: Attack, request: Legitimate, tag: string, site: AttackerSite): string {
  const { route, fields, token } = request;
  const query = new URLSearchParams({ attack: tag, _method: route.method });
  const address = `${origin}${request.path}?${query}`;
  const html = attack.html({ address, method: route.method, fields: inForm(fields), token });
  if (attack.place === 'page') return html;
  const path = site.pathOf(html, attack.headers);
  return attack.place === 'tab'
    ? `<script>open('${path}')</script>`
    : `<iframe hidden src="${path}"></iframe>`;
}

async function inTurns<Item>(
  items: readonly Item[],
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await act(item);
  };
  await Promise.all([worker(), worker()]);
}
