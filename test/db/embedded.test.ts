import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runAuthorized } from '../../src/db/authorization.ts';
import type { Statement } from '../../src/db/batch.ts';
import { type Database, embeddedConfig, openEmbeddedDatabase } from '../../src/db/database.ts';
import { migrate, migrationStatements } from '../../src/db/migrations.ts';
import { ownProfile, updateOwnProfile } from '../../src/db/profiles.ts';
import { carrying, insertPrincipal, type TestPrincipal } from './principals.ts';

// The embedded database takes the same path. Its one session is a superuser's, so its walls stop a
// forgotten predicate and not injected SQL; those tests stand in test/attacks, on a real server.

let lite: PGlite;
let database: Database;
let ada: TestPrincipal;
let grace: TestPrincipal;
let ran: number[];
beforeAll(async () => {
  lite = await PGlite.create();
  const client = new pg.Client(embeddedConfig(lite));
  await client.connect();
  ran = [];
  for (let time = 0; time < 2; time++) {
    ran.push(await migrate(client, 'embedded', async () => null));
  }
  ada = await insertPrincipal(client, 'ada');
  grace = await insertPrincipal(client, 'grace');
  await client.end();
  database = openEmbeddedDatabase(lite);
});
afterAll(async () => {
  await database.close();
  await lite.close();
});

const statement = (text: string, ...parameters: readonly unknown[]): Statement => ({
  sql: text,
  parameters,
});

const who = statement(`SELECT current_user::TEXT AS role,
  NULLIF(current_setting('sallyport.proof', true), '') AS proof, sallyport.current_identity() AS identity`);
const profiles = statement('SELECT display_name FROM sallyport.profiles');

const batch = async (proof: string, ...statements: readonly Statement[]) => {
  const opening = carrying(proof);
  const options = { role: 'sallyport_app', access: 'write', opening } as const;
  return (await database.batch(options, statements)).slice(opening.length);
};

describe('the embedded database', () => {
  test('takes the same migrations, once', () => {
    expect(ran).toEqual([migrationStatements('embedded').length, 0]);
  });

  test('runs a batch as the role, behind the proof, and leaves neither behind', async () => {
    const [answer] = await batch(ada.proof, who);
    const { proof, identityId: identity } = ada;
    expect(answer?.rows).toEqual([{ role: 'sallyport_app', proof, identity }]);
    const { rows } = await lite.query(who.sql);
    expect(rows).toEqual([{ role: 'postgres', proof: null, identity: null }]);
  });

  test('shows each principal its own row though nothing in the statement says so', async () => {
    expect((await batch(ada.proof, profiles))[0]?.rows).toEqual([
      { display_name: ada.displayName },
    ]);
    expect((await batch(grace.proof, profiles))[0]?.rows).toEqual([
      { display_name: grace.displayName },
    ]);
    expect((await batch('', profiles))[0]?.rows).toEqual([]);
  });

  test('keeps credential tables from the role of the application', async () => {
    const hashes = statement('SELECT hash FROM sallyport.passwords');
    await expect(batch(ada.proof, hashes)).rejects.toMatchObject({ code: '42501' });
  });

  test('takes a whole batch back after an error, and the next one runs with its own proof', async () => {
    const failing = batch(ada.proof, updateOwnProfile('lost'), statement('SELECT 1 / $1::INT4', 0));
    const behind = batch(grace.proof, who);
    await expect(failing).rejects.toMatchObject({ code: '22012' });
    expect((await behind)[0]?.rows).toMatchObject([{ identity: grace.identityId }]);
    expect((await batch(ada.proof, profiles))[0]?.rows).toEqual([
      { display_name: ada.displayName },
    ]);
  });

  test('decides, reads and writes', async () => {
    const reading = { role: 'sallyport_app', proof: ada.proof, permission: null } as const;
    const writing = { ...reading, synchronizerDigest: ada.synchronizerDigest };
    const changed = await runAuthorized(database, writing, [updateOwnProfile('Ada Lovelace')]);
    expect(changed).toMatchObject({ principal: { identityId: ada.identityId } });
    const found = await runAuthorized(database, reading, [ownProfile]);
    expect(found).toMatchObject({ results: [{ rows: [{ displayName: 'Ada Lovelace' }] }] });
    const forged = { ...reading, synchronizerDigest: grace.synchronizerDigest };
    expect(await runAuthorized(database, forged, [updateOwnProfile('forged')])).toEqual({
      refusal: 'synchronizer-token-mismatch',
    });
    const nobody = { ...reading, proof: '0'.repeat(64) };
    expect(await runAuthorized(database, nobody, [ownProfile])).toEqual({
      refusal: 'not-signed-in',
    });
  });

  test('answers many batches at once, each its own', async () => {
    const both = Array.from({ length: 40 }, (_, index) => (index % 2 ? ada : grace));
    const answers = await Promise.all(both.map(({ proof }) => batch(proof, who)));
    expect(answers.map(([answer]) => answer?.rows[0]?.['identity'])).toEqual(
      both.map(({ identityId }) => identityId),
    );
  });

  test('commits a transaction, rolls one back, and both leave the session as it was', async () => {
    const rename = (name: string) => sql`UPDATE sallyport.profiles SET display_name = ${name}
      WHERE identity_id = ${grace.identityId}`;
    await database.transaction((tx) => rename('Grace Hopper').execute(tx));
    const undone = database.transaction(async (tx) => {
      await rename('undone').execute(tx);
      throw new RangeError('changed my mind');
    });
    await expect(undone).rejects.toThrow(RangeError);
    expect((await batch(grace.proof, profiles))[0]?.rows).toEqual([
      { display_name: 'Grace Hopper' },
    ]);
    expect((await lite.query('SELECT current_user::TEXT AS role')).rows).toEqual([
      { role: 'postgres' },
    ]);
  });

  test('takes queries only, like every database', async () => {
    await expect(batch(ada.proof, statement('RESET ROLE'))).rejects.toThrow(TypeError);
  });
});
