// Each check on two servers that differ in one defence: one finding where it is missing, none where
// it is there; and on a server that breaks, no judgement at all.
import { describe, expect, test } from 'vitest';
import { CHECKS } from '../../src/audit/checks.ts';
import type { CheckReport } from '../../src/audit/report.ts';
import { account, auditTwin } from '../support/audit.ts';
import { type Carrier, type Flaw, PASSWORD, startTarget, type Target } from './target.ts';

interface Twin {
  readonly check: string;
  readonly carrier: Carrier;
  readonly flaw: Flaw;
  /** Another one that has to be there for this one to be seen. */
  readonly beside?: Flaw;
  /** What the finding says is the cause. */
  readonly cause: RegExp;
}

const twins: readonly Twin[] = [
  {
    check: 'cross-site-request-forgery',
    carrier: 'cookie',
    flaw: 'cross-site-form',
    cause: /other sites/,
  },
  {
    check: 'cross-site-request-forgery',
    carrier: 'cookie',
    flaw: 'cross-site-text',
    cause: /other sites/,
  },
  {
    check: 'cross-site-request-forgery',
    carrier: 'cookie',
    flaw: 'cross-site-untyped',
    cause: /other sites/,
  },
  {
    check: 'cross-site-request-forgery',
    carrier: 'cookie',
    flaw: 'cross-site-query',
    cause: /other sites/,
  },
  {
    check: 'cross-site-request-forgery',
    carrier: 'cookie',
    flaw: 'cross-site-prefix',
    cause: /other sites/,
  },
  {
    check: 'cross-site-request-forgery',
    carrier: 'cookie',
    flaw: 'cross-site-sign-in',
    cause: /sign-in/,
  },
  { check: 'jwt-signature', carrier: 'token', flaw: 'jwt-unverified', cause: /not verified/ },
  { check: 'jwt-signature', carrier: 'token', flaw: 'jwt-none', cause: /none/ },
  { check: 'jwt-signature', carrier: 'token', flaw: 'jwt-empty-key', cause: /empty key/ },
  { check: 'jwt-signature', carrier: 'token', flaw: 'jwt-file-key', cause: /file/ },
  { check: 'jwt-signature', carrier: 'signed-token', flaw: 'jwt-none', cause: /none/ },
  {
    check: 'jwt-signature',
    carrier: 'signed-token',
    flaw: 'jwt-embedded-key',
    cause: /in the token/,
  },
  {
    check: 'jwt-signature',
    carrier: 'signed-token',
    flaw: 'jwt-key-confusion',
    cause: /public key/,
  },
  { check: 'jwt-signature', carrier: 'token', flaw: 'jwt-remote-key', cause: /fetched/ },
  {
    check: 'jwt-expiry',
    carrier: 'token',
    flaw: 'jwt-late',
    beside: 'jwt-guessable',
    cause: /not enforced/,
  },
  {
    check: 'jwt-expiry',
    carrier: 'token',
    flaw: 'jwt-late',
    beside: 'jwt-unverified',
    cause: /not enforced/,
  },
  { check: 'sql-injection', carrier: 'token', flaw: 'sql-sign-in', cause: /statement/ },
  { check: 'sql-injection', carrier: 'token', flaw: 'sql-body', cause: /statement/ },
  { check: 'jwt-secret', carrier: 'token', flaw: 'jwt-guessable', cause: /guessable/ },
  { check: 'jwt-secret', carrier: 'token', flaw: 'jwt-number', cause: /guessable/ },
  { check: 'jwt-expiry', carrier: 'token', flaw: 'jwt-no-end', cause: /no end/ },
  { check: 'jwt-expiry', carrier: 'token', flaw: 'jwt-long', cause: /too long/ },
  {
    check: 'jwt-confusion',
    carrier: 'token',
    flaw: 'jwt-refresh-as-access',
    cause: /refresh_token/,
  },
  {
    check: 'jwt-confusion',
    carrier: 'token',
    flaw: 'jwt-access-as-refresh',
    cause: /as a refresh/,
  },
  { check: 'session-fixation', carrier: 'cookie', flaw: 'fixation', cause: /keeps the session/ },
  { check: 'cookie-attributes', carrier: 'cookie', flaw: 'cookie-readable', cause: /session/ },
  { check: 'cookie-attributes', carrier: 'cookie', flaw: 'cookie-no-same-site', cause: /session/ },
  { check: 'cookie-attributes', carrier: 'cookie', flaw: 'cookie-long', cause: /session/ },
  { check: 'cors', carrier: 'cookie', flaw: 'cors-reflected', cause: /origins/ },
  { check: 'cors', carrier: 'cookie', flaw: 'cors-null', cause: /origins/ },
  { check: 'cors', carrier: 'cookie', flaw: 'cors-suffix', cause: /origins/ },
  { check: 'guessing-limit', carrier: 'cookie', flaw: 'no-limit', cause: /no limit/ },
  { check: 'guessing-limit', carrier: 'token', flaw: 'limit-by-header', cause: /x-forwarded-for/ },
  { check: 'guessing-limit', carrier: 'token', flaw: 'limit-by-spelling', cause: /spelling/ },
  {
    check: 'account-enumeration',
    carrier: 'token',
    flaw: 'enumeration-answer',
    cause: /differently/,
  },
  { check: 'account-enumeration', carrier: 'token', flaw: 'enumeration-time', cause: /longer/ },
  {
    check: 'account-enumeration',
    carrier: 'token',
    flaw: 'enumeration-recovery',
    cause: /recovery/,
  },
  { check: 'server-side-request-forgery', carrier: 'token', flaw: 'ssrf', cause: /any address/ },
  {
    check: 'server-side-request-forgery',
    carrier: 'token',
    flaw: 'ssrf-blind',
    cause: /any address/,
  },
  {
    check: 'server-side-request-forgery',
    carrier: 'token',
    flaw: 'ssrf-spelling',
    cause: /any address/,
  },
  { check: 'unsafe-get', carrier: 'token', flaw: 'unsafe-get', cause: /publish/ },
  { check: 'open-redirect', carrier: 'token', flaw: 'open-redirect', cause: /destination/ },
  { check: 'open-redirect', carrier: 'token', flaw: 'open-redirect-slashes', cause: /destination/ },
  { check: 'sql-injection', carrier: 'token', flaw: 'sql-text', cause: /statement/ },
  { check: 'sql-injection', carrier: 'token', flaw: 'sql-condition', cause: /statement/ },
  { check: 'secret-fields', carrier: 'token', flaw: 'secret-hash', cause: /passwords/ },
  { check: 'secret-fields', carrier: 'token', flaw: 'secret-list', cause: /refuses/ },
  { check: 'unapplied-write', carrier: 'token', flaw: 'unapplied-write', cause: /changed/ },
  { check: 'password-rules', carrier: 'token', flaw: 'password-short', cause: /weak/ },
  { check: 'password-rules', carrier: 'token', flaw: 'password-common', cause: /weak/ },
  { check: 'password-rules', carrier: 'token', flaw: 'password-truncated', cause: /beginning/ },
  { check: 'recovery', carrier: 'token', flaw: 'recovery-leak', cause: /answers its code/ },
  { check: 'recovery', carrier: 'token', flaw: 'recovery-guessable', cause: /guessed/ },
];

const sound = [...new Map(twins.map((twin) => [`${twin.check} ${twin.carrier}`, twin])).values()];

const cweOf = (id: string) =>
  CHECKS.find((check) => check.id === id)
    ?.cwe.map((cwe) => `[CWE-${cwe}]`)
    .join(' ');

describe('a defence is missing', () => {
  test.each(twins.map((twin) => ({ ...twin, cwe: cweOf(twin.check) })))(
    '$cwe $check finds $flaw once',
    async ({ check, carrier, flaw, beside, cause }) => {
      const flaws = beside === undefined ? [flaw] : [flaw, beside];
      const { findings, inconclusive } = await auditTarget(check, carrier, flaws);
      expect(findings.map((finding) => finding.cause)).toEqual([expect.stringMatching(cause)]);
      expect(inconclusive).toEqual([]);
    },
  );
});

describe('every defence is there', () => {
  test.each(sound)('$check finds nothing with a $carrier', async ({ check, carrier }) => {
    const report = await auditTarget(check, carrier, []);
    expect(report.findings).toEqual([]);
    expect(report.inconclusive).toEqual([]);
    expect(report.sound).not.toEqual([]);
  });
});

// At once: they wait for answers that do not come.
describe.concurrent('the target breaks before it is attacked', () => {
  test.each(
    sound.flatMap((twin) =>
      (['errors', 'silence', 'expired'] as const).map((how) => ({ ...twin, how })),
    ),
  )('$check judges nothing: $how with a $carrier', async ({ check, carrier, how }) => {
    const report = await auditTarget(check, carrier, [], (target) => target.breakDown(how));
    expect(report.findings).toEqual([]);
    expect(report.sound).toEqual([]);
    expect([...report.inconclusive, ...report.notTested]).not.toEqual([]);
  });
});

/** One check on a target of its own. `meanwhile` runs after the target was understood. */
async function auditTarget(
  check: string,
  carrier: Carrier,
  flaws: readonly Flaw[],
  meanwhile?: (target: Target) => void,
): Promise<CheckReport> {
  const target = await startTarget(carrier, ...flaws);
  try {
    return await auditOne(target, check, meanwhile);
  } finally {
    await target.close();
  }
}

async function auditOne(
  target: Target,
  check: string,
  meanwhile?: (target: Target) => void,
): Promise<CheckReport> {
  const title = CHECKS.find(({ id }) => id === check)?.title;
  const report = await auditTwin({
    url: target.origin,
    accounts: {
      a: account('ada', PASSWORD),
      b: account('bob', PASSWORD),
      stranger: account('grace', PASSWORD),
    },
    settings: { signInAttempts: 8 },
    timeoutMilliseconds: meanwhile === undefined ? 5_000 : 300,
    checks: [check],
    progress: (line) => {
      if (line === title) meanwhile?.(target);
    },
  });
  const [only] = report.checks;
  if (only === undefined) throw new Error(`there is no check ${check}`);
  return only;
}
