import type { Check } from '../check.ts';
import { guessSecret } from '../guessable-secrets.ts';
import type { Run } from '../run.ts';
import { macToken } from '../token.ts';
import { type TokenTarget, tokenTargets } from '../token-target.ts';
import { inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';

/** Signing keys that can be guessed without asking the target. CWE-1391. */
export const jwtSecret: Check = {
  id: 'jwt-secret',
  title: 'Tokens signed with a guessable key',
  cwe: [1391, 326],
  owaspApi: ['API2:2023'],
  asvs: ['9.1.1', '11.2.3'],
  phase: 'credentials',
  needs: ['a', 'identity'],
  effect: 'reads',
  repair: {
    fastapi:
      'Make the key with `secrets.token_bytes(32)` or `openssl rand -hex 32`, read it from the environment, and refuse to start without it. Every token that was signed with the old key is worthless: let them end.',
    fastify:
      'Make the key with `randomBytes(32)`, read it from the environment, and refuse to start without it. Every token that was signed with the old key is worthless: let them end.',
    sallyport:
      'Sessions and access tokens of Sallyport are 256 random bits each; there is no key to guess. Its identity assertions are signed with generated key pairs that rotate.',
  },
  async run(run) {
    const a = run.actors.a;
    if (a === null) return [notTested('tokens', 'account A is not signed in')];
    const targets = await tokenTargets(run, a);
    if (targets.length === 0) return [notTested('tokens', 'the credential is no signed token')];
    const verdicts: Verdict[] = [];
    for (const target of targets) {
      verdicts.push('verdict' in target ? target : await attack(run, target));
    }
    return verdicts;
  },
};

async function attack(run: Run, target: TokenTarget): Promise<Verdict> {
  const { header, algorithm, claims } = target.token;
  if (!algorithm.startsWith('HS')) {
    return sound(target.subject, `${algorithm} has no secret that both sides share`);
  }
  const secret = await guessSecret(target.token, wordsOf(run), 6, run.settings.waitSecondsMax);
  if (secret === null) {
    return sound(
      target.subject,
      'the key is no common word, and no number of up to six digits was found in twenty seconds',
    );
  }
  // A claim that the target cannot have put there: only who has the key can have signed this.
  const written = macToken(header, algorithm, { ...claims, sallyport_audit: run.canary() }, secret);
  const evidence = [];
  for (const label of ['a, token signed by the audit', 'a, token signed by the audit again']) {
    const { accepted, broken, exchange } = await target.attempt(written, label);
    if (broken) {
      return inconclusive(target.subject, 'the target broke', step('No conclusion', exchange));
    }
    if (!accepted) {
      return inconclusive(
        target.subject,
        'the key was guessed, but a token written with it is refused',
        step('Signed with the guessed key', exchange),
      );
    }
    evidence.push(
      step('A token that the audit signed with the guessed key is answered as A', exchange),
    );
  }
  return {
    verdict: 'finding',
    cause: 'the signing key is guessable',
    severity: 'critical',
    confidence: 'confirmed',
    title: 'Anybody can write a token for any account: the signing key is guessable',
    detail: `The ${algorithm} key of the token was found on this machine, without asking the target: it has ${secret.length} characters and is a common word or number. A token with a claim of the audit's own was signed with it, and answered as A.`,
    subjects: [target.subject],
    evidence,
    controls: target.controls,
  };
}

/** What somebody would call the key of this application: its host, and its title's words. */
function wordsOf(run: Run): string[] {
  const { hostname } = new URL(run.origin);
  const names = run.operations.flatMap(({ path, tags }) => [path.split('/')[1] ?? '', ...tags]);
  return [...new Set([hostname, ...hostname.split('.'), ...names])].filter(
    (word) => word.length > 1 && !word.includes('{'),
  );
}
