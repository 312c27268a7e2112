import { ANONYMOUS, bogusOf } from '../actor.ts';
import { plainCall } from '../access.ts';
import type { Call } from '../call.ts';
import { shows } from '../canary.ts';
import type { Check } from '../check.ts';
import { describe, type Exchange, isBroken, isGranted, isRefused } from '../exchange.ts';
import { leavesOf } from '../json.ts';
import type { Granted } from '../knowledge.ts';
import { attackAsNobody } from '../nobodys-writes.ts';
import { isSensitiveField, privateValues } from '../private-values.ts';
import { isSameCall } from '../reads.ts';
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
  const seen = { subject, call, own, nobody, shown };
  const design = await publicByDesign(run, seen);
  if (design !== null) return sound(subject, design);
  return judge(run, {
    ...seen,
    bogus: await send(run, call, { label: 'bogus', credential: bogusOf(actor.credential) }),
  });
}

/** Reads of nobody's that are asked again to see what they show by now. */
const PUBLIC_READS_MAX = 20;

/**
 * Why everybody may well read what A wrote, or null: it hangs from what is public (the comments on
 * a public article); another read shows nobody the same; or it is a list whose objects are public
 * as well, or that leaves out what they keep from nobody. That holds for what A planted: an address
 * or a password is private wherever it stands.
 */
async function publicByDesign(run: Run, seen: Omit<Seen, 'bogus'>): Promise<string | null> {
  const { call, own, nobody, shown } = seen;
  const isPrivate = leavesOf(own.answer?.json).some(
    ({ key, value }) => shown.includes(String(value)) && isSensitiveField(key),
  );
  if (isPrivate || shown.some((value) => !run.knowledge.planted.includes(value))) return null;
  for (const parent of parentsOf(run, call)) {
    const answer = await send(run, parent, ANONYMOUS);
    if (isGranted(answer)) return `it hangs from ${parent.operation.id}, which is public`;
  }
  // Looked at again: A has changed its objects since nobody read them.
  let hidden = shown;
  const others = (run.knowledge.views.anonymous ?? []).filter((one) => !isSameCall(one.call, call));
  for (const other of others.slice(0, PUBLIC_READS_MAX)) {
    const { answer } = await send(run, other.call, ANONYMOUS);
    hidden = hidden.filter((value) => !shows(answer, value));
    if (hidden.length === 0) return `${other.call.operation.id} shows everybody the same`;
  }
  const list = others.find(
    (other) => isListOf(other, call) && other.call.operation.security === call.operation.security,
  );
  if (list !== undefined) {
    const { answer } = await send(run, list.call, ANONYMOUS);
    const id = Object.values(call.path).at(-1) ?? '';
    if (leavesOf(answer?.json).some(({ value }) => String(value) === id))
      return `${list.call.operation.id} leads everybody to it`;
  }
  const path = pathOf(call);
  for (const { collection, canaries, read } of run.knowledge.objects) {
    if (collection.replace(/\/+$/, '') !== path) continue;
    if (!canaries.some((value) => shown.includes(value))) continue;
    const { id } = read.call.operation;
    if (isGranted(await send(run, read.call, ANONYMOUS))) return `${id} is public, too`;
    if (canaries.some((value) => !shows(nobody.answer, value)))
      return `a public list that leaves out what ${id} shows`;
  }
  return null;
}

function isListOf({ call }: Granted, { operation }: Call): boolean {
  return (
    pathOf({ operation }) !== pathOf(call) &&
    pathOf(call) === pathOf({ operation }).replace(/\/\{[^{}]+\}$/, '')
  );
}

/** The reads of the objects that a call is about a part of, nearest last. */
function parentsOf({ operations }: Run, call: Call): readonly Call[] {
  const path = pathOf(call);
  return operations
    .filter(
      (one) =>
        one.method === 'GET' &&
        /\}\/*$/.test(one.path) &&
        path.startsWith(`${one.path.replace(/\/+$/, '')}/`),
    )
    .map((operation) => ({ ...plainCall(operation), path: call.path }));
}

function pathOf({ operation }: Pick<Call, 'operation'>): string {
  return operation.path.replace(/\/+$/, '');
}

interface Seen {
  readonly subject: string;
  readonly call: Call;
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
