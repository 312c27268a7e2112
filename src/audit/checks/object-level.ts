import { type Actor, ANONYMOUS } from '../actor.ts';
import { shows } from '../canary.ts';
import type { Check } from '../check.ts';
import { describe, type Exchange, isBroken, isGranted } from '../exchange.ts';
import type { OwnedObject } from '../knowledge.ts';
import { distinctValues } from '../distinct-values.ts';
import { attackDeletions } from '../object-deletions.ts';
import { attackWrites } from '../object-writes.ts';
import { attackPasswords } from '../password-writes.ts';
import { isSharedWith, withRandomIds } from '../sharing.ts';
import { type Run, send } from '../run.ts';
import { type Finding, inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';

/**
 * A request that is granted because of who is signed in, and not because of whose object it names.
 *
 * Each read and write of A's own object is sent again as B and as an account of another tenant,
 * unchanged but for the credential. It is a hole only if the answer holds what is A's alone (or A
 * sees what B wrote), no list of B's own shows the same, nobody without a credential sees it too,
 * and B is answered otherwise for an id that was never given.
 */
export const objectLevel: Check = {
  id: 'object-level',
  title: 'Broken object-level authorization',
  cwe: [639, 284],
  owaspApi: ['API1:2023'],
  asvs: ['8.2.2', '8.4.1'],
  phase: 'writes',
  needs: ['a', 'b-or-stranger', 'identity'],
  effect: 'writes',
  repair: {
    fastapi:
      'Put the owner and the tenant into the statement that fetches, changes or deletes the row (`WHERE id = $1 AND team_id = $2`), and answer 404 where it finds none. A check after the fetch is forgotten in the next handler.',
    fastify:
      'Take the tenant from the session, never from the request, and put it into every statement; let the database refuse the rest with row-level security.',
    sallyport:
      '`request.db` puts the tenant into every statement, and row-level security refuses what gets past it; `sallyport protect` writes the migration for an existing table.',
  },
  run: async (run) => {
    const attackers = [run.actors.b, run.actors.stranger].filter((one) => one !== null);
    const verdicts: Verdict[] = [];
    for (const object of run.knowledge.objects) {
      for (const attacker of attackers) verdicts.push(await attackRead(run, object, attacker));
    }
    verdicts.push(
      ...(await attackWrites(run, attackers)),
      ...(await attackPasswords(run, attackers)),
      ...(await attackDeletions(run, attackers)),
    );
    if (verdicts.length > 0) return verdicts;
    return [notTested('all objects', "nothing of A's that a value in a request selects was found")];
  },
};

async function attackRead(run: Run, object: OwnedObject, attacker: Actor): Promise<Verdict> {
  const { call } = object.read;
  const subject = call.operation.id;
  const a = run.actors.a ?? object.owner;
  const own = await send(run, call, a);
  if (!isGranted(own)) {
    return inconclusive(subject, `A is no longer answered: ${describe(own)}`, step('A reads', own));
  }
  const secret = distinctValues(run, object, own, attacker);
  if (secret.length === 0) {
    return notTested(
      subject,
      `nothing in the answer is A's alone: ${attacker.role} finds the same by itself`,
    );
  }
  const other = await send(run, call, attacker);
  if (isBroken(other)) {
    return inconclusive(
      subject,
      `no judgement from ${describe(other)}`,
      step(`${attacker.role} reads`, other),
    );
  }
  const shown = secret.filter((value) => shows(other.answer, value));
  if (!isGranted(other) || shown.length === 0) {
    return sound(
      subject,
      `${attacker.role} is answered ${other.answer?.status}, without A's values`,
    );
  }
  return judge(run, { object, subject, attacker, own, other, shown });
}

interface Seen {
  readonly object: OwnedObject;
  readonly subject: string;
  readonly attacker: Actor;
  readonly own: Exchange;
  readonly other: Exchange;
  readonly shown: readonly string[];
}

async function judge(run: Run, seen: Seen): Promise<Verdict> {
  const { object, subject, attacker, own, other, shown } = seen;
  const { call } = object.read;
  const nobody = await send(run, call, ANONYMOUS);
  if (shown.some((value) => shows(nobody.answer, value))) {
    return sound(subject, 'nobody needs to be signed in for it: no matter of whose it is');
  }
  const list = await isSharedWith(run, object, attacker, shown);
  if (list !== null) {
    return sound(subject, `shared: ${list} shows the same to ${attacker.role}`);
  }
  const unknown = await send(run, withRandomIds(call, run.canary()), attacker);
  if (shown.some((value) => shows(unknown.answer, value))) {
    return inconclusive(
      subject,
      'the same is shown for an id that was never given',
      step('a random id', unknown),
    );
  }
  return finding(seen, nobody, unknown, { own, other });
}

function finding(
  { object, subject, attacker, shown }: Seen,
  nobody: Exchange,
  unknown: Exchange,
  { own, other }: { readonly own: Exchange; readonly other: Exchange },
): Finding {
  const across = attacker.role === 'stranger';
  const proved = object.ownership === 'created' || object.ownership === 'holds-identity';
  return {
    verdict: 'finding',
    cause: `read ${object.read.call.operation.path}`,
    severity: across ? 'critical' : 'high',
    confidence: proved ? 'confirmed' : 'probable',
    title: `${across ? 'An account of another tenant' : 'Another account'} can read what is A's: ${subject}`,
    detail: `Account A's object ${object.id} was read with ${attacker.role}'s credential; the answer holds ${shown.length} values that are A's alone, and no list that ${attacker.role} may read shows them.`,
    subjects: [subject],
    evidence: [step(`${attacker.role} reads A's object`, other)],
    controls: [
      step('A reads it', own),
      step('nobody is refused it', nobody),
      step(`${attacker.role} asks for an id that was never given`, unknown),
    ],
  };
}
