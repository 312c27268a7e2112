import { guardedReads } from './after-demotion.ts';
import type { Actor, Credential } from './actor.ts';
import {
  changeRole,
  giveBy,
  giveRole,
  type Giving,
  isListed,
  makeRole,
  poolOf,
  type Role,
  roleOfB,
  type RoleRun,
} from './custom-roles.ts';
import { describe, type Exchange, isGranted, isRefused } from './exchange.ts';
import type { Granted } from './knowledge.ts';
import { addsRole, roleOperations } from './role-operations.ts';
import { type Run, send } from './run.ts';
import { openSession } from './sessions.ts';
import { inconclusive, notTested, sound, step, type Step, type Verdict } from './verdict.ts';
import { describeWindow, measureWindow, severityOf } from './window.ts';

const DELETED = 'after a role was deleted';

const RENAMED = 'after a role was renamed';

/**
 * Lets the superior make a role, give it to B, and delete it: what B could do by it must end. Then
 * the name is given to another role: whoever held the deleted one must not hold that.
 */
export async function afterRoleDeletion(run: Run): Promise<Verdict> {
  return await withRole(run, DELETED, async (stage) => {
    const { context, role, read, credential } = stage;
    const { deletion } = context.operations;
    if (deletion === null) return notTested(DELETED, 'no operation deletes a role');
    const { done, refusal } = await changeRole(context, deletion, role);
    if (done === null) {
      return refusal !== null && isRefused(refusal) && refusal.answer?.status !== 404
        ? sound(deletion.id, `a role that somebody has is not deleted: ${describe(refusal)}`)
        : inconclusive(deletion.id, 'the role could not be deleted');
    }
    if ((await isListed(context, String(role.name))) === true) {
      return inconclusive(deletion.id, 'the role is still listed after its deletion');
    }
    const window = await measureWindow(run, async () => {
      const exchange = await send(run, read.call, { label: 'b-with-role', credential });
      return isGranted(exchange) || isRefused(exchange)
        ? { granted: isGranted(exchange), exchange }
        : null;
    });
    if (window === 'unclear') return inconclusive(deletion.id, 'no judgement after the deletion');
    if (window === 'closed')
      return await namesake(stage, deletion.id, step('the role is deleted', done));
    return {
      verdict: 'finding',
      cause: 'roles outlive their deletion',
      severity: severityOf(window, credential, run),
      confidence: 'confirmed',
      title: `What a role permitted goes on being permitted after the role was deleted (${deletion.id})`,
      detail: `B was given a role that was made for it; the role was deleted, and B could still do what only the role permits ${describeWindow(window, credential, run)}.`,
      subjects: [deletion.id],
      evidence: [step('the role is deleted', done), step('B still uses it', window.exchange)],
      controls: stage.controls,
    };
  });
}

/**
 * Lets the superior make a role that permits nothing, give it to B, and rename it; then another
 * role is given the old name. Whoever holds roles by their names holds that one from then on.
 */
export async function afterRoleRenaming(run: Run): Promise<Verdict> {
  return await withRole(run, RENAMED, async (stage) => {
    const { context, giving, read, credential } = stage;
    const { renaming } = context.operations;
    if (renaming === null) return notTested(RENAMED, 'no operation renames a role');
    const made = await makeRole(context, run.canary(), 'nothing');
    if (made === null) return notTested(RENAMED, 'no role that permits nothing could be made');
    stage.made.push(made.role);
    if ((await giveBy(context, giving, made.role)) === null) {
      return inconclusive(renaming.id, 'B was not given the role that is to be renamed');
    }
    const before = await send(run, read.call, { label: 'b-with-role', credential });
    if (!isRefused(before)) {
      return inconclusive(renaming.id, 'with a role that permits nothing B is not refused');
    }
    const name = run.canary();
    const { done } = await changeRole(context, renaming, made.role, name);
    const isOld = await isListed(context, String(made.role.name));
    if (done === null || isOld === true || (await isListed(context, name)) === false) {
      return notTested(RENAMED, 'a role keeps the name that it was made with');
    }
    // By its name it is found no more.
    const now = { id: made.role.id === made.role.name ? name : made.role.id, name };
    stage.made.splice(stage.made.indexOf(made.role), 1, now);
    const fresh = await openSession(run, context.b.account, 'b-with-role');
    const session = fresh?.credential ?? credential;
    return await namesake(
      {
        ...stage,
        role: made.role,
        credential: session,
        controls: [step('with the role B was refused', before), ...stage.controls],
      },
      renaming.id,
      step('the role is renamed', done),
    );
  });
}

/** What both have in common: a role that was made, B with it, and a read that it permits. */
interface Stage {
  readonly context: RoleRun;
  readonly role: Role;
  /** Roles that are to be deleted again. */
  readonly made: Role[];
  readonly giving: Giving;
  readonly read: Granted;
  /** A session of B's from when it had the role. */
  readonly credential: Credential;
  readonly controls: readonly Step[];
}

async function withRole(
  run: Run,
  subject: string,
  judge: (stage: Stage) => Promise<Verdict>,
): Promise<Verdict> {
  const { superior, b } = run.actors;
  if (superior === null || b === null)
    return notTested(subject, 'it takes B and a superior (--b, --superior)');
  if (!run.settings.allowWrites)
    return notTested(subject, 'writing is not allowed (--allow-writes)');
  const operations = roleOperations(run.operations);
  if (operations === null) return notTested(subject, 'no operation makes a role and gives it');
  const beginning = { run, superior, b, operations, pool: poolOf(run, superior) };
  const own = await roleOfB(beginning);
  const reads = await guardedReads(run, superior, b);
  if (own === null) return notTested(subject, 'the role that B has is not known, to be given back');
  if (reads.length === 0)
    return notTested(subject, 'no read is refused to B and granted to the superior');
  const context: RoleRun = { ...beginning, own };
  const made = await makeRole(context, run.canary(), 'everything');
  if (made === null) return notTested(subject, 'the superior made no role');
  const roles = [made.role];
  let giving: Giving | null = null;
  try {
    for await (const given of giveRole(context, made.role)) {
      giving = given.giving;
      const within = await opened(run, b, reads);
      if (within === null) continue;
      const controls = [
        step('B was refused before', within.read.refused),
        step('B is given a role that was made', given.exchange),
        step('with the role B is granted it', within.exchange),
      ];
      const { read, credential } = within;
      return await judge({
        context,
        role: made.role,
        made: roles,
        giving,
        read,
        credential,
        controls,
      });
    }
    return notTested(subject, 'a role that was made let B read nothing more');
  } finally {
    await putBack(context, giving, roles);
  }
}

/** A read of the superior's that B was refused. */
type Guarded = Granted & { readonly refused: Exchange };

/** A session of B's with the role that was just given, and what it may read by that. */
async function opened(run: Run, b: Actor, reads: readonly Guarded[]) {
  const session = await openSession(run, b.account, 'b-with-role');
  if (session === null) return null;
  const { credential } = session;
  for (const read of reads) {
    const exchange = await send(run, read.call, { label: 'b-with-role', credential });
    if (isGranted(exchange)) return { read, credential, exchange };
  }
  return null;
}

/** Makes another role by a name that was given up, and looks whether B has come by it. */
async function namesake(stage: Stage, subject: string, ended: Step): Promise<Verdict> {
  const { context, role, read, credential, made, controls } = stage;
  const { run, b } = context;
  const still = await send(run, read.call, { label: 'b-with-role', credential });
  if (!isRefused(still)) return inconclusive(subject, 'B is not refused what the role permitted');
  const other = await makeRole(context, String(role.name), 'everything');
  if (other !== null) made.push(other.role);
  if (other === null || (await isListed(context, String(role.name))) === false) {
    return sound(subject, 'it ends at once, and its name is not given again');
  }
  const fresh = await openSession(run, b.account, 'b-with-role');
  for (const one of [credential, ...(fresh === null ? [] : [fresh.credential])]) {
    const after = await send(run, read.call, { label: 'b-with-role', credential: one });
    if (!isGranted(after)) continue;
    return {
      verdict: 'finding',
      cause: 'roles are held by a name that others may take',
      severity: 'medium',
      confidence: 'confirmed',
      title: `Whoever held a role holds the next one of its name (${subject})`,
      detail:
        'A role that B held was deleted or renamed, and B was refused what it did not permit. Then another role was made by the old name, and given to nobody: B could do what that one permits.',
      subjects: [subject],
      evidence: [
        ended,
        step('another role is made by its old name', other.exchange),
        step('B, who was given no other role, is granted it', after),
      ],
      controls: [...controls, step('B was refused before that', still)],
    };
  }
  return sound(subject, 'it ends at once, and another role of its name is not taken for it');
}

/** B has the role that it had, and none is left that was made. */
async function putBack(
  context: RoleRun,
  giving: Giving | null,
  made: readonly Role[],
): Promise<void> {
  const { run, operations } = context;
  run.probe.reserve();
  const { taking } = operations;
  if (giving !== null && addsRole(giving.operation)) {
    for (const role of taking === null ? [] : made) {
      await giveBy(context, { ...giving, operation: taking ?? giving.operation }, role);
    }
  } else if (giving !== null && (await giveBy(context, giving, context.own)) === null) {
    run.progress('Account b could not be given back the role that it had.');
  }
  if (operations.deletion === null) return;
  for (const role of made) await changeRole(context, operations.deletion, role);
}
