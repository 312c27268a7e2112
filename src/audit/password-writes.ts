import type { Actor } from './actor.ts';
import { bodyFieldsOf } from './fields.ts';
import { describe, isBroken } from './exchange.ts';
import type { Operation } from './operation.ts';
import { changingPassword, isOldPassword } from './password-change.ts';
import type { Run } from './run.ts';
import { passwordOf } from './values.ts';
import { inconclusive, sound, step, type Verdict } from './verdict.ts';
import { isNameField, isPasswordField, snake, wordsOf } from './words.ts';

/**
 * Sets A's password as others, where the operation names whose it is and asks for no secret of
 * A's. The proof is that A's name signs in with it; both accounts get their passwords back.
 */
export async function attackPasswords(
  run: Run,
  attackers: readonly Actor[],
): Promise<readonly Verdict[]> {
  const { a } = run.actors;
  if (a?.account?.kind !== 'password' || !run.settings.allowWrites) return [];
  const verdicts: Verdict[] = [];
  for (const operation of run.operations.filter((one) => setsPasswordOfAnybody(one))) {
    for (const attacker of attackers) {
      const verdict = await attack(run, operation, a, attacker);
      verdicts.push(verdict);
      if (verdict.verdict === 'finding') break;
    }
  }
  return verdicts;
}

function setsPasswordOfAnybody(operation: Operation): boolean {
  const { method, path, name } = operation;
  if (!['PUT', 'PATCH', 'POST'].includes(method)) return false;
  if (![path, name].flatMap(wordsOf).includes('password')) return false;
  const fields = bodyFieldsOf(operation);
  const passwords = fields.filter((field) => isPasswordField(field.name));
  const asksForSecret =
    passwords.some((field) => isOldPassword(field.name)) ||
    fields.some((field) => /(^|_)(token|code|otp|pin|key)$/.test(snake(field.name))) ||
    /\{[^{}]*(token|code|key)[^{}]*\}/i.test(path);
  const namesSomebody = path.includes('{') || fields.some((field) => isNameField(field.name));
  return passwords.length > 0 && !asksForSecret && namesSomebody;
}

async function attack(run: Run, operation: Operation, a: Actor, attacker: Actor): Promise<Verdict> {
  const subject = operation.id;
  const password = passwordOf(run.canary());
  const changing = changingPassword(run, a, operation);
  const own = changingPassword(run, attacker, operation, [password]);
  if (changing === null) return inconclusive(subject, 'A has no password');
  let changed: Awaited<ReturnType<typeof changing.change>>;
  let isBack = false;
  try {
    changed = await changing.change(password, attacker.credential);
  } finally {
    isBack = await changing.restore();
    // The target may have taken it for the attacker's own, whoever was named.
    await own?.restore();
  }
  const { exchange, session } = changed;
  if (exchange === null || (session === null && isBroken(exchange))) {
    return inconclusive(
      subject,
      `no judgement from ${exchange === null ? 'no request' : describe(exchange)}`,
      ...(exchange === null ? [] : [step('the attempt', exchange)]),
    );
  }
  if (session === null) return sound(subject, `what ${attacker.role} sets is not A's password`);
  const across = attacker.role === 'stranger';
  return {
    verdict: 'finding',
    cause: `write ${operation.path}`,
    severity: 'critical',
    confidence: 'confirmed',
    title: `${across ? 'An account of another tenant' : 'Another account'} can set A's password: ${subject}`,
    detail: `${attacker.role} sent a password of its own for A, and A's name signed in with it.${isBack ? ' It was put back.' : ' It could not be put back.'}`,
    subjects: [subject],
    evidence: [
      step(`${attacker.role} sets A's password`, exchange),
      step("A's name signs in with it", session.attempt.exchange),
    ],
    controls: [],
  };
}
