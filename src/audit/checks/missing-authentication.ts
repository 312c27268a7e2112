import { ANONYMOUS, bogusOf } from '../actor.ts';
import { shows } from '../canary.ts';
import type { Check } from '../check.ts';
import { describe, type Exchange, isBroken, isGranted, isRefused } from '../exchange.ts';
import type { Granted } from '../knowledge.ts';
import { attackAsNobody } from '../nobodys-writes.ts';
import { privateValues } from '../private-values.ts';
import { type Run, send } from '../run.ts';
import { inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';

/**
 * An operation that answers nobody as it answers A.
 *
 * That alone is no hole: most APIs have something public. It is one where the answer holds what is
 * A's alone (an address, a planted value) and no list that everybody may read shows the same, or
 * where the document says that a credential is required and the answer holds such a thing.
 */
export const missingAuthentication: Check = {
  id: 'missing-authentication',
  title: 'Missing authentication',
  cwe: [306],
  owaspApi: ['API2:2023'],
  asvs: ['8.2.1', '8.3.1'],
  phase: 'writes',
  needs: ['a', 'identity'],
  effect: 'writes',
  repair: {
    fastapi:
      'Put the dependency that finds the current user on the router (`APIRouter(dependencies=[Depends(current_user)])`), not on each function, so that a new route has it without anybody thinking of it.',
    fastify:
      'Authenticate in an `onRequest` hook of the scope that the routes are registered in, and let a route say that it is public, not that it is protected.',
    sallyport:
      "Every route declares `access`; one that does not is refused at start. `access: 'signed-in'` or a permission closes this one.",
  },
  run: async (run) => {
    const verdicts: Verdict[] = [];
    for (const read of run.knowledge.reads) verdicts.push(await attack(run, read));
    verdicts.push(...(await attackAsNobody(run)));
    if (verdicts.length > 0) return verdicts;
    return [
      notTested('all operations', 'no read was granted to A, so there is nothing to compare with'),
    ];
  },
};

async function attack(run: Run, { call, actor: reader }: Granted): Promise<Verdict> {
  const subject = call.operation.id;
  const actor = run.actors.a ?? reader;
  const own = await send(run, call, actor);
  if (!isGranted(own)) {
    return inconclusive(subject, `A is no longer answered: ${describe(own)}`, step('A reads', own));
  }
  const nobody = await send(run, call, ANONYMOUS);
  if (isBroken(nobody)) {
    return inconclusive(
      subject,
      `no judgement from ${describe(nobody)}`,
      step('nobody reads', nobody),
    );
  }
  if (isRefused(nobody)) return sound(subject, 'refused without a credential');
  const shown = privateValues(run, own).filter((value) => shows(nobody.answer, value));
  if (shown.length === 0) return sound(subject, 'public, and shows nothing of A');
  return judge(run, {
    subject,
    own,
    nobody,
    shown,
    bogus: await send(run, call, { label: 'bogus', credential: bogusOf(actor.credential) }),
  });
}

interface Seen {
  readonly subject: string;
  readonly own: Exchange;
  readonly nobody: Exchange;
  readonly bogus: Exchange;
  readonly shown: readonly string[];
}

function judge(run: Run, { subject, own, nobody, bogus, shown }: Seen): Verdict {
  const { control } = run.knowledge;
  return {
    verdict: 'finding',
    cause: `${subject}: no authentication`,
    severity: 'high',
    confidence: 'confirmed',
    title: `Anybody can read what belongs to an account: ${subject}`,
    detail: `Without a credential the target answers with values that belong to account A (${shown.length} of them), and no public list shows them.`,
    subjects: [subject],
    evidence: [
      step("nobody reads, and sees what is A's", nobody),
      step('an invented credential does too', bogus),
    ],
    controls: [
      step('A reads the same', own),
      ...(control === null ? [] : [step('elsewhere a credential is required', control.exchange)]),
    ],
  };
}
