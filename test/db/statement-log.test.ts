// A log that holds a proof lets whoever reads it act as the person. Which settings put it there is
// not guessed: each combination is set on a real server, the product serves requests, and what the
// server would write to its log is read (it sends its clients a copy where they ask for it).
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { runAuthorized } from '../../src/db/authorization.ts';
import { checkDatabase } from '../../src/db/checks.ts';
import { statementLogProblems } from '../../src/db/checks/statement-log.ts';
import { openManaged } from '../../src/server/databases.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { TEST_KEY } from '../support/test-key.ts';
import { insertPrincipal, type TestPrincipal } from './principals.ts';

beforeEach(({ skip }) => {
  if (inject('engine') === 'cockroachdb') skip('these are the settings of PostgreSQL');
});

const logged: string[] = [];
const connect = Reflect.get(pg.Client.prototype, 'connect') as (...args: unknown[]) => unknown;
Reflect.set(pg.Client.prototype, 'connect', function (this: pg.Client, ...args: unknown[]) {
  this.on('notice', ({ message, detail, where }) => logged.push(`${message}\n${detail}\n${where}`));
  return connect.apply(this, args);
});

let opened: TestDatabase;
let name: string;
let somebody: TestPrincipal;
beforeAll(async () => {
  opened = await createDatabase();
  name = new URL(opened.url).pathname.slice(1);
  somebody = await insertPrincipal(opened.admin, 'somebody');
});
afterAll(async () => {
  Reflect.set(pg.Client.prototype, 'connect', connect);
  await opened.drop();
});
afterEach(async () => {
  for (const role of ['sallyport_app', 'sallyport_identity']) {
    await opened.admin.query(`ALTER ROLE ${role} IN DATABASE ${name} RESET ALL`);
  }
});

const explained = {
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_min_duration': '0',
};
const unexplained = { ...explained, 'auto_explain.log_parameter_max_length': '0' };

/** `refused` by the product though no proof is in the log: other bind parameters are. */
const combinations: readonly {
  readonly settings: Readonly<Record<string, string>>;
  readonly proof: 'logged' | 'not logged';
  readonly refused?: true;
}[] = [
  { settings: {}, proof: 'not logged' },
  { settings: { log_statement: 'all' }, proof: 'logged' },
  { settings: { log_statement: 'all', log_parameter_max_length: '8' }, proof: 'logged' },
  { settings: { log_statement: 'all', log_parameter_max_length: '0' }, proof: 'not logged' },
  { settings: { log_statement: 'mod' }, proof: 'not logged', refused: true },
  { settings: { log_statement: 'ddl' }, proof: 'not logged' },
  { settings: { log_min_duration_statement: '0' }, proof: 'logged' },
  {
    settings: { log_min_duration_statement: '0', log_parameter_max_length: '0' },
    proof: 'not logged',
  },
  { settings: { log_min_duration_sample: '0' }, proof: 'logged' },
  {
    settings: { log_min_duration_sample: '0', log_statement_sample_rate: '0' },
    proof: 'not logged',
  },
  { settings: { log_transaction_sample_rate: '1' }, proof: 'logged' },
  { settings: { log_duration: 'on' }, proof: 'not logged' },
  { settings: { log_parameter_max_length_on_error: '-1' }, proof: 'logged' },
  { settings: { session_preload_libraries: 'auto_explain' }, proof: 'not logged' },
  { settings: explained, proof: 'logged' },
  { settings: { ...explained, 'auto_explain.sample_rate': '0' }, proof: 'not logged' },
  { settings: unexplained, proof: 'not logged' },
  { settings: { ...unexplained, 'auto_explain.log_verbose': 'on' }, proof: 'logged' },
  {
    settings: { ...unexplained, 'auto_explain.log_nested_statements': 'on' },
    proof: 'logged',
  },
  { settings: { debug_print_plan: 'on' }, proof: 'logged' },
  { settings: { debug_print_rewritten: 'on' }, proof: 'not logged' },
  { settings: { log_min_messages: 'debug5' }, proof: 'not logged' },
];

const named = combinations.map((each) => ({
  ...each,
  by:
    Object.entries(each.settings)
      .map((pair) => pair.join(' = '))
      .join(', ') || 'nothing set',
}));

test.each(named)(
  'with $by the proof is $proof, and start and doctor say so [CWE-532] [ASVS 16.2.5]',
  async ({ settings, proof, refused }) => {
    await opened.admin.query(`ALTER DATABASE ${name} RESET ALL`);
    for (const [setting, value] of Object.entries({ ...settings, client_min_messages: 'debug5' })) {
      await opened.admin.query(`ALTER DATABASE ${name} SET ${setting} = '${value}'`);
    }
    const { proofs, problems } = await serve(opened.url, somebody);
    expect(logged.some((text) => proofs.some((each) => holds(text, each)))).toBe(
      proof === 'logged',
    );
    expect(problems.length > 0).toBe(proof === 'logged' || refused === true);

    // What a role has goes before what the database has; here it must not outlive the test.
    for (const problem of problems) {
      const [, remedy = ''] = /: run (ALTER ROLE .*)\.$/.exec(problem) ?? [];
      await opened.admin.query(remedy.replace(' SET ', ` IN DATABASE ${name} SET `));
    }
    const healed = await serve(opened.url, somebody);
    expect(logged.some((text) => healed.proofs.some((each) => holds(text, each)))).toBe(false);
    expect(healed.problems).toEqual([]);
  },
);

test('what is set for one of the two roles alone is found too', async () => {
  await opened.admin.query(`ALTER DATABASE ${name} RESET ALL`);
  await opened.admin.query(`ALTER DATABASE ${name} SET client_min_messages = 'debug5'`);
  await opened.admin.query(
    `ALTER ROLE sallyport_identity IN DATABASE ${name} SET log_statement = 'all'`,
  );
  const { problems } = await serve(opened.url, somebody);
  expect(problems).toEqual([
    'The server logs the bind parameters of sallyport_identity, and only the database may know these (log_statement is all): run ALTER ROLE sallyport_identity SET log_parameter_max_length = 0.',
  ]);
});

/** Serves a read, a write and a refused request, and asks what a start would refuse. */
async function serve(url: string, principal: TestPrincipal) {
  const database = await openManaged(url, TEST_KEY);
  logged.length = 0;
  try {
    const unknown = randomBytes(32).toString('hex');
    for (const proof of [principal.proof, unknown]) {
      const request = { role: 'sallyport_app', proof, permission: null } as const;
      const { synchronizerDigest } = principal;
      await runAuthorized(database, request, []);
      await runAuthorized(database, { ...request, synchronizerDigest }, []);
    }
    expect(logged.length).toBeGreaterThan(0);
    const findings = await checkDatabase(database, { overNetwork: false });
    const problems = findings.filter(({ ok }) => !ok).map(({ line }) => line);
    return { proofs: [principal.proof, unknown], problems };
  } finally {
    await database.close();
  }
}

/**
 * A part of it is enough to be warned of. A printed plan has it as the numbers of its bytes, broken
 * into lines wherever one is full.
 */
function holds(text: string, proof: string): boolean {
  const bytes = [...Buffer.from(proof)].join('');
  return text.includes(proof.slice(0, 8)) || text.replaceAll(/\s+/g, '').includes(bytes);
}

// This module is not part of the server that the tests bring along.
test.each([
  [{ 'pgaudit.log': 'all', 'pgaudit.log_parameter': 'on' }, 1],
  [{ 'pgaudit.log': 'none', 'pgaudit.log_parameter': 'on' }, 0],
  [{ 'pgaudit.log': 'all', 'pgaudit.log_parameter': 'off' }, 0],
])('of pgaudit, %o gives %i findings', (settings, count) => {
  expect(statementLogProblems('sallyport_app', settings)).toHaveLength(count);
});
