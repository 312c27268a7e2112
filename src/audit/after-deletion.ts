import type { Actor } from './actor.ts';
import type { Call } from './call.ts';
import { compose } from './creation.ts';
import type { Exchange } from './exchange.ts';
import type { Operation } from './operation.ts';
import type { View } from './reads.ts';
import type { Run } from './run.ts';
import { openSession, whoIs } from './sessions.ts';
import { isOnly, type Throwaway, throwaway, viewOf } from './throwaway.ts';
import { inconclusive, notTested, sound, step, type Verdict } from './verdict.ts';
import { describeWindow, measureWindow, severityOf } from './window.ts';
import { isPasswordField, PEOPLE, wordsOf } from './words.ts';

const SUBJECT = 'after an account was deleted';

/**
 * Has an account of the audit's own, deletes it (by itself, or by the superior), makes sure that it
 * signs in no more, and tries the session that it had.
 */
export async function afterDeletion(run: Run): Promise<Verdict> {
  const deletions = run.operations.filter(deletesAccount);
  if (deletions.length === 0) return notTested(SUBJECT, 'no operation deletes an account');
  const gone = await throwaway(run, 'deleted');
  if (gone === null) {
    return notTested(
      SUBJECT,
      'it takes an account that the audit may register, or the superior make',
    );
  }
  const view = await viewOf(run, gone);
  for (const operation of deletions) {
    for (const actor of operation.path.includes('{')
      ? [gone.actor, run.actors.superior]
      : [gone.actor]) {
      if (actor === null) continue;
      const deletion = await deleteBy(run, actor, operation, gone, view);
      if (deletion === null) continue;
      if ((await openSession(run, gone.actor.account, 'deleted')) !== null) continue;
      return await judge(run, gone, operation, deletion);
    }
  }
  return notTested(SUBJECT, 'no operation deleted an account that was made for it');
}

function deletesAccount(operation: Operation): boolean {
  const { method, path } = operation;
  const parts = path.split('/').filter((part) => part !== '' && !part.includes('{'));
  const words = parts.flatMap(wordsOf).join(' ');
  if (method === 'DELETE') {
    return PEOPLE.test(wordsOf(parts.at(-1) ?? '').join(' ')) && path.split('{').length <= 2;
  }
  return method === 'POST' && !path.includes('{') && PEOPLE.test(words) && /\bdelete$/.test(words);
}

async function deleteBy(
  run: Run,
  actor: Actor,
  operation: Operation,
  gone: Throwaway,
  view: View,
): Promise<Exchange | null> {
  const { account } = gone.actor;
  const lookup = (name: string) =>
    isPasswordField(name) && account.kind === 'password' ? account.password : undefined;
  const isTheirs = (call: Call) => isOnly(gone, view, call);
  const { sent } = await compose(run, actor, operation, view.pool, lookup, isTheirs);
  return sent?.exchange ?? null;
}

async function judge(
  run: Run,
  { actor, seen }: Throwaway,
  operation: Operation,
  deletion: Exchange,
): Promise<Verdict> {
  const { credential } = actor;
  const window = await measureWindow(run, async () => {
    const { is, exchange } = await whoIs(run, credential, actor, 'deleted');
    return is === 'unclear' || exchange === null ? null : { granted: is === 'signed-in', exchange };
  });
  if (window === 'closed')
    return sound(operation.id, 'the session of a deleted account is refused');
  if (window === 'unclear') {
    return inconclusive(operation.id, 'the session of a deleted account cannot be judged');
  }
  return {
    verdict: 'finding',
    cause: 'sessions outlive their account',
    severity: severityOf(window, credential, run),
    confidence: 'confirmed',
    title: `A session goes on working after its account was deleted (${operation.id})`,
    detail: `The account signs in no more, yet the session that it had was accepted ${describeWindow(window, credential, run)}.`,
    subjects: [operation.id],
    evidence: [
      step('the account is deleted', deletion),
      step('its session still works', window.exchange),
    ],
    controls: [step('it worked before', seen)],
  };
}
