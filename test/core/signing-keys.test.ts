// Keys with which others verify what we sign: published before they sign and until nothing signed
// with them is valid any more, encrypted at rest.
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  keepSigningKeys,
  publishedKeySet,
  keptSigningKey,
  rotateSigningKeys,
} from '../../src/core/signing-keys.ts';
import { SWEEP_STATEMENTS } from '../../src/db/sweep.ts';
import { openTestCore, type TestCore } from '../support/cores.ts';
import { type SignedToken, signToken } from '../support/signed-tokens.ts';

let opened: TestCore;
beforeAll(async () => {
  opened = await openTestCore();
});
afterEach(() => opened.admin.query('DELETE FROM sallyport.signing_keys'));
afterAll(() => opened.close());

const ASSERTION: SignedToken = {
  type: 'identity-assertion+jwt',
  issuer: 'https://accounts.example.com',
  audience: 'https://api.example.com',
  subject: 'ada',
  claims: { tenant: 'engines' },
  seconds: 60,
};

const published = async () => (await publishedKeySet(opened.core)).keys.map(({ kid }) => kid);

async function verified(token: string, asked: Partial<SignedToken> = {}) {
  const keys = createLocalJWKSet({ keys: [...(await publishedKeySet(opened.core)).keys] });
  const { issuer, audience, type } = { ...ASSERTION, ...asked };
  return await jwtVerify(token, keys, { issuer, audience, typ: type, algorithms: ['EdDSA'] });
}

/** As if so many minutes had passed for every key. */
async function pass(minutes: number): Promise<void> {
  const earlier = (column: string) => `${column} = ${column} - $1 * INTERVAL '1 minute'`;
  const columns = ['created_at', 'signs_from', 'signs_until', 'published_until'].map(earlier);
  await opened.admin.query(`UPDATE sallyport.signing_keys SET ${columns.join(', ')}`, [minutes]);
}

describe('what is signed', () => {
  test('verifies with the published keys, for its audience and type alone [ASVS 9.1.1] [ASVS 9.2.4] [R-64]', async () => {
    await keepSigningKeys(opened.core);
    const token = await signToken(opened.core, ASSERTION);
    const { payload } = await verified(token);
    for (const wrong of [{ audience: 'another' }, { type: 'at+jwt' }, { issuer: 'another' }]) {
      await expect(verified(token, wrong)).rejects.toThrow('unexpected');
    }
    expect(payload).toMatchObject({ sub: 'ada', tenant: 'engines' });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60);
    expect(decodeProtectedHeader(token)).toEqual({
      alg: 'EdDSA',
      kid: (await published())[0],
      typ: 'identity-assertion+jwt',
    });
  });

  test('without a key nothing is signed', async () => {
    await expect(signToken(opened.core, ASSERTION)).rejects.toThrow('no signing key');
  });
});

describe('a process that signs all the time', () => {
  test('looks for the key every three seconds, and notices a rotation', async () => {
    await keepSigningKeys(opened.core);
    const keyAt = keptSigningKey(opened.core);
    const start = Date.now();
    const at = async (seconds: number) => (await keyAt(new Date(start + seconds * 1000))).kid;
    const first = await at(0);
    const { kid: second } = await rotateSigningKeys(opened.core, 'overlap');
    await pass(10);
    expect(await at(3)).toBe(first);
    expect(await at(4)).toBe(first);
    await expect.poll(() => at(5)).toBe(second);
  });

  test('signs nothing with a key that was given up, once ten seconds have passed', async () => {
    await keepSigningKeys(opened.core);
    const keyAt = keptSigningKey(opened.core);
    const start = Date.now();
    const at = async (seconds: number) => (await keyAt(new Date(start + seconds * 1000))).kid;
    const first = await at(0);
    const { kid: second } = await rotateSigningKeys(opened.core, 'compromised');
    expect(await at(2)).toBe(first);
    expect(await at(11)).toBe(second);
  });

  test('signs with the key that it has while none can be found, but not for ever', async () => {
    await keepSigningKeys(opened.core);
    const keyAt = keptSigningKey(opened.core);
    const start = Date.now();
    const at = async (seconds: number) => (await keyAt(new Date(start + seconds * 1000))).kid;
    const first = await at(0);
    await opened.admin.query('DELETE FROM sallyport.signing_keys');
    expect(await at(5)).toBe(first);
    expect(await at(10)).toBe(first);
    await expect(at(11)).rejects.toThrow('no signing key');
  });
});

describe('a rotation [ASVS 13.3.4]', () => {
  test('publishes the new key before it signs, and the old one after', async () => {
    await keepSigningKeys(opened.core);
    const [first] = await published();
    const before = await signToken(opened.core, ASSERTION);
    const { kid: second } = await rotateSigningKeys(opened.core, 'overlap');
    expect(await published()).toEqual([second, first]);
    // A verifier with a copy of the set from before the rotation knows what is signed now.
    expect(decodeProtectedHeader(await signToken(opened.core, ASSERTION)).kid).toBe(first);

    await pass(10);
    const after = await signToken(opened.core, ASSERTION);
    expect(decodeProtectedHeader(after).kid).toBe(second);
    expect(await published()).toEqual([second, first]);
    await verified(before);
    await verified(after);

    await pass(61);
    expect(await published()).toEqual([second]);
    await expect(verified(before)).rejects.toThrow('no applicable key');
  });

  test('twice in a row: the key that never signed goes too, and one signs at any time', async () => {
    await keepSigningKeys(opened.core);
    await rotateSigningKeys(opened.core, 'overlap');
    const { kid: third } = await rotateSigningKeys(opened.core, 'overlap');
    await verified(await signToken(opened.core, ASSERTION));
    await pass(10);
    const token = await signToken(opened.core, ASSERTION);
    expect(decodeProtectedHeader(token).kid).toBe(third);
    await verified(token);
  });

  test('of a compromised key forgets it at once, and what it has signed', async () => {
    await keepSigningKeys(opened.core);
    const before = await signToken(opened.core, ASSERTION);
    const { kid } = await rotateSigningKeys(opened.core, 'compromised');
    expect(await published()).toEqual([kid]);
    await expect(verified(before)).rejects.toThrow('no applicable key');
    await verified(await signToken(opened.core, ASSERTION));
  });

  test('comes by itself after 90 days, and not before', async () => {
    await keepSigningKeys(opened.core);
    await pass(89 * 24 * 60);
    await keepSigningKeys(opened.core);
    expect(await published()).toHaveLength(1);
    await pass(24 * 60 + 1);
    await keepSigningKeys(opened.core);
    expect(await published()).toHaveLength(2);
    await keepSigningKeys(opened.core);
    expect(await published()).toHaveLength(2);
  });

  test('fifty processes that start at once make one key', async () => {
    await Promise.all(Array.from({ length: 50 }, () => keepSigningKeys(opened.core)));
    expect(await published()).toHaveLength(1);
  });
});

describe('at rest [CWE-312]', () => {
  test('the private half is encrypted for its row, and erased when it signs no more', async () => {
    await keepSigningKeys(opened.core);
    await rotateSigningKeys(opened.core, 'overlap');
    const rows = async () =>
      (await opened.admin.query('SELECT * FROM sallyport.signing_keys ORDER BY signs_from')).rows;
    expect(JSON.stringify(await rows())).not.toMatch(/"d\\?"/);
    const swap = `UPDATE sallyport.signing_keys AS k SET private_key = o.private_key
      FROM sallyport.signing_keys AS o WHERE o.kid <> k.kid`;
    await opened.admin.query(swap);
    await expect(signToken(opened.core, ASSERTION)).rejects.toThrow(/authenticate/);
    await opened.admin.query(swap);
    await signToken(opened.core, ASSERTION);

    await pass(11);
    for (const statement of SWEEP_STATEMENTS) {
      const asIdentity = { role: 'sallyport_identity', access: 'write' } as const;
      await opened.core.database.batch(asIdentity, [statement]);
    }
    const [old, current] = await rows();
    expect(old.private_key).toBeNull();
    expect(current.private_key).not.toBeNull();
    await verified(await signToken(opened.core, ASSERTION));
  });
});
