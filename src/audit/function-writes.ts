import type { Actor } from './actor.ts';
import type { Call } from './call.ts';
import { shows } from './canary.ts';
import { changesObjects, makesAnotherTenant, makesObjects, staysWithinOwn } from './creatable.ts';
import { compose, refreshed, type Sent } from './creation.ts';
import { describe, type Exchange, isBroken, isGranted } from './exchange.ts';
import type { Operation } from './operation.ts';
import { keep, newView, readAll, type View } from './reads.ts';
import { type Run, send } from './run.ts';
import { inconclusive, sound, step, type Verdict } from './verdict.ts';

/**
 * Makes as the superior what A may not make, and lets A change and delete it. The superior looks
 * whether it worked.
 */
export async function attackFunctions(
  run: Run,
  a: Actor,
  superior: Actor,
): Promise<readonly Verdict[]> {
  if (!run.settings.allowWrites) return [];
  const view: View = {
    ...newView(superior, run.operations),
    granted: [...(run.knowledge.views.superior ?? [])],
  };
  for (const { call, exchange } of view.granted) keep({ ...view, granted: [] }, call, exchange);
  const special = new Set(Object.values(run.knowledge.chosen).map(({ operation }) => operation.id));
  const byA = new Set(run.knowledge.recipes.map(({ call }) => call.operation.id));
  const verdicts: Verdict[] = [];
  for (const operation of run.operations) {
    if (!makesObjects(operation, run.operations) || makesAnotherTenant(operation, view)) continue;
    if (special.has(operation.id) || byA.has(operation.id)) continue;
    const isOwn = (call: Call) => staysWithinOwn(call, run.operations, view.pool);
    const { sent } = await compose(run, superior, operation, view.pool, undefined, isOwn);
    if (sent === null || sent.recipe.planted.length === 0) continue;
    view.planted.push(...sent.recipe.planted.map(({ canary }) => canary));
    keep(view, sent.recipe.call, sent.exchange, true);
    verdicts.push(...(await attackObject(run, view, sent, a)));
  }
  return verdicts;
}

async function attackObject(
  run: Run,
  view: View,
  made: Sent,
  a: Actor,
): Promise<readonly Verdict[]> {
  const collection = made.recipe.call.operation.path.replace(/\/+$/, '');
  const under = run.operations.filter(
    ({ path }) => path.startsWith(`${collection}/{`) || path.replace(/\/+$/, '') === collection,
  );
  await readAll(run, view, under);
  const verdicts: Verdict[] = [];
  // Deleted last: what is gone cannot be changed.
  for (const method of ['PUT', 'PATCH', 'DELETE']) {
    for (const operation of under.filter(
      (one) => one.method === method && one.path.includes('{'),
    )) {
      if (!changesObjects(operation)) continue;
      // A change may have replaced what was planted: what is to be deleted is made for it.
      const anew = method === 'DELETE' ? await madeAnew(run, view, made, under) : null;
      const seen = anew ?? { view, made };
      const reader = await readerOf(run, seen.view, seen.made);
      if (reader === null) continue;
      const pool = seen.view.pool.filter(({ isCreated }) => isCreated);
      const attack = { ...seen, reader, a, operation, pool };
      verdicts.push(
        method === 'DELETE' ? await attackDeletion(run, attack) : await attackChange(run, attack),
      );
    }
  }
  return verdicts;
}

/** Another object of the kind, in a view in which it alone was made. Null where it is refused. */
async function madeAnew(
  run: Run,
  { actor }: View,
  made: Sent,
  under: readonly Operation[],
): Promise<Pick<Attack, 'view' | 'made'> | null> {
  const recipe = refreshed(run, made.recipe);
  const exchange = await send(run, recipe.call, actor);
  if (!isGranted(exchange)) return null;
  const view = newView(actor, run.operations);
  view.planted.push(...recipe.planted.map(({ canary }) => canary));
  keep(view, recipe.call, exchange, true);
  await readAll(run, view, under);
  return { view, made: { recipe, exchange } };
}

interface Attack {
  readonly view: View;
  readonly made: Sent;
  readonly reader: { readonly call: Call; readonly exchange: Exchange };
  readonly a: Actor;
  readonly operation: Operation;
  readonly pool: View['pool'];
}

async function readerOf(run: Run, view: View, made: Sent) {
  for (const { call } of view.granted) {
    if (!call.operation.path.startsWith(made.recipe.call.operation.path.replace(/\/+$/, '')))
      continue;
    const exchange = await send(run, call, view.actor);
    if (made.recipe.planted.some(({ canary }) => shows(exchange.answer, canary)))
      return { call, exchange };
  }
  return null;
}

async function attackChange(run: Run, attack: Attack): Promise<Verdict> {
  const { view, made, reader, a, operation, pool } = attack;
  const subject = operation.id;
  const { sent } = await compose(run, view.actor, operation, pool);
  if (sent === null) return sound(subject, 'the superior may not either');
  const own = refreshed(run, sent.recipe);
  const attempt = await send(run, own.call, a);
  const after = await send(run, reader.call, view.actor);
  if (isBroken(after))
    return inconclusive(
      subject,
      `the superior cannot look: ${describe(after)}`,
      step('the attempt', attempt),
    );
  if (!own.planted.some(({ canary }) => shows(after.answer, canary)))
    return sound(subject, 'what A sends has no effect');
  return finding(subject, made, attempt, after, 'change');
}

async function attackDeletion(run: Run, attack: Attack): Promise<Verdict> {
  const { view, made, reader, a, operation, pool } = attack;
  const { sent: attempt, refusal } = await compose(run, a, operation, pool);
  const after = await send(run, reader.call, view.actor);
  if (isBroken(after))
    return inconclusive(operation.id, `the superior cannot look: ${describe(after)}`);
  const isThere = [...made.recipe.planted].some(({ canary }) => shows(after.answer, canary));
  const exchange = attempt?.exchange ?? refusal;
  // A change before this may have replaced what was planted: gone is what is refused or not listed.
  const wasThere = isGranted(reader.exchange);
  if (isThere || !wasThere || attempt === null || exchange === null)
    return sound(operation.id, 'the object is still there');
  return finding(operation.id, made, exchange, after, 'delete');
}

function finding(
  subject: string,
  made: Sent,
  attempt: Exchange,
  after: Exchange,
  verb: string,
): Verdict {
  return {
    verdict: 'finding',
    cause: subject,
    severity: 'high',
    confidence: 'confirmed',
    title: `An ordinary account can ${verb} what only a higher role can make: ${subject}`,
    detail:
      "The superior made an object that A was refused to make; A's request had its effect on it, as the superior sees.",
    subjects: [subject],
    evidence: [step('A sends it', attempt), step('the superior looks', after)],
    controls: [step('the superior made it', made.exchange)],
  };
}
