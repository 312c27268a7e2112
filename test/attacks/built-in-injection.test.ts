// Routes with an injection built into them, past the first wall: a text that was sent becomes a
// part of the SQL, or one that was stored does, in the request of another principal.
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { Answer } from '../support/client.ts';
import type { Member } from '../support/plugin-apps.ts';
import {
  CREDENTIAL_TABLES,
  customersOf,
  OUR_NOTE,
  restore,
  startWalledApp,
  takeDownGrants,
  takeDownPolicies,
  THEIR_NOTE,
  type WalledApp,
} from './walled-app.ts';

let walled: WalledApp;
let secrets: readonly string[];
let before: string;
beforeAll(async () => {
  walled = await startWalledApp();
  const { rows } = await walled.admin.query<{ secret: string }>(
    `SELECT unnest(ARRAY[proof_digest, synchronizer_digest]) AS secret FROM sallyport.sessions`,
  );
  secrets = rows.map(({ secret }) => secret);
});
afterAll(() => walled.close());
beforeEach(async ({ skip }) => {
  skip(inject('engine') === 'cockroachdb', 'what is injected is written for PostgreSQL');
  await restore(walled);
  before = await snapshot();
});

interface Injection {
  readonly name: string;
  /** What stands behind `name = '` in the SQL. */
  readonly sent: (bob: Member & { readonly proofDigest: string }) => string;
  /** Own rows, none of them, or an error. */
  readonly ends: 'own' | 'none' | 'error';
}

const setting = (name: string, value: string, local = true) =>
  `' OR set_config('${name}', '${value}', ${local}) IS NOT NULL --`;
const union = (column: string, from: string) =>
  `' UNION ALL SELECT '1', 'x', ${column} FROM ${from} --`;

const INJECTIONS: readonly Injection[] = [
  { name: 'a predicate that is always true', sent: () => `' OR TRUE --`, ends: 'own' },
  {
    name: "the other tenant's id",
    sent: ({ tenantId }) => `' OR tenant_id = '${tenantId}' --`,
    ends: 'none',
  },
  {
    name: "the tenant setting, as the other tenant's",
    sent: ({ tenantId }) => setting('sallyport.tenant', tenantId),
    ends: 'own',
  },
  {
    name: "the identity setting, as the other's",
    sent: ({ identityId }) => setting('sallyport.identity', identityId),
    ends: 'own',
  },
  {
    name: "the proof, as the digest of the other's",
    sent: ({ proofDigest }) => setting('sallyport.proof', proofDigest),
    ends: 'own',
  },
  {
    name: 'the proof, before a subquery that looks it up again',
    sent: ({ proofDigest }) =>
      `' UNION ALL SELECT c.id::TEXT, c.name, c.note
        FROM set_config('sallyport.proof', '${proofDigest}', true), LATERAL (SELECT * FROM customers) AS c --`,
    ends: 'none',
  },
  {
    name: "the proof for the whole session, as the digest of the other's",
    sent: ({ proofDigest }) => setting('sallyport.proof', proofDigest, false),
    ends: 'own',
  },
  {
    name: 'the tenant for the whole session',
    sent: ({ tenantId }) => setting('sallyport.tenant', tenantId, false),
    ends: 'own',
  },
  {
    name: 'the search path for the whole session',
    sent: () => setting('search_path', 'pg_temp', false),
    ends: 'own',
  },
  {
    name: 'row security off',
    sent: () => setting('row_security', 'off', false),
    ends: 'own',
  },
  { name: 'the role of the owner', sent: () => setting('role', 'sallyport_owner'), ends: 'error' },
  { name: 'the same table again', sent: () => union('note', 'customers'), ends: 'own' },
  {
    name: 'the sessions',
    sent: () => union('proof_digest', 'sallyport.sessions'),
    ends: 'error',
  },
  {
    name: 'the passwords',
    sent: () => union('hash', 'sallyport.passwords'),
    ends: 'error',
  },
  {
    name: 'the sessions in a query that a function runs',
    sent: () =>
      union(
        `query_to_xml('SELECT * FROM sallyport.sessions', true, false, '')::TEXT`,
        '(SELECT 1) AS x',
      ),
    ends: 'error',
  },
  {
    name: 'the other tenant in a query that a function runs',
    sent: () =>
      union(`query_to_xml('SELECT * FROM customers', true, false, '')::TEXT`, '(SELECT 1) AS x'),
    ends: 'own',
  },
];

function search(member: Member, name: string): Promise<Answer> {
  return member.browser.get(`/search?name=${encodeURIComponent(name)}`);
}

async function bob() {
  const { rows } = await walled.admin.query<{ proofDigest: string }>(
    'SELECT proof_digest AS "proofDigest" FROM sallyport.sessions WHERE id = $1',
    [walled.bob.sessionId],
  );
  return { ...walled.bob, proofDigest: rows[0]?.proofDigest ?? '' };
}

/** Every row of both tenants, and who they stand for. */
async function snapshot(): Promise<string> {
  const parts = [await customersOf(walled, walled.ada), await customersOf(walled, walled.bob)];
  for (const name of CREDENTIAL_TABLES) {
    const { rows } = await walled.admin.query(
      `SELECT md5(string_agg(t::TEXT, ',' ORDER BY t::TEXT)) FROM sallyport.${name} AS t`,
    );
    parts.push(rows);
  }
  return JSON.stringify(parts);
}

/** What a request that the app runs afterwards finds, and on which connection. */
async function nextRequest(member: Member) {
  const about = [
    'pg_backend_pid()::TEXT',
    'sallyport.current_identity()::TEXT',
    'sallyport.current_tenant()::TEXT',
    ...['search_path', 'role', 'row_security'].map((each) => `current_setting('${each}')`),
    `COALESCE(current_setting('sallyport.tenant', true), '')`,
    `COALESCE(current_setting('sallyport.identity', true), '')`,
  ];
  const condition = `Acme' UNION ALL SELECT '', '', concat_ws(' ', ${about.join(', ')}) --`;
  const rows = (await search(member, condition)).json() as readonly { note: string }[];
  const [backend, ...settings] = rows.at(-1)?.note.split(' ') ?? [];
  return { backend, settings, notes: rows.slice(0, -1).map(({ note }) => note) };
}

/** Nothing of Bob's came, nothing changed, and his request on the same connection is as ever. */
async function expectHeld(answer: Answer, clean: Awaited<ReturnType<typeof nextRequest>>) {
  for (const secret of [THEIR_NOTE, walled.bob.identityId, ...secrets]) {
    expect(answer.text).not.toContain(secret);
  }
  expect(await snapshot()).toBe(before);
  expect(await nextRequest(walled.bob)).toEqual(clean);
  expect(clean.notes).toEqual([THEIR_NOTE]);
}

function expectEnd({ status, text }: Answer, ends: Injection['ends']): void {
  expect(status).toBe(ends === 'error' ? 500 : 200);
  expect(text.includes(OUR_NOTE)).toBe(ends === 'own');
  expect(text === '[]').toBe(ends === 'none');
}

describe('a route that puts what it is sent into its SQL', () => {
  test.each(INJECTIONS)('[R-98] [CWE-89] [CWE-639] is sent $name', async ({ sent, ends }) => {
    const clean = await nextRequest(walled.bob);
    const answer = await search(walled.ada, sent(await bob()));
    expectEnd(answer, ends);
    await expectHeld(answer, clean);
    expect(secrets).toHaveLength(6);
  });

  test('[R-98] [CWE-89] [CWE-639] a WHERE that is cut off a write changes own rows only', async () => {
    const cut = { name: 'Acme', note: `cut' --` };
    expect((await walled.ada.browser.send('POST', '/notes', cut)).status).toBe(200);
    expect((await customersOf(walled, walled.ada)).map(([, , note]) => note)).toEqual([
      'cut',
      'cut',
    ]);
    expect((await customersOf(walled, walled.bob)).map(([, , note]) => note)).toEqual([
      THEIR_NOTE,
      THEIR_NOTE,
    ]);
    await takeDownPolicies(walled);
    await walled.ada.browser.send('POST', '/notes', cut);
    expect((await customersOf(walled, walled.bob)).map(([, , note]) => note)).toEqual([
      'cut',
      'cut',
    ]);
  });
});

describe('a route that puts what is stored into its SQL, in the request of another principal', () => {
  test.each(INJECTIONS)('[R-98] [CWE-89] [CWE-639] stored is $name', async ({ sent, ends }) => {
    const condition = `name = '${sent(await bob())}`;
    const filter = { name: 'open', condition };
    expect((await walled.mallory.browser.send('POST', '/filters', filter)).status).toBe(200);
    const clean = await nextRequest(walled.bob);
    const adas = await nextRequest(walled.ada);
    const answer = await walled.ada.browser.get('/filtered?name=open');
    expectEnd(answer, ends);
    await expectHeld(answer, clean);
    expect(await nextRequest(walled.ada)).toEqual(adas);
    // The other tenant has no such filter: what is stored here is not run there.
    expect((await walled.bob.browser.get('/filtered?name=open')).text).toBe('[]');
  });
});

describe('the controls: with the wall down, what was injected gets there', () => {
  test('past the policies, to the notes of the other tenant', async () => {
    await takeDownPolicies(walled);
    for (const sent of [`' OR TRUE --`, union('note', 'customers')]) {
      expect((await search(walled.ada, sent)).text).toContain(THEIR_NOTE);
    }
  });

  test('past policies that believe a setting, which SQL can set', async () => {
    await walled.admin.query('DROP POLICY own ON customers');
    await walled.admin.query(`CREATE POLICY own ON customers TO sallyport_app
      USING (tenant_id::TEXT = current_setting('sallyport.tenant', true))`);
    const { tenantId } = walled.bob;
    const sent = `' UNION ALL SELECT c.id::TEXT, c.name, c.note
      FROM set_config('sallyport.tenant', '${tenantId}', true), LATERAL (SELECT * FROM customers) AS c --`;
    expect((await search(walled.ada, sent)).text).toContain(THEIR_NOTE);
  });

  test('past the grants, to the digests of the sessions', async () => {
    await takeDownGrants(walled);
    const { text } = await search(walled.ada, union('proof_digest', 'sallyport.sessions'));
    expect(text).toContain((await bob()).proofDigest);
  });
});
