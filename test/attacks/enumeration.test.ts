import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, fieldValue, Visitor } from '../support/client.ts';
import { mailsTo, newPerson, register, type Person } from '../support/people.ts';
import { rowsOf } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const post = (path: string, body: unknown) => new Visitor(server.origin).send('POST', path, body);

/** Somebody whose address is in this state. */
const states = {
  unknown: async () => newPerson(),
  'signed up, not proved': async () => {
    const person = newPerson();
    await post('/api/sign-up', person);
    return person;
  },
  known: () => register(server.origin),
  disabled: async () => {
    const person = await register(server.origin);
    await server.admin.query(
      `UPDATE sallyport.identities SET disabled_at = now()
        WHERE id = (SELECT identity_id FROM sallyport.email_addresses WHERE folded = $1)`,
      [person.email],
    );
    return person;
  },
} as const;

/** All of an answer but what is new in each: its time, ids and tokens, and what was typed. */
function visible(answer: Answer, person: Person) {
  const headers = { ...answer.headers };
  delete headers.date;
  const text = answer.text
    .replaceAll(person.email, 'ADDRESS')
    .replaceAll(/urn:uuid:[0-9a-f-]{36}/g, 'ID')
    .replaceAll(/(name="_csrf" value=")[^"]*/g, '$1TOKEN')
    .replaceAll(/(challenge&quot;:&quot;)[\w-]*/g, '$1CHALLENGE');
  return { status: answer.status, headers, text };
}

async function counts(): Promise<{ mails: number; events: number }> {
  const rows = await rowsOf(server.admin);
  return { mails: rows['outbox']?.length ?? 0, events: rows['security_events']?.length ?? 0 };
}

/** What a client sees, and how many mails and events came of it, for each state of an address. */
async function observe(send: (person: Person) => Promise<Answer>) {
  const observed = [];
  for (const [state, make] of Object.entries(states)) {
    const person = await make();
    const before = await counts();
    const answer = await send(person);
    const after = await counts();
    observed.push({
      state,
      seen: visible(answer, person),
      mails: after.mails - before.mails,
      events: after.events - before.events,
    });
  }
  return observed;
}

function expectTheSame(observed: Awaited<ReturnType<typeof observe>>) {
  const [first] = observed;
  expect(observed).toHaveLength(4);
  for (const { state, ...rest } of observed)
    expect({ state, ...rest }).toEqual({ ...first, state });
  return first;
}

/** A form as a browser submits it, from a page that this visitor has opened. */
async function submit(path: string, fields: Record<string, string>): Promise<Answer> {
  const visitor = new Visitor(server.origin);
  const csrf = fieldValue((await visitor.get(path)).text, '_csrf');
  return await visitor.submit(path, { _csrf: csrf, ...fields });
}

describe('unknown, unproved, known and disabled addresses cannot be told apart', () => {
  test('by signing up over the API [R-48] [CWE-204] [ASVS 6.3.8]', async () => {
    const first = expectTheSame(await observe((person) => post('/api/sign-up', person)));
    expect(first).toMatchObject({
      seen: { status: 202, text: '{"status":"check-mail"}' },
      mails: 1,
      events: 1,
    });
  });

  test('by signing up over the page [R-48] [CWE-204]', async () => {
    const send = (person: Person) => submit('/sign-up', { ...person });
    expect(expectTheSame(await observe(send))).toMatchObject({
      seen: { status: 200 },
      mails: 1,
      events: 1,
    });
  });

  test('by a wrong password over the API [R-48] [CWE-204] [ASVS 6.3.8]', async () => {
    const send = ({ email }: Person) =>
      post('/api/sign-in', { email, password: 'eleven otters juggle lanterns' });
    const first = expectTheSame(await observe(send));
    expect(first).toMatchObject({ seen: { status: 401 }, mails: 0, events: 1 });
    expect(first?.seen.headers).not.toHaveProperty('set-cookie');
  });

  test('by a wrong password over the page [R-48] [CWE-204]', async () => {
    const send = ({ email }: Person) =>
      submit('/sign-in', { email, password: 'eleven otters juggle lanterns' });
    expect(expectTheSame(await observe(send))).toMatchObject({ seen: { status: 401 }, mails: 0 });
  });

  test('by the right password, but for the one who may come in [R-48]', async () => {
    const send = ({ email, password }: Person) => post('/api/sign-in', { email, password });
    const observed = await observe(send);
    const known = observed.find(({ state }) => state === 'known');
    expect(known?.seen.status).toBe(200);
    const others = observed.filter((each) => each !== known);
    for (const each of others) expect(each.seen).toEqual(others[0]?.seen);
    expect(others[0]?.seen.status).toBe(401);
  });

  test.each([
    ['a mistake in the password', { password: 'password1234567' }],
    ['a mistake in the name', { displayName: '' }],
  ])('by %s at sign-up [R-48]', async (_what, mistake) => {
    const send = (person: Person) => post('/api/sign-up', { ...person, ...mistake });
    expect(expectTheSame(await observe(send))).toMatchObject({
      seen: { status: 400 },
      mails: 0,
      events: 0,
    });
  });
});

describe('only the mailbox tells', () => {
  test('the owner of an account another mail than somebody new, with nothing that proves', async () => {
    const owner = await register(server.origin);
    await post('/api/sign-up', { ...owner, displayName: 'Mallory', password: owner.password });
    const [mail, ...earlier] = await mailsTo(server.origin, owner.email);
    expect(earlier).toHaveLength(1);
    expect(mail?.subject).not.toBe(earlier[0]?.subject);
    expect(mail?.links).toEqual([`${server.origin}/sign-in`]);
    expect(mail?.text).not.toMatch(/token|Mallory/);
  });
});
