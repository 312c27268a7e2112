// The product and its example under the product's own auditor, with accounts of every role: nothing
// is found, and what nothing could be said about is a list that has been read.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../src/audit.ts';
import { startServer } from '../../src/server/server.ts';
import { whoIs } from '../support/accounts.ts';
import { account, auditTwin, findingsOf, verdictLines } from '../support/audit.ts';
import { type MailServer, startMailServer } from '../support/mail-servers.ts';
import { newPerson, type Person, register, signedIn } from '../support/people.ts';
import { startTestServer, testConfig, type TestServer } from '../support/servers.ts';
import { insertTestTenant, joinTestTenant } from '../support/tenants.ts';

const ROLES = ['owner', 'admin', 'member', 'viewer'] as const;

type Role = (typeof ROLES)[number];

/** Verdicts that are `inconclusive`, and why that is right. */
const REVIEWED: Readonly<Record<string, string>> = {};

describe('the server', () => {
  let registry: TestServer;
  let mails: MailServer;
  let server: Awaited<ReturnType<typeof startServer>>;
  let people: Readonly<Record<Role | 'colleague' | 'stranger', Person>>;

  beforeAll(async () => {
    registry = await startTestServer();
    mails = await startMailServer();
    const { admin, origin } = registry;
    const [acme, initech] = [await insertTestTenant(admin), await insertTestTenant(admin)];
    const member = async (tenant: typeof acme, role: string): Promise<Person> => {
      const person = await register(origin, newPerson());
      const { identity } = await whoIs(await signedIn(origin, person));
      await joinTestTenant(admin, tenant, role, { ...person, id: identity.id });
      return person;
    };
    people = {
      owner: await member(acme, 'owner'),
      admin: await member(acme, 'admin'),
      member: await member(acme, 'member'),
      viewer: await member(acme, 'viewer'),
      colleague: await member(acme, 'member'),
      stranger: await member(initech, 'owner'),
    };
    // As it is operated: with a mail server, and so without the mailbox of development.
    server = await startServer(
      testConfig({
        DATABASE_URL: registry.url,
        SALLYPORT_SMTP_URL: mails.url,
        SALLYPORT_MAIL_FROM: 'accounts@sallyport.example',
      }),
    );
  });

  afterAll(async () => {
    await server.close();
    await registry.close();
    await mails.stop();
  });

  test.each(ROLES)('nothing is found by an account that is %s', async (role) => {
    const report = await auditTwin({
      url: server.origin,
      accounts: accountsOf({
        a: people[role],
        b: people.colleague,
        stranger: people.stranger,
        superior: people[role === 'owner' ? 'admin' : 'owner'],
      }),
      timeoutMilliseconds: 30_000,
    });
    const lines = [...report.problems, ...verdictLines(report)].join('\n');
    expect(findingsOf(report), lines).toEqual([]);
    expect(report.stopped, lines).toBeNull();
    expect(report.checks.flatMap(({ sound }) => sound).length, lines).toBeGreaterThan(20);
    expect(new Set(unclearOf(report)), lines).toEqual(new Set(Object.keys(REVIEWED)));
    // Nobody is locked out, and nothing of theirs has changed.
    await registry.admin.query('DELETE FROM sallyport.budgets');
    for (const person of Object.values(people)) await signedIn(server.origin, person);
  });
});

function accountsOf(people: Readonly<Record<'a' | 'b' | 'stranger' | 'superior', Person>>) {
  return Object.fromEntries(
    Object.entries(people).map(([role, { email, password }]) => [role, account(email, password)]),
  );
}

function unclearOf(report: Report): readonly string[] {
  return report.checks.flatMap(({ check, inconclusive }) =>
    inconclusive.map(({ subject }) => `${check.id}: ${subject}`),
  );
}
