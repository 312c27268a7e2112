import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type CompromisedPasswords,
  openCompromisedPasswords,
} from '../../src/core/compromised-passwords.ts';
import { confirmEmail } from '../../src/core/email-confirmation.ts';
import { CompromisedPasswordError } from '../../src/core/leaked-password.ts';
import { recoverPassword, requestRecovery } from '../../src/core/recovery.ts';
import { signIn } from '../../src/core/sign-in.ts';
import { signUp } from '../../src/core/sign-up.ts';
import { openOutbound, type Outbound } from '../../src/outbound/outbound.ts';
import { caller } from '../support/callers.ts';
import { openTestCore, queuedMails, queuedToken, type TestCore } from '../support/cores.ts';
import { newPerson } from '../support/people.ts';

const LEAKED = 'quiet marble harbour lantern';
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex').toUpperCase();

let t: TestCore;
let ranges: Server;
let outbound: Outbound;
/** Waits for no answer that does not come. */
let impatient: Outbound;
let url: string;
let compromised: CompromisedPasswords;
let asked: IncomingMessage[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

const listed: typeof answer = (_request, response) => {
  const padding = `${sha1('padding').slice(5)}:0`;
  response.end(`${padding}\r\n${sha1(LEAKED).slice(5)}:3\r\n${'0'.repeat(35)}:12`);
};

beforeAll(async () => {
  t = await openTestCore();
  ranges = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => ranges.listen(0, '127.0.0.1', resolve));
  const { port } = ranges.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;
  outbound = openOutbound({ insecureLoopbackHosts: [host] });
  impatient = openOutbound({ insecureLoopbackHosts: [host], timeoutMilliseconds: 300 });
  url = `http://${host}/range/`;
  compromised = openCompromisedPasswords(outbound, url);
});
afterAll(async () => {
  await outbound.close();
  await impatient.close();
  ranges.closeAllConnections();
  ranges.close();
  await t.close();
});
beforeEach(async () => {
  asked = [];
  answer = listed;
  await t.admin.query('DELETE FROM sallyport.budgets');
});

describe('looking a password up [ASVS 6.2.12]', () => {
  test('tells the range five digits and nothing else, and finds it among the answers', async () => {
    expect(await compromised.lookUp(LEAKED)).toBe('compromised');
    expect(asked.map((request) => request.url)).toEqual([`/range/${sha1(LEAKED).slice(0, 5)}`]);
    expect(asked[0]?.headers['add-padding']).toBe('true');
    expect(JSON.stringify(asked[0]?.rawHeaders)).not.toContain(sha1(LEAKED).slice(5, 15));
    expect(await compromised.lookUp('another password of words')).toBe('not-found');
  });

  test('what was seen never is padding', async () => {
    answer = (_request, response) => response.end(`${sha1(LEAKED).slice(5)}:0\r\n`);
    expect(await compromised.lookUp(LEAKED)).toBe('not-found');
  });

  test.each<[string, typeof answer]>([
    ['an error', (_request, response) => response.writeHead(503).end()],
    ['silence', () => {}],
    ['a lost connection', (request) => request.socket.destroy()],
    ['an answer without end', (_request, response) => void response.write('0'.repeat(2_000_000))],
    [
      'a way elsewhere',
      (_request, response) => response.writeHead(302, { location: 'https://example.com/' }).end(),
    ],
  ])('%s means that nobody knows, in time', async (_what, broken) => {
    answer = broken;
    const started = performance.now();
    expect(await openCompromisedPasswords(impatient, url).lookUp(LEAKED)).toBe('unknown');
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('asks no address of this machine unless it is named as insecure [CWE-918]', async () => {
    const guarded = openOutbound();
    expect(await openCompromisedPasswords(guarded, url).lookUp(LEAKED)).toBe('unknown');
    await guarded.close();
    expect(asked).toEqual([]);
  });
});

describe('whoever chooses a password', () => {
  const withList = () => ({ ...t.core, compromisedPasswords: compromised });
  const leakCheck = async (email: string) => {
    const { rows } = await t.admin.query<{ leak_check: string }>(
      `SELECT w.leak_check FROM sallyport.passwords AS w
        JOIN sallyport.email_addresses AS e ON e.identity_id = w.identity_id WHERE e.folded = $1`,
      [email],
    );
    return rows[0]?.leak_check;
  };
  const refused = { problems: [{ field: 'password', reason: 'password-compromised' }] };

  test('is refused one that is known, at sign-up and at recovery; the link still works', async () => {
    const person = newPerson();
    expect(await signUp(withList(), { ...person, password: LEAKED }, 'en', caller)).toEqual(
      refused,
    );
    await signUp(withList(), person, 'en', caller);
    await confirmEmail(t.core, await queuedToken(t, person.email), caller);
    await requestRecovery(t.core, person.email, caller);
    const mail = (await queuedMails(t)).findLast(({ kind }) => kind === 'password-recovery');
    const token = mail?.kind === 'password-recovery' ? mail.token : '';
    expect(await recoverPassword(withList(), { token, password: LEAKED }, caller)).toEqual(refused);
    const { password } = newPerson();
    expect(await recoverPassword(withList(), { token, password }, caller)).toBe('recovered');
    expect(await leakCheck(person.email)).toBe('passed');
  });

  test('is not kept from it while the list is silent; the next sign-in looks again [ASVS 16.5.2]', async () => {
    const person = { ...newPerson(), password: LEAKED };
    answer = (request) => request.socket.destroy();
    expect(await signUp(withList(), person, 'en', caller)).toBe('check-mail');
    await confirmEmail(t.core, await queuedToken(t, person.email), caller);
    expect(await signIn(withList(), person, null, caller)).toMatchObject({ identity: {} });
    expect(await leakCheck(person.email)).toBe('due');

    answer = listed;
    expect(
      await signIn(withList(), { ...person, password: 'wrong words here' }, null, caller),
    ).toBe('wrong-credentials');
    await expect(signIn(withList(), person, null, caller)).rejects.toThrow(
      CompromisedPasswordError,
    );
    expect(await leakCheck(person.email)).toBe('failed');
    const { rows } = await t.admin.query(
      `SELECT 1 FROM sallyport.sessions AS s
        JOIN sallyport.email_addresses AS e ON e.identity_id = s.identity_id WHERE e.folded = $1`,
      [person.email],
    );
    expect(rows).toEqual([]);
    await expect(signIn(t.core, person, null, caller)).rejects.toThrow(CompromisedPasswordError);
    const kinds = (await queuedMails(t)).flatMap(({ to, kind }) =>
      to === person.email ? [kind] : [],
    );
    expect(kinds.filter((kind) => kind === 'password-compromised')).toHaveLength(1);
  });

  test('is looked up once more at the first sign-in, and then no more', async () => {
    const person = newPerson();
    await signUp(t.core, person, 'en', caller);
    await confirmEmail(t.core, await queuedToken(t, person.email), caller);
    await signIn(withList(), person, null, caller);
    expect(await leakCheck(person.email)).toBe('passed');
    asked = [];
    await signIn(withList(), person, null, caller);
    expect(asked).toEqual([]);
  });
});
