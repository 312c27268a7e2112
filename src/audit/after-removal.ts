import type { Actor } from './actor.ts';
import { plainCall } from './access.ts';
import { shows } from './canary.ts';
import { compose, refreshed } from './creation.ts';
import { type Exchange, isGranted, isRefused } from './exchange.ts';
import { type Operation, pathParametersOf } from './operation.ts';
import { entryFor, type PoolEntry } from './pool.ts';
import { callsFor, keep, newView } from './reads.ts';
import { type Run, send } from './run.ts';
import { openSession } from './sessions.ts';
import { inconclusive, notTested, sound, step, type Verdict } from './verdict.ts';
import { describeWindow, measureWindow, severityOf } from './window.ts';
import { isNameField, snake } from './words.ts';

const SUBJECT = 'after a member was removed';

const MEMBERS =
  /\/(members?|memberships?|collaborators?|participants?|users?|people|guests?|shares?|access|editors?|viewers?)$/i;

/**
 * A makes something, lets B in, and takes B out again: the session that B has all the while must
 * lose what B could read in it.
 */
export async function afterRemoval(run: Run): Promise<Verdict> {
  const { a, b } = run.actors;
  if (a === null || b === null) return notTested(SUBJECT, 'it takes a second account (--b)');
  if (!run.settings.allowWrites)
    return notTested(SUBJECT, 'writing is not allowed (--allow-writes)');
  const removals = run.operations.filter(
    ({ method, path }) =>
      method === 'DELETE' &&
      /\}\/[^{}]+\/\{[^{}]+\}\/?$/.test(path) &&
      MEMBERS.test(parentOf(path)),
  );
  for (const removal of removals) {
    const verdict = await attempt(run, a, b, removal);
    if (verdict !== null) return verdict;
  }
  return notTested(
    SUBJECT,
    removals.length === 0
      ? 'no operation removes a member'
      : 'nobody could be let into an object of A',
  );
}

function parentOf(path: string): string {
  return path.replace(/\/\{[^{}]+\}\/?$/, '');
}

async function attempt(run: Run, a: Actor, b: Actor, removal: Operation): Promise<Verdict | null> {
  const members = parentOf(removal.path);
  const object = members.replace(/\/[^/]+$/, '');
  const read = run.operations.find(({ method, path }) => method === 'GET' && path === object);
  const recipe = run.knowledge.recipes.find(({ call }) => call.operation.path === parentOf(object));
  if (read === undefined || recipe === undefined) return null;
  const fresh = refreshed(run, recipe);
  const made = await send(run, fresh.call, a);
  if (!isGranted(made)) return null;
  const view = newView(a, run.operations);
  view.planted.push(...fresh.planted.map(({ canary }) => canary));
  keep(view, fresh.call, made, true);
  const reading = callsFor(run, read, view.pool).find(({ path }) =>
    view.pool.some(({ isCreated, value }) => isCreated && value === Object.values(path).at(-1)),
  );
  if (reading === undefined) return null;
  const isIn = async (session: Actor = b) => {
    const exchange = await send(run, reading, session);
    return { exchange, granted: view.planted.some((value) => shows(exchange.answer, value)) };
  };
  const before = await isIn();
  if (before.granted || !isRefused(before.exchange)) return null;
  if (!(await letIn(run, { a, b, members, removal, pool: view.pool }))) return null;
  const within = await isIn();
  if (!within.granted) return null;
  for (const value of b.identity) {
    const { sent } = await compose(run, a, removal, [...view.pool, memberEntry(removal, value)]);
    if (sent === null) continue;
    // Another session tells that the removal was one: 204 is answered for nothing, too.
    const other = await openSession(run, b.account, 'b-another');
    if (other === null || (await isIn({ ...b, credential: other.credential })).granted) continue;
    return await judge(run, { b, removal, removed: sent.exchange, before, within, isIn });
  }
  return inconclusive(removal.id, 'nothing shows that the member was removed again');
}

/** An id of B's, for the last parameter of the removal. */
function memberEntry(removal: Operation, value: string): PoolEntry {
  const name = pathParametersOf(removal.path).at(-1) ?? '';
  return { ...entryFor(removal, name, value, plainCall(removal)), isCreated: false };
}

async function letIn(
  run: Run,
  {
    a,
    b,
    members,
    removal,
    pool,
  }: {
    readonly a: Actor;
    readonly b: Actor;
    readonly members: string;
    readonly removal: Operation;
    readonly pool: readonly PoolEntry[];
  },
): Promise<boolean> {
  const ways = run.operations.filter(
    ({ method, path }) =>
      (method === 'POST' && path === members) || (method === 'PUT' && path === removal.path),
  );
  for (const way of ways) {
    for (const value of b.identity) {
      const lookup = (name: string) => {
        const key = snake(name);
        if (/mail/.test(key)) return b.identity.find((one) => one.includes('@'));
        const isMember = isNameField(name) || /(user|member|account|person|identity)/.test(key);
        if (!isMember && key !== 'id') return undefined;
        return /^\d{1,15}$/.test(value) ? Number(value) : value;
      };
      const { sent } = await compose(run, a, way, pool, lookup);
      if (sent !== null) return true;
    }
  }
  return false;
}

interface Look {
  readonly exchange: Exchange;
  readonly granted: boolean;
}

async function judge(
  run: Run,
  seen: {
    readonly b: Actor;
    readonly removal: Operation;
    readonly removed: Exchange;
    readonly before: Look;
    readonly within: Look;
    readonly isIn: () => Promise<Look>;
  },
): Promise<Verdict> {
  const { b, removal, removed, before, within, isIn } = seen;
  const window = await measureWindow(run, async () => {
    const look = await isIn();
    return look.granted || isRefused(look.exchange) ? look : null;
  });
  if (window === 'closed') return sound(removal.id, 'who was removed is refused at once');
  if (window === 'unclear') return inconclusive(removal.id, 'no judgement after the removal');
  return {
    verdict: 'finding',
    cause: 'memberships outlive their end',
    severity: severityOf(window, b.credential, run),
    confidence: 'confirmed',
    title: `A member who was removed goes on reading (${removal.id})`,
    detail: `A let B into an object and removed B again; B's session could still read it ${describeWindow(window, b.credential, run)}.`,
    subjects: [removal.id],
    evidence: [step('A removes B', removed), step('B still reads it', window.exchange)],
    controls: [
      step('before it was let in, B was refused', before.exchange),
      step('as a member B could read it', within.exchange),
    ],
  };
}
