// The same API in the styles of many frameworks: each is understood without configuration, nothing
// is found where it is sound, and what is open to other accounts is found where it is not.
import { describe, expect, onTestFinished, test } from 'vitest';
import { account, auditTwin, findingsOf, verdictLines } from '../support/audit.ts';
import {
  type Hole,
  nameIn,
  PLAIN,
  startStyle,
  type Style,
  STYLE_PASSWORD,
} from './style-target.ts';

const STYLES: Readonly<Record<string, Partial<Style>>> = {
  plain: {},
  'a form as of OAuth, under a prefix': { signIn: 'oauth2', prefix: '/api/v1', ids: 'uuid' },
  'a nested body, a slug, PUT': { signIn: 'nested', ids: 'slug', change: 'PUT', prefix: '/api' },
  'JSON:API, camelCase, a soft deletion': {
    signIn: 'json-api',
    lists: 'json-api',
    spelling: 'camel',
    ids: 'uuid',
    deletion: 'soft',
  },
  'a cookie, HAL, an answer of 201 with Location only': {
    signIn: 'cookie',
    lists: 'hal',
    created: 'location',
  },
  'a token in a header, items and total, 204 for a creation': {
    signIn: 'header',
    lists: 'items',
    created: 'nothing',
  },
  'a header of its own, ids of two parts, a link for a creation': {
    signIn: 'api-key',
    ids: 'composite',
    created: 'link',
  },
  'ids of two parts': { ids: 'composite', spelling: 'camel' },
  'tenants in the path, pages by cursor': { tenantInPath: true, lists: 'cursor', ids: 'uuid' },
  'OpenAPI 3.0, camelCase': { document: '3.0', spelling: 'camel' },
  'Swagger 2.0 with a base path': { document: '2.0', prefix: '/rest', change: 'PUT' },
  YAML: { document: 'yaml', ids: 'slug', lists: 'items' },
  'servers with a base path': { document: 'base-path', prefix: '/service/v2' },
  'servers of another host': { document: 'absolute-server', prefix: '/v2', spelling: 'camel' },
  'a document without schemes': { document: 'without-schemes', signIn: 'nested' },
  'a document with wrong schemas': { document: 'wrong-schemas' },
  'a document of whole objects, one or many': { document: 'whole-objects', ids: 'uuid' },
  'a creation that says whose it is, refused without a reason': {
    document: 'owner-in-body',
    signIn: 'nested',
  },
  'a generated document, a change without a body': { document: 'generated', change: 'PUT' },
  'one of several ways to sign in, by name or address': { signIn: 'strategy' },
  'a limit on requests': { perSecond: 90 },
  'notes that a tenant shares': { sharing: 'tenant' },
  'notes that a tenant shares, with it in the path': {
    sharing: 'tenant',
    tenantInPath: true,
    lists: 'hal',
  },
};

const cases = Object.entries(STYLES).map(([name, style]) => ({
  name,
  style: { ...PLAIN, ...style },
}));

const accountsOf = (style: Style) => ({
  a: account(nameIn(style, 'ada'), STYLE_PASSWORD),
  b: account(nameIn(style, 'bob'), STYLE_PASSWORD),
  stranger: account(nameIn(style, 'grace'), STYLE_PASSWORD),
});

describe('a sound API', () => {
  test.each(cases)('nothing is found: $name', async ({ style }) => {
    const { report, lines } = await attacked(style, []);
    expect(findingsOf(report), lines).toEqual([]);
    expect(report.stopped).toBeNull();
    expect(report.problems, lines).toEqual([]);
    const inconclusive = report.checks.flatMap((check) => check.inconclusive);
    expect(inconclusive, lines).toEqual([]);
  });
});

// Where all of a tenant share and no other one gets in, there is nobody to whom they could be open.
const holed = cases.filter(({ style }) => style.sharing === 'own' || !style.tenantInPath);

describe('objects are open to other accounts', () => {
  test.each(holed)('[CWE-639] all three holes are found: $name', async ({ style }) => {
    const { report, lines } = await attacked(style, ['read', 'change', 'delete'], ['object-level']);
    const found = findingsOf(report).map(({ cause }) => cause.split(' ')[0]);
    expect(new Set(found), lines).toEqual(new Set(['read', 'write', 'delete']));
    expect(found.length, lines).toBe(3);
  });
});

async function attacked(style: Style, holes: readonly Hole[], checks: string[] | null = null) {
  const target = await startStyle(style, holes);
  onTestFinished(() => target.close());
  const report = await auditTwin({
    url: target.origin,
    accounts: accountsOf(style),
    settings: { signInAttempts: 8 },
    checks,
  });
  return { report, lines: [...report.problems, ...verdictLines(report)].join('\n') };
}
