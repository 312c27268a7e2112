import type { Core } from '../../src/core/core.ts';
import { openMail, type MailMessage } from '../../src/core/mail.ts';
import { OWN_REGISTRY, recordPermissions } from '../../src/core/permissions.ts';
import { createPasswordHasher, type PasswordHasher } from '../../src/core/password-hashing.ts';
import { openManaged } from '../../src/server/databases.ts';
import { createDatabase, type TestDatabase } from './databases.ts';
import { TEST_KEY } from './test-key.ts';

export interface TestCore extends TestDatabase {
  readonly core: Core;
  /** Closes the connections and drops the database. */
  close(): Promise<void>;
}

/** What the operations stand on, with a database of its own and no server before it. */
export async function openTestCore(
  passwords: PasswordHasher = createPasswordHasher(),
  on?: TestDatabase,
): Promise<TestCore> {
  const created = on ? { ...on, drop: async () => {} } : await createDatabase();
  const database = await openManaged(created.url, TEST_KEY);
  await recordPermissions(database, OWN_REGISTRY);
  return {
    ...created,
    core: { database, passwords, encryptionKey: TEST_KEY },
    async close() {
      await database.close();
      await created.drop();
    },
  };
}

/** The mails that wait in the outbox, in the order in which they were queued. */
export async function queuedMails({ admin, core }: TestCore): Promise<readonly MailMessage[]> {
  const { rows } = await admin.query<{ id: string; body: string }>(
    'SELECT id, body FROM sallyport.outbox WHERE body IS NOT NULL ORDER BY created_at',
  );
  return rows.map((row) => openMail(core.encryptionKey, row));
}

/** The token in the newest sign-up mail to this address. */
export async function queuedToken(test: TestCore, to: string): Promise<string> {
  const mails = (await queuedMails(test)).filter((mail) => mail.to === to);
  const mail = mails.findLast(({ kind }) => kind === 'sign-up');
  if (mail?.kind !== 'sign-up') throw new Error(`no mail with a token to ${to}`);
  return mail.token;
}
