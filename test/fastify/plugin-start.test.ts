// What keeps an app with the plugin from starting: each is one line that says what to do.
import { setTimeout as sleep } from 'node:timers/promises';
import { fastify, type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import sallyport, { accessTable, declareRoutes, type SallyportOptions } from '../../src/fastify.ts';
import type { TestDatabase } from '../support/databases.ts';
import { createInvoices, declared, optionsFor } from '../support/plugin-apps.ts';
import { startWireProxy } from '../support/wire-proxy.ts';

let database: TestDatabase;
const apps: FastifyInstance[] = [];

beforeAll(async () => {
  database = await createInvoices();
});

afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()));
  await database.drop();
});

function newApp(): FastifyInstance {
  const app = fastify();
  apps.push(app);
  return app;
}

/** The message with which the app does not become ready; '' when it does. */
async function refusalOf(build: (app: FastifyInstance) => unknown): Promise<string> {
  const app = newApp();
  try {
    await build(app);
    await app.ready();
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : 'no error';
  } finally {
    await app.close();
  }
}

const PUBLIC = { access: 'public' } as const;

test('starts with a database and an origin; the routes of both are in one table', async () => {
  const app = newApp();
  await app.register(sallyport, optionsFor(database));
  app.get('/invoices', { access: { permission: 'invoices:read' } }, async () => 'ok');
  await app.ready();
  const rows = accessTable(app);
  expect(rows.find(({ url }) => url === '/invoices')).toEqual({
    method: 'GET',
    url: '/invoices',
    access: { permission: 'invoices:read' },
    roles: ['owner'],
    stepUpSeconds: null,
    stepUpAal: null,
    bearer: true,
    bodyType: null,
    load: false,
  });
  expect(rows.find(({ url }) => url === '/sallyport/api/sign-in')).toMatchObject({
    access: 'public',
    bodyType: 'json',
  });
});

describe('options', () => {
  test('every problem is told at once, under the names of the options [ASVS 13.1.1]', async () => {
    const options = {
      databaseUrl: 'mysql://localhost/x',
      origin: 'https://app.example.com/',
      encryptionKey: 'short',
      prefix: '/accounts/',
      trustedOrigin: ['https://a.example'],
    } as unknown as SallyportOptions;
    const lines = (await refusalOf((app) => app.register(sallyport, options))).split('\n');
    expect(lines).toEqual([
      expect.stringContaining('trustedOrigin is not an option'),
      expect.stringContaining('prefix must be'),
      expect.stringContaining('origin:'),
      expect.stringContaining('databaseUrl must look like'),
      expect.stringContaining('encryptionKey must be'),
    ]);
    expect(lines.join()).not.toMatch(/SALLYPORT_|DATABASE_URL/);
  });

  test('what is convenient on loopback is refused anywhere else', async () => {
    const refusal = await refusalOf((app) =>
      app.register(sallyport, { origin: 'https://app.example.com' }),
    );
    expect(refusal).toContain('databaseUrl must be set');
    expect(refusal).toContain('mail.smtpUrl must be set');
    expect(refusal).toContain('encryptionKey must be set');
  });

  test.each(['accounts', '/', '/a//b', '/:tenant', '/*', '/a b', '/a/../b?'])(
    'the prefix %s is refused',
    async (prefix) => {
      const options = { ...optionsFor(database), prefix };
      const refusal = await refusalOf((app) => app.register(sallyport, options));
      expect(refusal).toContain('prefix must be');
    },
  );

  test('a table that is neither a tenant table nor shared is refused by name [R-93]', async () => {
    const options = { ...optionsFor(database), sharedTables: [] };
    expect(await refusalOf((app) => app.register(sallyport, options))).toContain('fruits');
  });
});

describe('routes that nothing would guard [R-06]', () => {
  test.each<readonly [string, (app: FastifyInstance) => unknown]>([
    [
      'before the plugin',
      async (app) => {
        app.get('/early', PUBLIC, async () => 'x');
        await app.register(sallyport, optionsFor(database));
      },
    ],
    [
      'behind it without waiting for it',
      (app) => {
        void app.register(sallyport, optionsFor(database));
        app.get('/early', PUBLIC, async () => 'x');
      },
    ],
    [
      'in a plugin that was registered before',
      async (app) => {
        void app.register(async (child) => {
          child.get('/early', PUBLIC, async () => 'x');
        });
        await app.register(sallyport, optionsFor(database));
      },
    ],
  ])('a route %s is refused by name', async (_when, build) => {
    const refusal = await refusalOf(build);
    expect(refusal).toContain('/early');
    expect(refusal).toContain('await app.register(sallyport');
  });

  test('the plugin inside of another plugin would guard a part, and is refused', async () => {
    const refusal = await refusalOf((app) =>
      app.register(async (child) => {
        await child.register(sallyport, optionsFor(database));
      }),
    );
    expect(refusal).toContain('register it on the app itself');
  });

  test('a listener on the bare server is refused: it answers past every hook', async () => {
    for (const event of ['upgrade', 'connect', 'checkContinue']) {
      const refusal = await refusalOf(async (app) => {
        await app.register(sallyport, optionsFor(database));
        app.server.on(event, () => {});
      });
      expect(refusal).toContain(`'${event}'`);
    }
  });
});

describe('a route that does not say who may call it refuses to register [CWE-862]', () => {
  const refused = (add: (app: FastifyInstance) => unknown) =>
    refusalOf(async (app) => {
      await app.register(sallyport, optionsFor(database));
      await add(app);
    });

  test('on the app, in a plugin, and in a plugin of a plugin', async () => {
    const add = (app: FastifyInstance) => app.get('/open', async () => 'x');
    expect(await refused(add)).toContain('GET /open declares no access');
    expect(
      await refused((app) => app.register(async (child) => void add(child), { prefix: '/v1' })),
    ).toContain('GET /v1/open declares no access');
    expect(
      await refused((app) =>
        app.register(
          async (child) => {
            await child.register(async (grandchild) => void add(grandchild), { prefix: '/b' });
          },
          { prefix: '/a' },
        ),
      ),
    ).toContain('GET /a/b/open declares no access');
  });

  test.each([
    'everybody',
    {},
    { permision: 'invoices:read' },
    { permission: '' },
    { permission: 'a', stepup: { withinSeconds: 300 } },
    { stepUp: {} },
    { stepUp: { withinSeconds: 0 } },
  ])('the access %j is none [R-75]', async (access) => {
    const refusal = await refused((app) =>
      app.get('/odd', { access: access as unknown as 'public' }, async () => 'x'),
    );
    expect(refusal).toContain('GET /odd declares an access that there is not');
  });

  test('a permission that nobody declares is asked for by no route [ASVS 8.1.1]', async () => {
    const access = { permission: 'invoices:raed' };
    expect(await refused((app) => app.get('/odd', { access }, async () => 'x'))).toMatch(
      /^GET \/odd asks for the permission 'invoices:raed', which nobody declares: write one of .*members:read.*invoices:read/,
    );
    const options = { ...optionsFor(database), permissions: declared('invoices') };
    expect(await refusalOf((app) => app.register(sallyport, options))).toBe(
      'The permission "invoices" must be written like invoices:read.',
    );
  });

  test('a route that may change something says in which type its body comes', async () => {
    expect(await refused((app) => app.post('/x', PUBLIC, async () => 'x'))).toContain('bodyType');
    expect(
      await refused((app) =>
        app.route({ method: ['GET', 'PUT'], url: '/y', ...PUBLIC, handler: async () => 'x' }),
      ),
    ).toContain('bodyType');
  });

  test('a public route loads nothing, and no route of the app takes a database role', async () => {
    const load = () => ({});
    expect(await refused((app) => app.get('/x', { ...PUBLIC, load }, async () => 'x'))).toContain(
      'nobody to load for',
    );
    const role = 'sallyport_identity';
    expect(
      await refused((app) => app.get('/x', { access: 'signed-in', role }, async () => 'x')),
    ).toContain('asks for a database role');
  });

  test('routes of a plugin that knows nothing of it are declared for it', async () => {
    const foreign = async (scope: FastifyInstance) => {
      scope.get('/metrics', async () => 'x');
    };
    expect(await refused((app) => app.register(foreign))).toContain('declares no access');
    expect(
      await refused(async (app) => {
        const access = { permission: 'metrics:read' };
        await app.register(declareRoutes({ access }, foreign), { prefix: '/ops' });
        expect(accessTable(app).find(({ url }) => url === '/ops/metrics')).toMatchObject({
          access,
        });
        // What is said of that plugin is said of no other.
        app.get('/beside', async () => 'x');
      }),
    ).toContain('GET /beside declares no access');
  });
});

test('a start that takes longer than Fastify gives a plugin is waited for', async () => {
  const proxy = await startWireProxy(database.url);
  const app = fastify({ pluginTimeout: 5_000 });
  apps.push(app);
  try {
    proxy.held = sleep(8_000);
    await app.register(sallyport, { ...optionsFor(database), databaseUrl: proxy.url });
    proxy.held = null;
    expect(accessTable(app)).not.toEqual([]);
  } finally {
    await app.close();
    await proxy.close();
  }
});

describe('connections', () => {
  async function openConnections(own: TestDatabase): Promise<number> {
    const { rows } = await own.admin.query<{ open: number }>(
      `SELECT count(*)::INT AS open FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'sallyport'`,
    );
    return rows[0]?.open ?? 0;
  }

  test('end when the app is closed, and where the database is refused at once', async () => {
    const own = await createInvoices();
    try {
      const app = newApp();
      await app.register(sallyport, optionsFor(own));
      await app.ready();
      expect(await openConnections(own)).toBeGreaterThan(0);
      await app.close();
      await expect.poll(() => openConnections(own)).toBe(0);

      const options = { ...optionsFor(own), sharedTables: [] };
      const refused = newApp();
      await expect(refused.register(sallyport, options)).rejects.toThrow('fruits');
      await expect.poll(() => openConnections(own)).toBe(0);
    } finally {
      await own.drop();
    }
  });
});
