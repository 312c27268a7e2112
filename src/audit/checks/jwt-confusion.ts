import type { Check } from '../check.ts';
import { isGranted } from '../exchange.ts';
import { composedCall } from '../composed-call.ts';
import { ANONYMOUS } from '../actor.ts';
import { bodyFieldsOf } from '../fields.ts';
import { type Run, send } from '../run.ts';
import { openSession, type OpenedSession, whoIs } from '../sessions.ts';
import { tokensOf, withToken } from '../token.ts';
import { givenBy, JWT } from '../transport.ts';
import { inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';
import { snake } from '../words.ts';

/** Tokens that are taken for what they were not issued for. RFC 8725 2.8. */
export const jwtConfusion: Check = {
  id: 'jwt-confusion',
  title: 'A token is taken for one of another kind',
  cwe: [345],
  owaspApi: ['API2:2023'],
  asvs: ['9.2.2'],
  phase: 'credentials',
  needs: ['a', 'identity', 'sign-in'],
  effect: 'reads',
  repair: {
    fastapi:
      'Give each kind of token its own `aud` or `typ` and demand it where it is read: `jwt.decode(..., audience="access")`. Sign them with different keys where you can.',
    fastify:
      'Give each kind of token its own `aud` or `typ` and demand it where it is read: `jwtVerify(token, key, { audience: "access" })`. Sign them with different keys where you can.',
    sallyport:
      'Each kind of secret has a digest of its own purpose: one of another kind is found in no row.',
  },
  async run(run) {
    const { a } = run.actors;
    const opened = a === null ? null : await openSession(run, a.account, 'a');
    if (a === null || opened === null)
      return [inconclusive('tokens', 'signing in no longer works')];
    const [access] = tokensOf(opened.credential);
    if (access === undefined) return [notTested('tokens', 'the credential is no signed token')];
    const verdicts: Verdict[] = [];
    const others = opened.attempt.given.tokens.filter(
      ({ name, value }) =>
        value !== access.text &&
        JWT.test(value) &&
        /refresh|id_?token|reset|verif/.test(snake(name)),
    );
    for (const { name, value } of others) {
      const { is, exchange } = await whoIs(
        run,
        withToken(opened.credential, access, value),
        a,
        `a, ${name}`,
      );
      if (is === 'unclear' || exchange === null)
        verdicts.push(inconclusive(name, 'the read broke'));
      else if (is === 'refused')
        verdicts.push(sound(name, 'it is refused in place of the access token'));
      else {
        const right = await whoIs(run, opened.credential, a, 'a');
        verdicts.push({
          verdict: 'finding',
          cause: `${name} is accepted as an access token`,
          severity: 'medium',
          confidence: 'confirmed',
          title: `The ${name} works where only an access token should`,
          detail: `Sent in place of the access token, the ${name} was answered as A. It lives longer, and is stored where an access token is not.`,
          subjects: [`${name} of ${opened.attempt.exchange.request.path}`],
          evidence: [step(`The ${name} in place of the access token`, exchange)],
          controls: right.exchange === null ? [] : [step('The access token', right.exchange)],
        });
      }
    }
    const refreshed = await tryRefresh(run, opened, access.text);
    if (refreshed !== null) verdicts.push(refreshed);
    if (verdicts.length > 0) return verdicts;
    return [notTested('tokens', 'the sign-in gives no second signed token')];
  },
};

/** The access token where the refresh token belongs: a short life would never end. */
async function tryRefresh(
  run: Run,
  opened: OpenedSession,
  access: string,
): Promise<Verdict | null> {
  const operation = run.knowledge.chosen.refresh?.operation;
  const field =
    operation && bodyFieldsOf(operation).find(({ name }) => /refresh|token/.test(snake(name)));
  const refresh = opened.attempt.given.tokens.find(({ name }) => snake(name).includes('refresh'));
  if (operation === undefined || field === undefined || refresh === undefined) return null;
  const callWith = (value: string) =>
    composedCall(run, operation, [], (name) => (name === field.name ? value : undefined));
  const [wrong, right] = [callWith(access), callWith(refresh.value)];
  if (wrong === null || right === null) return null;
  const swapped = await send(run, wrong, ANONYMOUS);
  const proper = await send(run, right, ANONYMOUS);
  if (!isGranted(proper) || givenBy(proper).tokens.length === 0) {
    return inconclusive(
      operation.id,
      'the refresh token itself is refused',
      step('The refresh token', proper),
    );
  }
  if (!isGranted(swapped) || givenBy(swapped).tokens.length === 0) {
    return sound(operation.id, 'the access token is refused in place of the refresh token');
  }
  return {
    verdict: 'finding',
    cause: 'an access token is accepted as a refresh token',
    severity: 'medium',
    confidence: 'confirmed',
    title: 'An access token renews itself: it works where only a refresh token should',
    detail:
      'Sent in place of the refresh token, the access token was exchanged for new tokens: who gets hold of one never loses access again.',
    subjects: [operation.id],
    evidence: [step('The access token in place of the refresh token', swapped)],
    controls: [step('The refresh token', proper)],
  };
}
