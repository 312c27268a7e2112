// An API in the shape that frameworks give it, once sound and once with each hole.
import { describe, expect, test } from 'vitest';
import { account, auditTwin, findingsOf, verdictLines } from '../support/audit.ts';
import { SHOP_DOCUMENT, type ShopFlaw, shopTwin } from '../support/shop-twin.ts';
import { startTwin } from '../support/twin.ts';

const accounts = {
  a: account('alice@example.com', 'password-of-alice'),
  b: account('robert@example.com', 'password-of-robert'),
  superior: account('rosalind@example.com', 'password-of-rosalind'),
};

async function attacked(checks: readonly string[], ...flaws: ShopFlaw[]) {
  const shop = shopTwin(...flaws);
  const given = structuredClone(shop.people);
  const twin = await startTwin(shop.routes, SHOP_DOCUMENT);
  const report = await auditTwin({ url: twin.origin, accounts, checks });
  await twin.close();
  return { report, lines: verdictLines(report).join('\n'), given, ...shop };
}

describe.each<[flaw: ShopFlaw, check: string, subject: string]>([
  ['anybodys-profile', 'object-level', 'PUT /user'],
  ['anybodys-password', 'object-level', 'PUT /users/{username}/password'],
  ['role-of-oneself', 'function-level', 'PUT /users/role'],
  ['customers-delete-dishes', 'function-level', 'DELETE /dishes/{dish_id}'],
  ['role-at-registration', 'mass-assignment', 'POST /users'],
  ['fetches-for-staff', 'server-side-request-forgery', 'PUT /dishes'],
  ['debug-shows-passwords', 'secret-fields', 'GET /debug/accounts'],
  ['name-in-session', 'stale-authority', 'PUT /user'],
  ['recovery-tells-customers', 'account-enumeration', 'POST /recoveries/forgot'],
])(
  '%s [CWE-204] [CWE-213] [CWE-285] [CWE-639] [CWE-863] [CWE-915] [CWE-918]',
  (flaw, check, subject) => {
    test('is one finding, and the accounts are as they were', async () => {
      const { report, lines, given, people } = await attacked([check], flaw);
      expect(
        findingsOf(report).map(({ subjects }) => subjects),
        lines,
      ).toEqual([[subject]]);
      expect(people.slice(0, 3)).toEqual(given);
    });
  },
);

test('the sound shop has no finding, its accounts are as they were and its dishes untouched', async () => {
  const { report, lines, given, people, dishes } = await attacked([
    'account-enumeration',
    'function-level',
    'mass-assignment',
    'missing-authentication',
    'object-level',
    'secret-fields',
    'server-side-request-forgery',
    'stale-authority',
  ]);
  expect(findingsOf(report), lines).toEqual([]);
  expect(report.problems).toEqual([]);
  expect(
    report.checks.flatMap(({ inconclusive }) => inconclusive),
    lines,
  ).toEqual([]);
  expect(people.slice(0, 3)).toEqual(given);
  expect(dishes.get(1)).toEqual({ name: 'Soup', picture: null });
});
