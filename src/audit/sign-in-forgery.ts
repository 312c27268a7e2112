import type { Actor } from './actor.ts';
import { requestOf, withSelected } from './call.ts';
import { NO_CREDENTIAL } from './actor.ts';
import { provenances, variantsFor } from './cross-site.ts';
import type { Run } from './run.ts';
import { openSession, whoIs } from './sessions.ts';
import { cookiesOf } from './transport.ts';
import { inconclusive, notTested, sound, step, type Verdict } from './verdict.ts';

/** What a form can send; a script's answer from another site could not set a cookie. */
const FORMS = variantsFor('POST').filter(({ name }) => /^(form|text|multipart)$/.test(name));

/**
 * Whether a page of another site can sign its visitor in to the attacker's account: what they then
 * enter, the attacker reads. Done with B's password, or A's, never with a stranger's.
 */
export async function forgedSignIn(run: Run, a: Actor): Promise<Verdict> {
  const { signIn } = run.access;
  const attacker = run.actors.b ?? a;
  const { account } = attacker;
  const subject = signIn?.call.operation.id ?? 'sign-in';
  if (signIn === null || account?.kind !== 'password') {
    return notTested(subject, 'no sign-in by name and password is known');
  }
  const right = await openSession(run, account, attacker.role);
  if (right === null) return inconclusive(subject, 'signing in no longer works');
  if (right.ambient === null) return sound(subject, 'it sets no cookie that signs a browser in');
  const { call, nameAt, passwordAt } = signIn;
  const filled = withSelected(
    withSelected(call, nameAt, account.username),
    passwordAt,
    account.password,
  );
  for (const variant of FORMS) {
    const [elsewhere] = provenances(run.origin);
    const changes = variant.changes(filled);
    const request = requestOf(variant.call(filled), NO_CREDENTIAL, run.origin, {
      ...changes,
      headers: { ...elsewhere?.headers, ...changes.headers },
    });
    const forged = await run.probe.send(request, `${attacker.role}, from another site`);
    const cookies = cookiesOf(forged.answer?.setCookies ?? []);
    if (Object.keys(cookies).length === 0) continue;
    const visitor = await whoIs(run, { ...NO_CREDENTIAL, cookies }, attacker, 'visitor');
    if (visitor.is !== 'signed-in' || visitor.exchange === null) continue;
    return {
      verdict: 'finding',
      cause: 'sign-in is accepted from other sites',
      severity: 'low',
      confidence: 'confirmed',
      title: "A page of another site signs its visitor in to the attacker's account",
      detail: `A sign-in as ${variant.says} of another site sends it set a cookie that signs in. Who does not notice it enters their data into the account of somebody else.`,
      subjects: [subject],
      evidence: [
        step(`Sent as by ${variant.says} of another site`, forged),
        step('The cookie that it set signs in', visitor.exchange),
      ],
      controls: [step('From its own page it works, too', right.attempt.exchange)],
    };
  }
  return sound(subject, 'no form of another site signs anybody in');
}
