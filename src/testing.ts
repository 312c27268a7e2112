import { randomBytes } from 'node:crypto';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { parseEmailAddress } from './core/email-address.ts';
import { newEncryptionKey } from './core/encryption.ts';
import { createPasswordHasher } from './core/password-hashing.ts';
import { normalizePassword } from './core/password.ts';
import { type BuiltInRole, LEVELS } from './core/permissions.ts';
import {
  digestOf,
  newSecret,
  proofOf,
  secretText,
  selectionKeyOf,
  synchronizerTokenOf,
} from './core/secret.ts';
import { sortNameOf, wordsOfAddress, wordsOfName } from './core/member-words.ts';
import { slugOf } from './core/tenant-slug.ts';
import {
  insertIdentity,
  insertLiveSession,
  insertMembership,
  insertTenant,
  openAsOwner,
  openEmbeddedInMemory,
  type OwnerConnection,
  type Query,
} from './db/testing.ts';
import type { Permission } from './fastify/register.ts';
import { SESSION_COOKIE, SYNCHRONIZER_COOKIE } from './http/cookies.ts';
import { isSafeMethod } from './http/request-head.ts';
import { maskToken } from './http/synchronizer-token.ts';
import { migrateServer, refuseUnsoundDatabase } from './server/databases.ts';
import { OPENED, type SallyportOptions } from './server/plugin-options.ts';

export type { Query } from './db/testing.ts';

export interface TestingOptions {
  /**
   * What makes the application's tables: SQL, files of it in their order, or a function. It runs
   * after Sallyport's own schema, so what `sallyport protect` wrote can stand at its end.
   */
  readonly migrate?: string | readonly string[] | ((query: Query) => Promise<void>);
  /** The origin that the app is told it has; `http://localhost` unless said. */
  readonly origin?: string;
  /**
   * A server's database instead of the embedded one, for tests of what injected SQL can reach. The
   * kit makes Sallyport's schema and its own rows there and removes nothing. The two roles of a
   * server have one password each, which follows from the key: use one key for all its databases.
   */
  readonly server?: { readonly databaseUrl: string; readonly encryptionKey: string };
}

export interface TestTenant {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
}

/** What the kit makes a person of. */
export interface PersonOptions {
  /** Without one they are nobody's member, and their session is in no tenant. */
  readonly tenant?: TestTenant;
  /** A role of every tenant, with what the app has declared for it. It goes before permissions. */
  readonly role?: BuiltInRole;
  /** What a role made for them permits; nothing unless said. */
  readonly permissions?: readonly Permission[];
  readonly displayName?: string;
  /** Unique; made up unless said. */
  readonly email?: string;
  /** Without one nobody can sign in as them; their live session is there all the same. */
  readonly password?: string;
}

/** Somebody with a live session, in which they have just proved who they are. */
export interface TestPerson {
  readonly identityId: string;
  readonly sessionId: string;
  readonly email: string;
  readonly displayName: string;
  /**
   * Sends a request as the app's own page in this person's browser would: with their session
   * cookie, the origin and the synchronizer token. Headers that are given go before these.
   */
  inject(app: Injectable, request: TestRequest): Promise<LightMyRequestResponse>;
}

export interface TestRequest extends InjectOptions {
  /** The fields of a form, sent as one, in the place of `payload`. */
  readonly form?: Readonly<Record<string, string>>;
}

/** A Fastify app, whatever its types. */
export interface Injectable {
  inject(request: InjectOptions): Promise<LightMyRequestResponse>;
}

export interface TestKit {
  /** To register the plugin with, beside options of your own; any number of apps may share them. */
  readonly options: SallyportOptions;
  /** Past all walls, to arrange what a test needs and to count what it has left. */
  readonly query: Query;
  tenant(name?: string): Promise<TestTenant>;
  person(options?: PersonOptions): Promise<TestPerson>;
  /** Ends the database, so close the apps before. */
  close(): Promise<void>;
}

/**
 * Starts a database with Sallyport's schema and the application's in it: an embedded one in memory,
 * or a server's. On the embedded one the walls stop what is forgotten, and not injected SQL that
 * takes its role off: its one session is a superuser's.
 */
export async function startTesting(options: TestingOptions = {}): Promise<TestKit> {
  const { migrate = [], origin = 'http://localhost', server } = options;
  const opened = server ? await openServer(server) : await openEmbedded();
  const { owner } = opened;
  try {
    if (typeof migrate === 'function') await migrate(owner.query);
    else for (const sql of [migrate].flat()) await owner.query(sql);
  } catch (error) {
    await owner.close();
    throw error;
  }
  const passwords = createPasswordHasher();
  return {
    options: { ...opened.options, origin },
    query: owner.query,
    async tenant(name = `Tenant ${tag()}`) {
      const tenant = { slug: slugOf(name, 'tenant', true), name };
      return { id: await insertTenant(owner, tenant, LEVELS), ...tenant };
    },
    async person({ password, ...person } = {}) {
      const hash = password && (await passwords.hash(normalizePassword(password)));
      return await personIn(owner, origin, person, hash ?? null);
    },
    close: owner.close,
  };
}

interface Opened {
  readonly owner: OwnerConnection;
  readonly options: Omit<SallyportOptions, 'origin'>;
}

async function openServer(server: NonNullable<TestingOptions['server']>): Promise<Opened> {
  await migrateServer(server.databaseUrl);
  return { owner: await openAsOwner(server.databaseUrl), options: server };
}

/** The plugin is handed the database that is open already: another one would not see its rows. */
async function openEmbedded(): Promise<Opened> {
  const { database, owner } = await openEmbeddedInMemory();
  const core = {
    database,
    passwords: createPasswordHasher(),
    encryptionKey: newEncryptionKey(),
  };
  return {
    owner,
    options: {
      async [OPENED](config) {
        await refuseUnsoundDatabase(database, config);
        return { core, close: async () => {} };
      },
    },
  };
}

async function personIn(
  owner: OwnerConnection,
  origin: string,
  { tenant, role, permissions = [], ...given }: PersonOptions,
  passwordHash: string | null,
): Promise<TestPerson> {
  const { displayName = 'Ada', email = `person.${tag()}@example.com` } = given;
  const parsed = parseEmailAddress(email);
  if ('problem' in parsed)
    throw new Error(`the address ${email} cannot be used: ${parsed.problem}`);
  const identityId = await insertIdentity(owner, { ...parsed.email, displayName, passwordHash });
  if (tenant) {
    await insertMembership(owner, {
      tenantId: tenant.id,
      identityId,
      role: role ?? permissions,
      sortName: sortNameOf(displayName),
      words: {
        name: wordsOfName(displayName),
        address: wordsOfAddress(parsed.email.folded),
      },
    });
  }
  const secret = newSecret();
  const token = synchronizerTokenOf(secret, 1);
  const sessionId = await insertLiveSession(owner, {
    identityId,
    tenantId: tenant?.id ?? null,
    proofDigest: digestOf(proofOf(secret)),
    synchronizerDigest: digestOf(token),
    selectionKey: selectionKeyOf(secret),
  });
  const browser = {
    origin,
    session: secretText(secret),
    synchronizerToken: maskToken(token, randomBytes(32)),
  };
  return {
    identityId,
    sessionId,
    email,
    displayName,
    inject: (app, request) => injectFrom(browser, app, request),
  };
}

interface Browser {
  readonly origin: string;
  session: string;
  synchronizerToken: string;
}

async function injectFrom(
  browser: Browser,
  app: Injectable,
  { form, ...request }: TestRequest,
): Promise<LightMyRequestResponse> {
  const { origin, session, synchronizerToken } = browser;
  const fields = form && new URLSearchParams({ ...form, _csrf: synchronizerToken }).toString();
  const changing = {
    origin,
    ...(fields === undefined
      ? { 'x-csrf-token': synchronizerToken }
      : { 'content-type': 'application/x-www-form-urlencoded' }),
  };
  const response = await app.inject({
    ...request,
    ...(fields === undefined ? {} : { payload: fields }),
    headers: {
      host: new URL(origin).host,
      cookie: `${SESSION_COOKIE}=${session}`,
      'sec-fetch-site': 'same-origin',
      ...(isSafeMethod((request.method ?? 'GET').toUpperCase()) ? {} : changing),
      ...request.headers,
    },
  });
  for (const { name, value } of response.cookies) {
    if (name === SESSION_COOKIE) browser.session = value;
    if (name === SYNCHRONIZER_COOKIE) browser.synchronizerToken = value;
  }
  return response;
}

function tag(): string {
  return randomBytes(6).toString('hex');
}
