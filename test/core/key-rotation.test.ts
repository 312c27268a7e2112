import { Secret, TOTP } from 'otpauth';
import { expect, onTestFinished, test } from 'vitest';
import type { Core } from '../../src/core/core.ts';
import { encrypt, keyIdOf, newEncryptionKey } from '../../src/core/encryption.ts';
import { keepSigningKeys, resealSigningKeys } from '../../src/core/signing-keys.ts';
import { newTotpSecret } from '../../src/core/totp-code.ts';
import { resealTotpSecrets, totpContext } from '../../src/core/totp.ts';
import { proveCode } from '../../src/core/second-factor.ts';
import { checkEncryptionKey } from '../../src/server/databases.ts';
import { caller } from '../support/callers.ts';
import { openTestCore } from '../support/cores.ts';
import { TEST_KEY } from '../support/test-key.ts';
import { signToken } from '../support/signed-tokens.ts';

test('a new encryption key takes over: what the old one sealed opens, is sealed anew, and then does without it [ASVS 11.2.2] [ASVS 13.3.4]', async () => {
  const t = await openTestCore();
  onTestFinished(() => t.close());
  const key = newEncryptionKey();
  const rotated: Core = { ...t.core, encryptionKey: key, previousKeys: [TEST_KEY] };
  const alone: Core = { ...t.core, encryptionKey: key, previousKeys: [] };

  const { rows } = await t.admin.query<{ id: string }>(
    'INSERT INTO sallyport.identities DEFAULT VALUES RETURNING id',
  );
  const identityId = rows[0]?.id ?? '';
  const secret = newTotpSecret();
  await t.admin.query(
    `INSERT INTO sallyport.totp_authenticators (identity_id, secret, last_step) VALUES ($1, $2, 0)`,
    [identityId, encrypt(TEST_KEY, totpContext(identityId), secret)],
  );
  const totp = new TOTP({ secret: Secret.fromBase32(secret) });
  const prove = (core: Core, steps: number) =>
    core.database.transaction((tx) => {
      const owner = { identityId, email: '', caller };
      const code = totp.generate({ timestamp: Date.now() + steps * 30_000 });
      return proveCode(core, tx, owner, { method: 'totp', code });
    });
  await keepSigningKeys(t.core);
  const assertion = {
    type: 'identity-assertion+jwt',
    issuer: 'https://a.example',
    audience: 'https://b.example',
    subject: identityId,
    claims: {},
    seconds: 60,
  };

  await expect(checkEncryptionKey(t.core.database, [TEST_KEY])).resolves.toBeUndefined();
  await expect(checkEncryptionKey(t.core.database, [key])).rejects.toThrow('another encryption');
  await expect(checkEncryptionKey(t.core.database, [key, TEST_KEY])).resolves.toBeUndefined();
  await expect(checkEncryptionKey(t.core.database, [TEST_KEY])).rejects.toThrow('another');

  // Of now and of the next step: both are taken also where a step ends meanwhile.
  await expect(prove(alone, 0)).rejects.toThrow(/./);
  await expect(signToken(alone, assertion)).rejects.toThrow(/./);
  expect(await prove(rotated, 0)).not.toBeNull();
  await expect(signToken(rotated, assertion)).resolves.toContain('.');

  expect(await resealTotpSecrets(rotated)).toBe(1);
  expect(await resealTotpSecrets(rotated)).toBe(0);
  await resealSigningKeys(rotated);
  expect(await prove(alone, 1)).not.toBeNull();
  await expect(signToken(alone, assertion)).resolves.toContain('.');
  const sealed = await t.admin.query<{ secret: string }>(
    'SELECT secret FROM sallyport.totp_authenticators',
  );
  expect(sealed.rows[0]?.secret.split('.')[0]).toBe(keyIdOf(key));
});
