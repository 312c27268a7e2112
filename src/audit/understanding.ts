import { type Account, type Actor, ANONYMOUS, type Credential } from './actor.ts';
import { basicCredential, learnAccess, type LearnedAccess, NO_WAYS } from './access.ts';
import { crawl, type Crawled } from './crawl.ts';
import { findControl, identify } from './control.ts';
import { isGranted, isRefused } from './exchange.ts';
import type { Access, Chosen, Knowledge, Purpose } from './knowledge.ts';
import type { ActorRole } from './actor.ts';
import type { SecurityScheme } from './operation.ts';
import { grantedOf, learnObjects, untriedOf } from './learned-objects.ts';
import { registered } from './registering.ts';
import { choicesFor } from './purposes.ts';
import { newView, readAll, type View } from './reads.ts';
import { StopError } from './probe.ts';
import type { Actors, Run } from './run.ts';
import { openSession } from './sessions.ts';
import { ACCOUNT_ROLES, type AccountRole } from './setup.ts';
import { tokenIn, withSynchronizer, withTokenOf } from './synchronizer.ts';

/** What a run has before anything about the target is known. */
export type Blank = Omit<Run, 'actors' | 'access' | 'knowledge'> & {
  readonly schemes: readonly SecurityScheme[];
  /** What pages led nobody to, where there is no document. */
  readonly crawled: Crawled | null;
  readonly basePath: string;
};

/** A run with all that was learned, and what went wrong on the way, one line each. */
export interface Understood {
  readonly run: Run;
  readonly problems: readonly string[];
  /** Why the audit cannot go on, or null. */
  readonly stopped: string | null;
}

type Accounts = Readonly<Partial<Record<AccountRole, Account>>>;

/**
 * Learns what a target is by using it as its accounts may: signs them in, finds out who they are,
 * reads what they can read, and what nobody can.
 */
export async function understand(blank: Blank, given: Accounts): Promise<Understood> {
  const nothing: Run = { ...blank, access: NO_WAYS, knowledge: EMPTY, actors: NOBODY };
  const learned: Learning = { run: nothing, problems: [] };
  try {
    await learn(learned, blank, given);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof StopError) return { ...learned, stopped: reason };
    learned.problems.push(`the target was understood in part only: ${reason}`);
  }
  return { ...learned, stopped: null };
}

/** What is known so far, so that an error on the way loses nothing of it. */
interface Learning {
  run: Run;
  readonly problems: string[];
}

async function learn(learning: Learning, blank: Blank, given: Accounts): Promise<void> {
  const { problems } = learning;
  const accounts = await withRegistered(blank, given);
  const a = accounts.a;
  const first = Object.values(accounts).find((one) => one.kind === 'password');
  const learned = first?.kind === 'password' ? await learnSignIn(blank, first) : null;
  if (learned?.problem) problems.push(learned.problem);
  let run: Run = { ...blank, access: learned?.ways ?? NO_WAYS, knowledge: EMPTY, actors: NOBODY };
  learning.run = run;
  const actors: Partial<Record<AccountRole, Actor>> = {};
  for (const role of ACCOUNT_ROLES) {
    const account = accounts[role];
    if (account === undefined) continue;
    const actor = await enter(run, role, account);
    if (actor === null) problems.push(`account ${role} could not be signed in`);
    else actors[role] = actor;
  }
  if (blank.crawled !== null) run = await crawlAgain(run, blank.basePath, actors);
  for (const actor of Object.values(actors))
    actors[actor.role as AccountRole] = await identify(run, actor);
  if (a !== undefined && actors.a === undefined)
    problems.push('without account A nothing can be compared');
  run = { ...run, actors: { ...NOBODY, ...withoutShared(actors) } };
  const views = await look(run);
  const chosen = chooseAll(run, learned?.chosen ?? null);
  run = {
    ...run,
    knowledge: {
      ...EMPTY,
      reads: views.a?.granted ?? [],
      views: grantedOf(views),
      chosen,
      untried: untriedOf(views, run.operations),
    },
  };
  learning.run = run;
  if (run.actors.a !== null) {
    const control = await findControl(run, run.actors.a);
    const matrix = matrixOf(views);
    run = {
      ...run,
      knowledge: {
        ...run.knowledge,
        matrix,
        control: control?.granted ?? null,
        chosen: control?.chosen ? { ...chosen, 'who-am-i': control.chosen } : chosen,
      },
    };
    learning.run = run;
    if (control === null) problems.push('no read tells account A from nobody');
    else learning.run = await learnObjects(await withSynchronizers(run), views);
  }
}

/** By the document first; where that describes no sign-in, by the forms of the target's pages. */
async function learnSignIn(
  blank: Blank,
  account: Extract<Account, { kind: 'password' }>,
): Promise<LearnedAccess> {
  const forms = blank.crawled?.signIns ?? [];
  const learned = await learnAccess(blank, account, blank.schemes, forms);
  if (learned.problem === null || blank.crawled !== null) return learned;
  const { signIns } = await crawl(blank.probe, blank.basePath);
  if (signIns.length === 0) return learned;
  return await learnAccess(blank, account, blank.schemes, signIns);
}

/** Accounts of the audit's own where none was given, as far as the target gives any to anybody. */
async function withRegistered(blank: Blank, given: Accounts): Promise<Accounts> {
  const isEnough = given.a !== undefined && (given.b ?? given.stranger) !== undefined;
  if (isEnough || !blank.settings.allowWrites) return given;
  const run: Run = { ...blank, access: NO_WAYS, knowledge: EMPTY, actors: NOBODY };
  const a = given.a ?? (await registered(run));
  const b = a === null ? null : (given.b ?? given.stranger ?? (await registered(run)));
  if (a === null || b === null) return given;
  blank.progress('accounts that were not given were registered');
  return given.stranger === undefined ? { ...given, a, b } : { ...given, a };
}

const NOBODY: Actors = { a: null, b: null, stranger: null, superior: null };

const EMPTY: Knowledge = {
  chosen: {},
  control: null,
  reads: [],
  views: {},
  planted: [],
  recipes: [],
  objects: [],
  writes: [],
  untried: [],
  matrix: new Map(),
};

async function enter(run: Run, role: AccountRole, account: Account): Promise<Actor | null> {
  if (account.kind === 'fixed') {
    const { credential } = account;
    keepSecrets(run, role, credential);
    const ambient =
      Object.keys(credential.headers).length === 0 && Object.keys(credential.cookies).length > 0
        ? credential
        : null;
    return { role, account, credential, ambient, identity: [], tenant: null };
  }
  run.secrets.add(`${role.toUpperCase()}_PASSWORD`, account.password);
  if (run.access.basic) {
    const credential = basicCredential(account.username, account.password);
    keepSecrets(run, role, credential);
    return { role, account, credential, ambient: credential, identity: [], tenant: null };
  }
  const session = await openSession(run, account, role);
  if (session === null) return null;
  const { credential, ambient } = session;
  return { role, account, credential, ambient, identity: [], tenant: null };
}

function keepSecrets(run: Run, role: string, credential: Credential): void {
  for (const part of [credential.headers, credential.cookies, credential.query]) {
    for (const value of Object.values(part)) {
      run.secrets.add(`${role.toUpperCase()}_CREDENTIAL`, value.replace(/^[A-Za-z]+ /, ''));
    }
  }
}

/** Pages that only the signed-in are led to. */
async function crawlAgain(
  run: Run,
  basePath: string,
  actors: Partial<Record<AccountRole, Actor>>,
): Promise<Run> {
  const operations = new Map(run.operations.map((one) => [one.id, one]));
  for (const { credential, role } of Object.values(actors)) {
    const found = await crawl(run.probe, basePath, credential, role);
    for (const one of found.operations) operations.set(one.id, operations.get(one.id) ?? one);
  }
  run.progress(`${operations.size} operations on pages`);
  return { ...run, operations: [...operations.values()] };
}

/** Values that two accounts share name neither. */
function withoutShared(
  actors: Partial<Record<AccountRole, Actor>>,
): Partial<Record<AccountRole, Actor>> {
  const all = Object.values(actors);
  const isShared = (value: string) =>
    all.filter(({ identity }) => identity.includes(value)).length > 1;
  return Object.fromEntries(
    all.map((actor) => [
      actor.role,
      { ...actor, identity: actor.identity.filter((value) => !isShared(value)) },
    ]),
  );
}

/** What every account, and nobody, finds by itself. */
async function look(run: Run): Promise<Partial<Record<ActorRole, View>>> {
  const views: Partial<Record<ActorRole, View>> = {};
  for (const actor of [...Object.values(run.actors), ANONYMOUS]) {
    if (actor === null) continue;
    const view = newView(actor, run.operations);
    await readAll(run, view, run.operations);
    views[actor.role as ActorRole] = view;
    run.progress(`${actor.role}: ${view.granted.length} reads`);
  }
  return views;
}

function matrixOf(views: Partial<Record<ActorRole, View>>): Knowledge['matrix'] {
  const matrix = new Map<string, Partial<Record<ActorRole, Access>>>();
  for (const [role, view] of Object.entries(views) as [ActorRole, View][]) {
    const put = (id: string, access: Access) =>
      matrix.set(id, { ...matrix.get(id), [role]: access });
    for (const [id, exchange] of view.refused) put(id, isRefused(exchange) ? 'refused' : 'unclear');
    for (const { call, exchange } of view.granted) {
      if (isGranted(exchange)) put(call.operation.id, 'granted');
    }
  }
  return matrix;
}

function chooseAll(run: Run, signIn: Chosen | null): Knowledge['chosen'] {
  const purposes: readonly Purpose[] = [
    'sign-out',
    'registration',
    'password-change',
    'recovery-start',
    'recovery-finish',
    'refresh',
  ];
  const chosen: Partial<Record<Purpose, Chosen>> = signIn === null ? {} : { 'sign-in': signIn };
  for (const purpose of purposes) {
    const [best] = choicesFor(run, purpose);
    if (best !== undefined) chosen[purpose] = best;
  }
  return chosen;
}

/** Where cookies sign in, tokens against cross-site requests are looked for in A's reads. */
async function withSynchronizers(run: Run): Promise<Run> {
  const paths = run.knowledge.reads
    .filter(({ exchange }) => tokenIn(exchange, null) !== null)
    .map(({ exchange }) => exchange.request.path);
  if (paths.length === 0 || run.actors.a?.ambient === null) return run;
  const control = run.knowledge.control?.exchange.request.path;
  const path = paths.find((one) => one === control) ?? paths[0];
  const access = { ...run.access, synchronizerPaths: path === undefined ? [] : [path] };
  const asking = { ...run, access };
  const actors: Partial<Record<AccountRole, Actor>> = {};
  for (const role of ACCOUNT_ROLES) {
    const actor = run.actors[role];
    if (actor === null) continue;
    const credential = await withSynchronizer(asking, actor.credential, null, role);
    actors[role] = { ...actor, credential, ambient: withTokenOf(actor.ambient, credential) };
  }
  return { ...asking, actors: { ...run.actors, ...actors } };
}
