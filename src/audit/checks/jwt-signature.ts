import type { Check } from '../check.ts';
import type { Exchange } from '../exchange.ts';
import { isObject, type JsonObject } from '../json.ts';
import { openListener } from '../listener.ts';
import type { Run } from '../run.ts';
import { withAlteredSignature } from '../token.ts';
import { confusionsOf, type Forgery, forgeriesOf, remoteKeyForgery } from '../token-forgery.ts';
import { type TokenTarget, tokenTargets } from '../token-target.ts';
import { type Finding, inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';

/** Tokens that nobody with the key has signed, and are accepted. RFC 8725. */
export const jwtSignature: Check = {
  id: 'jwt-signature',
  title: 'Tokens accepted without a right signature',
  cwe: [347],
  owaspApi: ['API2:2023'],
  asvs: ['9.1.1', '9.1.2', '9.1.3'],
  phase: 'credentials',
  needs: ['a', 'identity'],
  effect: 'reads',
  repair: {
    fastapi:
      'Decode with the key and a fixed list: `jwt.decode(token, KEY, algorithms=["HS256"], options={"require": ["exp", "sub"]})`. Never pass `verify_signature: False`, and never take the algorithm or the key from the token.',
    fastify:
      'Verify with `jwtVerify(token, key, { algorithms: [...], issuer, audience })` of jose, or `@fastify/jwt` with `verify.algorithms`; `decode` verifies nothing.',
    sallyport:
      'Sallyport issues opaque tokens that only the database can resolve, and verifies those of other issuers with the algorithm of the key, never that of the token.',
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
  const unverified = await tryAltered(target);
  // With no signature verified, everything below would only say the same again.
  if (unverified !== null) return unverified;
  const forgeries = [
    ...forgeriesOf(target.token),
    confusionsOf(target.token, await publicKeys(run)),
  ];
  let unclear: Verdict | null = null;
  for (const forgery of forgeries) {
    const verdict = await tryForgery(target, forgery);
    // One way in is enough: the others would mostly be the same mistake once more.
    if (verdict?.verdict === 'finding') return verdict;
    unclear ??= verdict;
  }
  const remote = await tryRemoteKey(run, target);
  if (remote !== null) return remote;
  const kinds = forgeries.length + 2;
  return unclear ?? sound(target.subject, `${kinds} kinds of forged tokens were refused`);
}

async function tryAltered(target: TokenTarget): Promise<Verdict | null> {
  const tries = [];
  for (const offset of [0, 2]) {
    const { accepted, broken, exchange } = await target.attempt(
      withAlteredSignature(target.token, offset),
      'a, signature altered',
    );
    if (broken) return noConclusion(target, 'an altered signature', exchange);
    if (!accepted) return null;
    tries.push(step('A token with an altered signature is accepted, and answered as A', exchange));
  }
  return {
    ...findingOf(target, 'the signature is not verified'),
    title: 'Anybody can write a token for any account: the signature is not verified',
    evidence: tries,
  };
}

async function tryForgery(target: TokenTarget, forgery: Forgery): Promise<Verdict | null> {
  for (const text of forgery.texts) {
    const { accepted, broken, exchange } = await target.attempt(text, 'a, token forged');
    if (broken) return noConclusion(target, forgery.flaw, exchange);
    if (!accepted) continue;
    const again = await target.attempt(text, 'a, token forged');
    if (!again.accepted) continue;
    return {
      ...findingOf(target, forgery.flaw),
      title: `Anybody can write a token for any account: ${forgery.flaw}`,
      evidence: [exchange, again.exchange].map((each) =>
        step('The forged token is answered as A', each),
      ),
    };
  }
  return null;
}

/**
 * A key that the token says to fetch: accepted, or at least fetched from where an attacker says.
 */
async function tryRemoteKey(run: Run, target: TokenTarget): Promise<Verdict | null> {
  const path = `/${run.canary()}.json`;
  const replies = new Map();
  const listener = await openListener(replies);
  try {
    const { text, keySet } = remoteKeyForgery(target.token, listener.url(path));
    replies.set(path, () => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: keySet,
    }));
    const { accepted, exchange } = await target.attempt(text, 'a, token forged');
    const flaw = 'the key is fetched from where the token says';
    if (!accepted && listener.hits(path) === 0) return null;
    return {
      ...findingOf(target, flaw),
      severity: accepted ? 'critical' : 'high',
      title: accepted
        ? `Anybody can write a token for any account: ${flaw}`
        : 'A token makes the server send requests to wherever it says',
      evidence: [step(`The server fetched ${listener.url(path)}`, exchange)],
    };
  } finally {
    await listener.close();
  }
}

function findingOf(target: TokenTarget, flaw: string): Finding {
  return {
    verdict: 'finding',
    cause: flaw,
    severity: 'critical',
    confidence: 'confirmed',
    title: flaw,
    detail:
      'A read that shows whose account it is was sent with the token as issued, with none, with a nonsense one, and with the forged one. It was answered as A for the first and for the last.',
    subjects: [target.subject],
    evidence: [],
    controls: target.controls,
  };
}

function noConclusion(target: TokenTarget, what: string, exchange: Exchange): Verdict {
  return inconclusive(
    target.subject,
    `the target broke at ${what}`,
    ...target.controls,
    step('No conclusion', exchange),
  );
}

const KEY_PATHS = ['/.well-known/jwks.json', '/jwks.json', '/jwks', '/oauth/jwks', '/oauth2/jwks'];

/** The keys that the target publishes for those who verify its tokens. RFC 7517 5. */
async function publicKeys(run: Run): Promise<readonly JsonObject[]> {
  const own = run.operations
    .filter(({ method, path }) => method === 'GET' && /jwks/i.test(path) && !path.includes('{'))
    .map(({ path }) => path);
  for (const path of new Set([...own, ...KEY_PATHS])) {
    const request = { method: 'GET', path, headers: { accept: 'application/json' }, body: null };
    const { answer } = await run.probe.send(request, 'anonymous');
    const keys = isObject(answer?.json) ? answer.json['keys'] : undefined;
    if (answer?.status === 200 && Array.isArray(keys)) {
      return keys.filter(isObject).filter(({ kty }) => kty === 'RSA' || kty === 'EC');
    }
  }
  return [];
}
