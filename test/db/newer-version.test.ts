import { expect, test } from 'vitest';
import { checkDatabase } from '../../src/db/checks.ts';
import { startServer } from '../../src/server/server.ts';
import { openTestDatabase } from '../support/databases.ts';
import { testConfig } from '../support/servers.ts';

test('a database that a newer version has migrated is refused in words, not grant by grant; what runs goes on', async () => {
  const { url, admin, database } = await openTestDatabase();
  const running = await startServer(testConfig({ DATABASE_URL: url }));
  await admin.query(`INSERT INTO sallyport.migrations (id) VALUES ('9999-later/grant-later')`);
  await admin.query('GRANT TRUNCATE ON TABLE sallyport.profiles TO sallyport_identity');
  const found = (await checkDatabase(database, { overNetwork: false })).filter(({ ok }) => !ok);
  const line =
    'A newer version of Sallyport has migrated this database (9999-later): start that version. Processes of this one that are running go on.';
  expect(found).toEqual([{ id: 'migrations', ok: false, line }]);
  await expect(startServer(testConfig({ DATABASE_URL: url }))).rejects.toThrow(line);
  expect((await fetch(`${running.origin}/ready`)).status).toBe(200);
  await running.close();

  // The control: without that record, the same grant is what is wrong.
  await admin.query(`DELETE FROM sallyport.migrations WHERE id LIKE '9999%'`);
  const after = (await checkDatabase(database, { overNetwork: false })).filter(({ ok }) => !ok);
  expect(after.map(({ id }) => id)).toEqual(['identity-grants']);
});
