import { setTimeout as sleep } from 'node:timers/promises';
import type { Check } from '../check.ts';
import { guessSecret } from '../guessable-secrets.ts';
import type { JsonObject } from '../json.ts';
import type { Run } from '../run.ts';
import { macToken, signingInput } from '../token.ts';
import { type TokenTarget, tokenTargets } from '../token-target.ts';
import { type Finding, notTested, sound, step, type Step, type Verdict } from '../verdict.ts';

/** A day: an access token that lives longer outlives every reason to have issued it. */
const LIFETIME_SECONDS_MAX = 24 * 3600;

/** How late a clock may be before a token that has ended is accepted with reason. RFC 8725. */
const LEEWAY_SECONDS = 120;

/** Tokens that never end, live too long, or are accepted after their end. ASVS 9.2.1. */
export const jwtExpiry: Check = {
  id: 'jwt-expiry',
  title: 'Tokens without an end, or accepted after it',
  cwe: [613],
  owaspApi: ['API2:2023'],
  asvs: ['9.2.1', '7.3.2'],
  phase: 'credentials',
  needs: ['a', 'identity'],
  effect: 'reads',
  repair: {
    fastapi:
      'Put `exp` into each token, minutes ahead, and demand it: `jwt.decode(..., options={"require": ["exp"]})` verifies it unless `verify_exp` is switched off. Long sessions need a refresh token with a row that can be revoked.',
    fastify:
      'Sign with `setExpirationTime("10 min")` and verify with `requiredClaims: ["exp"]`. Long sessions need a refresh token with a row that can be revoked.',
    sallyport:
      'Sessions end after an hour without a request and after 12 hours at the latest, and the database decides that in the transaction of each request.',
  },
  async run(run) {
    const a = run.actors.a;
    if (a === null) return [notTested('tokens', 'account A is not signed in')];
    const targets = await tokenTargets(run, a);
    if (targets.length === 0) return [notTested('tokens', 'the credential is no signed token')];
    const verdicts: Verdict[] = [];
    for (const target of targets) {
      verdicts.push('verdict' in target ? target : await examine(run, target));
    }
    return verdicts;
  },
};

async function examine(run: Run, target: TokenTarget): Promise<Verdict> {
  const { exp, iat } = target.token.claims;
  if (typeof exp !== 'number') {
    return {
      ...findingOf(target, 'tokens have no end'),
      severity: 'high',
      confidence: 'probable',
      title: 'A token that was stolen works for ever: it has no expiry',
      detail: 'The token as issued has no `exp` claim, and it is accepted.',
    };
  }
  const late = await tryLate(run, target, exp);
  if (late.length > 0) {
    return {
      ...findingOf(target, 'the end of a token is not enforced'),
      severity: 'high',
      title: 'A token works after its end: the expiry is not verified',
      detail: 'A token whose `exp` claim has passed is answered as A.',
      evidence: late,
    };
  }
  const issued = typeof iat === 'number' ? iat : run.now().getTime() / 1000;
  const hours = Math.round((exp - issued) / 3600);
  if (exp - issued > LIFETIME_SECONDS_MAX) {
    return {
      ...findingOf(target, 'tokens live too long'),
      severity: 'medium',
      confidence: 'probable',
      title: `A token that was stolen works for ${hours} hours`,
      detail: `The token as issued ends ${hours} hours after it was issued; a day is the longest that is reasonable for a credential that cannot be taken back.`,
    };
  }
  return sound(target.subject, `it ends after ${Math.ceil((exp - issued) / 60)} minutes`);
}

/** A token past its end: written, where it can be; waited for, where that is short enough. */
async function tryLate(run: Run, target: TokenTarget, exp: number): Promise<readonly Step[]> {
  const now = Math.floor(run.now().getTime() / 1000);
  const past = await withClaims(target, {
    ...target.token.claims,
    exp: now - 3600,
    iat: now - 7200,
  });
  if (past !== null) return twice(target, past, 'a, token that ended an hour ago');
  const seconds = exp - now + LEEWAY_SECONDS;
  if (seconds <= 0 || seconds > run.settings.waitSecondsMax) return [];
  run.progress(`waiting ${seconds} seconds for a token to end`);
  await sleep(seconds * 1000);
  return twice(target, target.token.text, 'a, token after its end');
}

/**
 * A token with these claims that the target would accept but for its end: signed with a guessed
 * key, or not at all where nothing is verified. Null where none can be made.
 */
async function withClaims(target: TokenTarget, claims: JsonObject): Promise<string | null> {
  const { header, algorithm, text } = target.token;
  const key = await guessSecret(target.token, [], 4, 0);
  if (key !== null) return macToken(header, algorithm, claims, key);
  const unsigned = `${signingInput(header, { ...target.token.claims, sallyport_audit: 1 })}.${text.split('.')[2]}`;
  const { accepted } = await target.attempt(unsigned, 'a, claims altered');
  return accepted ? `${signingInput(header, claims)}.${text.split('.')[2]}` : null;
}

async function twice(target: TokenTarget, text: string, label: string): Promise<readonly Step[]> {
  const steps: Step[] = [];
  for (let count = 0; count < 2; count += 1) {
    const { accepted, exchange } = await target.attempt(text, label);
    if (!accepted) return [];
    steps.push(step('A token after its end is answered as A', exchange));
  }
  return steps;
}

function findingOf(target: TokenTarget, cause: string): Finding {
  return {
    verdict: 'finding',
    cause,
    severity: 'high',
    confidence: 'confirmed',
    title: cause,
    detail: '',
    subjects: [target.subject],
    evidence: [],
    controls: target.controls,
  };
}
