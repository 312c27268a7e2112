import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { sortNameOf, wordsOfAddress, wordsOfName } from '../../src/core/member-words.ts';
import { LEVELS } from '../../src/core/permissions.ts';
import {
  digestOf,
  newSecret,
  secretText,
  selectionKeyOf,
  synchronizerTokenOf,
  proofOf,
} from '../../src/core/secret.ts';
import {
  insertIdentity,
  insertLiveSession,
  insertMembership,
  insertTenant,
  type OwnerConnection,
} from '../../src/db/testing.ts';
import { SESSION_COOKIE } from '../../src/http/cookies.ts';
import { maskToken } from '../../src/http/synchronizer-token.ts';
import { Visitor } from './client.ts';
import type { Member } from './plugin-apps.ts';

export interface TestTenant {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
}

/** The connection of a test database as the kit for applications takes it. */
function ownerOf(admin: pg.Client): OwnerConnection {
  return {
    query: async (sql, parameters = []) => (await admin.query(sql, [...parameters])).rows,
    close: async () => {},
  };
}

/** A tenant with the built-in roles, as rows: as if somebody had made it. */
export async function insertTestTenant(
  admin: pg.Client,
  { name = 'Acme', slug = `t-${tag()}` }: { readonly name?: string; readonly slug?: string } = {},
): Promise<TestTenant> {
  const id = await insertTenant(ownerOf(admin), { slug, name }, LEVELS);
  return { id, slug, name };
}

interface Joining {
  readonly displayName?: string;
  readonly email?: string;
  /** Tenants of which they are a member beside this one, with the role there. */
  readonly others?: readonly (readonly [TestTenant, string])[];
  /** In none of them at first. */
  readonly unselected?: boolean;
}

/** Somebody with a live session in a tenant, whose role is one of its roles or made for them. */
export async function insertTestMember(
  admin: pg.Client,
  origin: string,
  tenant: TestTenant,
  role: string | readonly string[],
  { displayName = `Ada ${tag()}`, email, others = [], unselected = false }: Joining = {},
): Promise<Member & { readonly email: string; readonly displayName: string }> {
  const owner = ownerOf(admin);
  const address = email ?? `${tag()}@example.com`;
  const identityId = await insertIdentity(owner, {
    folded: address,
    address,
    displayName,
    passwordHash: null,
  });
  for (const [each, itsRole] of [[tenant, role] as const, ...others]) {
    await insertMembership(owner, {
      tenantId: each.id,
      identityId,
      role: itsRole,
      sortName: sortNameOf(displayName),
      words: { name: wordsOfName(displayName), address: wordsOfAddress(address) },
    });
  }
  const session = await insertTestSession(owner, origin, identityId, unselected ? null : tenant.id);
  return { ...session, tenantId: tenant.id, identityId, email: address, displayName };
}

/** Somebody with a live session in no tenant, as rows: who they are, and the hash of a password. */
export async function insertTestPerson(
  admin: pg.Client,
  origin: string,
  person: { readonly email: string; readonly displayName: string; readonly passwordHash: string },
): Promise<Visitor> {
  const owner = ownerOf(admin);
  const { email: address, displayName, passwordHash } = person;
  const given = { folded: address, address, displayName, passwordHash };
  const identityId = await insertIdentity(owner, given);
  return (await insertTestSession(owner, origin, identityId, null)).browser;
}

async function insertTestSession(
  owner: OwnerConnection,
  origin: string,
  identityId: string,
  tenantId: string | null,
): Promise<{ readonly browser: Visitor; readonly sessionId: string }> {
  const secret = newSecret();
  const token = synchronizerTokenOf(secret, 1);
  const sessionId = await insertLiveSession(owner, {
    identityId,
    tenantId,
    proofDigest: digestOf(proofOf(secret)),
    synchronizerDigest: digestOf(token),
    selectionKey: selectionKeyOf(secret),
  });
  const browser = new Visitor(origin);
  browser.cookies.set(SESSION_COOKIE, secretText(secret));
  browser.csrfToken = maskToken(token, randomBytes(32));
  return { browser, sessionId };
}

/** Makes somebody who has registered a member. */
export async function joinTestTenant(
  admin: pg.Client,
  tenant: TestTenant,
  role: string,
  { id, email, displayName }: Registered,
): Promise<void> {
  await insertMembership(ownerOf(admin), {
    tenantId: tenant.id,
    identityId: id,
    role,
    sortName: sortNameOf(displayName),
    words: { name: wordsOfName(displayName), address: wordsOfAddress(email) },
  });
}

interface Registered {
  readonly id: string;
  readonly email: string;
  readonly displayName: string;
}

function tag(): string {
  return randomBytes(6).toString('hex');
}
