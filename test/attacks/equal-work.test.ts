import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ask } from '../support/client.ts';
import { newPerson, type Person, register } from '../support/people.ts';
import { startProxiedServer } from '../support/servers.ts';

// What is the same work takes the same time, on every machine: the statements of a request are read
// on the wire. `npm run bench -- timing` measures what comes of it.

let server: Awaited<ReturnType<typeof startProxiedServer>>;
let known: Person;
let disabled: Person;
let unproved: Person;
beforeAll(async () => {
  server = await startProxiedServer();
  [known, disabled] = [await register(server.origin), await register(server.origin)];
  await server.admin.query(
    `UPDATE sallyport.identities SET disabled_at = now()
      WHERE id = (SELECT identity_id FROM sallyport.email_addresses WHERE folded = $1)`,
    [disabled.email],
  );
  unproved = newPerson();
  await post('/api/sign-up', unproved);
});
afterAll(() => server.close());
beforeEach(() => server.admin.query('DELETE FROM sallyport.budgets'));

const post = (path: string, body: object) =>
  ask(server.origin, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** What is noted of an earlier refusal goes out when there is time, in a batch of its own. */
const OF_REFUSALS = /sallyport\.refusals|set_config\('sallyport\.proof'|^RESET ALL$/;

/** What a request has executed, without how many budgets are in one statement. */
async function statementsOf(path: string, body: object): Promise<readonly string[]> {
  server.proxy.clear();
  await post(path, body);
  return server.proxy.messages
    .filter(({ type, sql }) => type === 'Execute' && !OF_REFUSALS.test(sql))
    .map(({ sql }) => sql.replaceAll(/\s+/g, ' ').replace(/VALUES \(.*\) ON CONFLICT/, 'VALUES'));
}

const WRONG = 'eleven otters juggle lanterns';
const STATES: ReadonlyArray<readonly [string, () => string]> = [
  ['unknown', () => newPerson().email],
  ['disabled', () => disabled.email],
  ['not proved', () => unproved.email],
];

describe.each(STATES)(
  'an address that is %s is the same work as a known one',
  (_state, emailOf) => {
    test('at sign-in with a wrong password [R-57] [CWE-208] [ASVS 6.3.8]', async () => {
      const expected = await statementsOf('/api/sign-in', { email: known.email, password: WRONG });
      expect(expected.length).toBeGreaterThan(5);
      expect(await statementsOf('/api/sign-in', { email: emailOf(), password: WRONG })).toEqual(
        expected,
      );
    });

    test('at sign-in beyond the limit [R-57] [CWE-208]', async () => {
      const limited = async (email: string) => {
        for (let guess = 0; guess < 10; guess++)
          await post('/api/sign-in', { email, password: WRONG });
        return await statementsOf('/api/sign-in', { email, password: WRONG });
      };
      const expected = await limited(known.email);
      expect(expected.length).toBeGreaterThan(3);
      expect(await limited(emailOf())).toEqual(expected);
    });

    test('at sign-up, with a password and without [R-48] [R-57] [CWE-208] [ASVS 6.3.8]', async () => {
      const { displayName, password } = newPerson();
      for (const body of [{ displayName, password }, { displayName }]) {
        const expected = await statementsOf('/api/sign-up', { ...body, email: known.email });
        expect(expected.length).toBeGreaterThan(5);
        const found = await statementsOf('/api/sign-up', { ...body, email: emailOf() });
        expect(found).toEqual(expected);
      }
    });

    test('when a password is forgotten [R-57] [CWE-208] [ASVS 6.3.8]', async () => {
      const expected = await statementsOf('/api/recoveries', { email: known.email });
      expect(expected.length).toBeGreaterThan(5);
      expect(await statementsOf('/api/recoveries', { email: emailOf() })).toEqual(expected);
    });
  },
);

test('a confirmation that is asked for again is the same work for an address without a sign-up [R-57] [CWE-208]', async () => {
  const expected = await statementsOf('/api/confirmation-mails', { email: unproved.email });
  expect(expected.length).toBeGreaterThan(5);
  for (const email of [newPerson().email, known.email, disabled.email])
    expect(await statementsOf('/api/confirmation-mails', { email })).toEqual(expected);
});
