// Tokens of issuers that an application trusts, and everything that only looks like one.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { externalIssuers } from '../../src/core/external-issuers.ts';
import { issuerKeys } from '../../src/core/issuer-keys.ts';
import { openOutbound } from '../../src/outbound.ts';
import { openCore } from '../../src/server/opening.ts';
import { ask } from '../support/client.ts';
import type { TestDatabase } from '../support/databases.ts';
import { AUDIENCE, startIssuer, type TestIssuer } from '../support/issuers.ts';
import {
  createInvoices,
  insertMember,
  type Member,
  optionsFor,
  type PluginApp,
  startPluginApp,
} from '../support/plugin-apps.ts';
import { testConfig } from '../support/servers.ts';
import { forgedTokens } from './forged-tokens.ts';
import { signToken } from '../support/signed-tokens.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-issuers-'));
let database: TestDatabase;
let issuer: TestIssuer;
let other: TestIssuer;
let apps: readonly PluginApp[];
let member: Member;

const mapping = {
  audience: AUDIENCE,
  algorithms: ['EdDSA', 'ES256', 'RS256'],
  identity: { claim: 'sub', by: 'id' },
  tenant: { claim: 'tenant' },
};

beforeAll(async () => {
  database = await createInvoices();
  issuer = await startIssuer();
  other = await startIssuer();
  const [ed = {}] = issuer.keys;
  // What else may stand in a set: secrets, keys for other uses, and two of one name.
  issuer.keys.push(
    { kty: 'oct', kid: 'oct', k: 'AAAA' },
    { ...ed, kid: 'enc', use: 'enc' },
    { ...ed, kid: 'twice' },
    { ...ed, kid: 'twice', x: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' },
    { ...ed, kid: 'private', d: 'AAAA' },
    { ...ed, kid: 'without-verify', key_ops: ['encrypt'] },
  );
  const issuersFile = join(folder, 'issuers.json');
  const issuers = [
    { ...mapping, issuer: issuer.issuer },
    {
      ...mapping,
      issuer: other.issuer,
      identity: { claim: 'email', by: 'email' },
      permissions: { claim: 'scope' },
    },
  ];
  writeFileSync(
    issuersFile,
    JSON.stringify({ issuers, insecureLoopbackHosts: [issuer.host, other.host] }),
  );
  const start = async () =>
    await startPluginApp({ ...optionsFor(database), issuersFile }, (app) => {
      app.get(
        '/invoices',
        { access: { permission: 'invoices:read' } },
        async ({ principal }) => principal,
      );
    });
  apps = [await start(), await start()];
  member = await newMember();
});
afterAll(async () => {
  for (const app of apps) await app.close();
  issuer.close();
  other.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

const newMember = async () =>
  await insertMember(database.admin, apps[0]?.origin ?? '', {
    permissions: ['invoices:read', 'invoices:write'],
  });
const claimsOf = ({ identityId, tenantId }: Member) => ({ sub: identityId, tenant: tenantId });
const get = (token: string, app = 0) =>
  ask(apps[app]?.origin ?? '', '/invoices', { headers: { authorization: `Bearer ${token}` } });

describe('a token of an issuer that is trusted', () => {
  test.each(['ed', 'ec', 'rsa'])(
    'stands for a member, with the key %s [ASVS 9.1.1]',
    async (kid) => {
      const answer = await get(await issuer.sign(claimsOf(member), {}, kid));
      expect(answer.status).toBe(200);
      expect(answer.json()).toMatchObject({
        bearer: 'external-token',
        identityId: member.identityId,
        tenantId: member.tenantId,
        sessionId: null,
      });
    },
  );

  test('may say its type in full, and its audience among others', async () => {
    const claims = { ...claimsOf(member), aud: ['https://other.example', AUDIENCE] };
    expect((await get(await issuer.sign(claims, { typ: 'application/at+jwt' }))).status).toBe(200);
  });

  test('by a proved address, and with no more than its scope [ASVS 10.3.2]', async () => {
    const { rows } = await database.admin.query(
      'SELECT address FROM sallyport.email_addresses WHERE identity_id = $1',
      [member.identityId],
    );
    const claims = { sub: 'ada', email: rows[0].address.toUpperCase(), tenant: member.tenantId };
    const right = { ...claims, email_verified: true, scope: 'openid invoices:read' };
    expect((await get(await other.sign(right))).json().permissions).toEqual(['invoices:read']);
    for (const wrong of [
      { email_verified: false },
      { email_verified: 'true' },
      { scope: undefined },
      { scope: 1 },
    ]) {
      expect((await get(await other.sign({ ...right, ...wrong }))).status).toBe(401);
    }
    expect((await get(await other.sign({ ...right, scope: 'openid' }))).status).toBe(403);
  });

  test('is a row for five minutes at most, with digests in it', async () => {
    const token = await issuer.sign(claimsOf(member));
    await get(token);
    const { rows } = await database.admin.query(
      `SELECT *, expires_at - now() <= INTERVAL '5 minutes' AS soon FROM sallyport.bearer_credentials WHERE kind = 'external-token'`,
    );
    expect(rows.every(({ soon }) => soon)).toBe(true);
    for (const part of token.split('.')) expect(JSON.stringify(rows)).not.toContain(part);
  });

  test('fifty first uses at once make one row [CWE-362]', async () => {
    const fresh = await newMember();
    const token = await issuer.sign(claimsOf(fresh));
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => get(token, index % 2)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const { rows } = await database.admin.query(
      'SELECT 1 FROM sallyport.bearer_credentials WHERE identity_id = $1',
      [fresh.identityId],
    );
    expect(rows).toHaveLength(1);
  });
});

describe('forged tokens [R-58] [R-59] [R-60] [R-61] [R-63] [R-64] [ASVS 9.1.2] [ASVS 9.1.3] [ASVS 9.2.1] [ASVS 9.2.2] [ASVS 9.2.3] [ASVS 10.3.1]', () => {
  test('each of at least 120 is refused with the same answer, beside one that is right', async () => {
    const opened = await openCore(
      testConfig({ DATABASE_URL: database.url, SALLYPORT_SHARED_TABLES: 'fruits' }),
    );
    const assertion = await signToken(opened.core, {
      type: 'at+jwt',
      issuer: issuer.issuer,
      audience: AUDIENCE,
      subject: member.identityId,
      claims: { tenant: member.tenantId },
      seconds: 60,
    });
    await opened.close();
    const tokens = await forgedTokens({ claims: claimsOf(member), issuer, other, assertion });
    expect(tokens.size).toBeGreaterThanOrEqual(120);
    const answers = new Map<string, string[]>();
    const controls = new Set<number>();
    for (const [name, token] of tokens) {
      const [forged, control] = await Promise.all([
        get(token),
        get(await issuer.sign({ ...claimsOf(member), jti: randomUUID() })),
      ]);
      controls.add(control.status);
      const { status, headers, text } = forged;
      const said = JSON.stringify([
        status,
        headers['www-authenticate'],
        text.replace(/urn:uuid:[\w-]+/, ''),
      ]);
      answers.set(said, [...(answers.get(said) ?? []), name]);
    }
    expect(controls).toEqual(new Set([200]));
    expect([...answers.values()].slice(1)).toEqual([]);
    expect([...answers.keys()][0]).toContain('not-signed-in');
  });

  test('one for another tenant selects a membership that is not there [CWE-639]', async () => {
    const stranger = await newMember();
    expect(
      (await get(await issuer.sign({ ...claimsOf(member), tenant: stranger.tenantId }))).status,
    ).toBe(401);
    expect((await get(await issuer.sign(claimsOf(stranger)))).status).toBe(200);
  });

  test("one person's token never answers for another's, however alike [R-62]", async () => {
    const stranger = await newMember();
    const tokens = [await issuer.sign(claimsOf(member)), await issuer.sign(claimsOf(stranger))];
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => get(tokens[index % 2] ?? '')),
    );
    const ids = answers.map((answer) => answer.json().identityId);
    expect(ids).toEqual(ids.map((_, index) => (index % 2 === 0 ? member : stranger).identityId));
  });
});

describe('what ends here ends at the next request, on every process, whatever the issuer says [CWE-613]', () => {
  test('a token that its person revokes, in every form of its signature [CWE-294] [ASVS 7.4.1]', async () => {
    const person = await newMember();
    const { browser } = person;
    const token = await issuer.sign(claimsOf(person), {}, 'ec');
    const another = await issuer.sign({ ...claimsOf(person), jti: 'another' });
    for (const app of [0, 1]) expect((await get(token, app)).status).toBe(200);
    expect((await get(another)).status).toBe(200);
    const listed = (await browser.get('/sallyport/api/external-tokens')).json();
    expect(listed).toHaveLength(2);
    const path = `/sallyport/api/external-tokens/${listed[1].id}`;
    expect((await browser.send('DELETE', path)).status).toBe(204);
    for (const app of [0, 1]) {
      expect((await get(token, app)).status).toBe(401);
      expect((await get(withOtherSignature(token), app)).status).toBe(401);
      expect((await get(another, app)).status).toBe(200);
    }
    expect((await browser.send('DELETE', path)).status).toBe(404);
  });

  test("ECDSA's other signature is one: without the revocation the token passes in both forms", async () => {
    const token = await issuer.sign(claimsOf(member), {}, 'ec');
    expect(withOtherSignature(token)).not.toBe(token);
    expect((await get(withOtherSignature(token))).status).toBe(200);
    expect((await get(token)).status).toBe(200);
  });

  test('all that were issued until now, used or not', async () => {
    const person = await newMember();
    const { browser } = person;
    const used = await issuer.sign(claimsOf(person));
    const unused = await issuer.sign({ ...claimsOf(person), jti: 'unused' });
    expect((await get(used)).status).toBe(200);
    expect((await browser.send('DELETE', '/sallyport/api/external-tokens')).status).toBe(204);
    for (const app of [0, 1]) {
      for (const token of [used, unused]) expect((await get(token, app)).status).toBe(401);
    }
    const later = Math.floor(Date.now() / 1000) + 5;
    expect((await get(await issuer.sign({ ...claimsOf(person), iat: later }))).status).toBe(200);
  });

  // Clocks differ, so a token may say that it was issued in a few seconds.
  test('the strictest of all marks: a token that was revoked by itself, and the latest mark of all [R-30]', async () => {
    const person = await newMember();
    const { browser } = person;
    const all = '/sallyport/api/external-tokens';
    const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
    const early = await issuer.sign({ ...claimsOf(person), iat: inSeconds(15) });
    const free = await issuer.sign({ ...claimsOf(person), iat: inSeconds(15), jti: 'free' });
    for (const token of [early, free]) expect((await get(token)).status).toBe(200);
    const listed = (await browser.get(all)).json();
    expect((await browser.send('DELETE', `${all}/${listed[1].id}`)).status).toBe(204);
    expect((await browser.send('DELETE', all)).status).toBe(204);
    expect([(await get(early)).status, (await get(free)).status]).toEqual([401, 200]);

    await database.admin.query(
      `UPDATE sallyport.token_revocations SET issued_until = now() + INTERVAL '20 seconds'
        WHERE identity_id = $1`,
      [person.identityId],
    );
    expect((await browser.send('DELETE', all)).status).toBe(204);
    expect([(await get(early)).status, (await get(free)).status]).toEqual([401, 401]);
  });

  test("another person's token is not theirs to revoke [CWE-639]", async () => {
    const [person, stranger] = [await newMember(), await newMember()];
    await get(await issuer.sign(claimsOf(person)));
    const { browser } = person;
    const [row] = (await browser.get('/sallyport/api/external-tokens')).json();
    const path = `/sallyport/api/external-tokens/${row.id}`;
    expect((await stranger.browser.send('DELETE', path)).status).toBe(404);
  });

  test.each([
    ['the membership', 'DELETE FROM sallyport.memberships WHERE identity_id = $1', 401],
    ['the identity', 'UPDATE sallyport.identities SET disabled_at = now() WHERE id = $1', 401],
    [
      'the permission',
      `UPDATE sallyport.roles SET permissions = '{}' WHERE (tenant_id, name) = (SELECT tenant_id, role FROM sallyport.memberships WHERE identity_id = $1)`,
      403,
    ],
  ])('%s', async (_, sql, status) => {
    const person = await newMember();
    const token = await issuer.sign(claimsOf(person));
    for (const app of [0, 1]) expect((await get(token, app)).status).toBe(200);
    await database.admin.query(sql, [person.identityId]);
    for (const app of [0, 1]) expect((await get(token, app)).status).toBe(status);
  });
});

describe("an issuer's keys", () => {
  test('are fetched once, whatever names of keys strangers make up [CWE-770]', async () => {
    const { fetches } = issuer;
    const unknown = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        issuer.sign(claimsOf(member), { kid: `made-up-${index}` }),
      ),
    );
    const answers = await Promise.all(unknown.map((token) => get(token)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(issuer.fetches - fetches).toBeLessThanOrEqual(1);
  });

  test('a new one is found after the cooldown, one that was withdrawn is gone after ten minutes', async () => {
    const rotating = await startIssuer();
    const outbound = openOutbound({ insecureLoopbackHosts: [rotating.host] });
    const keys = issuerKeys(
      { issuer: rotating.issuer, algorithms: ['EdDSA'], keySetUrl: null },
      outbound,
    );
    expect(await keys.find('ed', 'EdDSA', 0)).not.toBeNull();
    const [ed = {}] = rotating.keys;
    rotating.keys.splice(0, rotating.keys.length, { ...ed, kid: 'new' });
    expect(await keys.find('new', 'EdDSA', 29_000)).toBeNull();
    expect(await keys.find('ed', 'EdDSA', 29_000)).not.toBeNull();
    expect(await keys.find('new', 'EdDSA', 31_000)).not.toBeNull();
    expect(await keys.find('ed', 'EdDSA', 31_000)).toBeNull();
    rotating.close();
    // Its issuer cannot be reached: what was fetched is good for ten minutes, and no longer.
    expect(await keys.find('new', 'EdDSA', 600_000)).not.toBeNull();
    await expect(keys.find('new', 'EdDSA', 632_000)).rejects.toThrow('connection-failed');
    expect(await keys.find('new', 'EdDSA', 640_000)).toBeNull();
    await outbound.close();
  });

  test('come from where its configuration says: not of an issuer that says it is another [R-95]', async () => {
    const liar = await startIssuer();
    const outbound = openOutbound({
      insecureLoopbackHosts: [liar.host, liar.host.replace('localhost', '127.0.0.1')],
    });
    const issuerUrl = liar.issuer.replace('localhost', '127.0.0.1');
    const keys = issuerKeys(
      { issuer: issuerUrl, algorithms: ['EdDSA'], keySetUrl: null },
      outbound,
    );
    await expect(keys.find('ed', 'EdDSA', 0)).rejects.toThrow('not of this issuer');
    liar.close();
    await outbound.close();
  });

  test('an issuer that cannot be reached makes no token right, and is told from a token that is wrong', async () => {
    const gone = await startIssuer();
    const token = await gone.sign(claimsOf(member));
    gone.close();
    const outbound = openOutbound({ insecureLoopbackHosts: [gone.host] });
    const config = {
      ...mapping,
      issuer: gone.issuer,
      types: ['at+jwt'],
      keySetUrl: null,
      permissions: null,
      lifetimeSecondsMax: 3_600,
    };
    const verifying = externalIssuers([config as never], outbound).verify(token);
    await expect(verifying).rejects.toThrow('cannot be had');
    await outbound.close();
  });
});

/** The other of the two signatures that ECDSA has for everything: (r, n - s) for (r, s). */
function withOtherSignature(token: string): string {
  const [head = '', body = '', signature = ''] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  const otherS = Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex');
  return `${head}.${body}.${Buffer.concat([bytes.subarray(0, 32), otherS]).toString('base64url')}`;
}
