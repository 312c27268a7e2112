import type { Actor } from './actor.ts';
import type { Run } from './run.ts';
import { whoIs } from './sessions.ts';
import { type Inconclusive, inconclusive, step } from './verdict.ts';

/**
 * Null where A is still answered as A. Else what a check has to say: refusals of somebody who is no
 * longer signed in, or of a target that is no longer well, show no defence.
 */
export async function lostSession(
  run: Run,
  a: Actor,
  subject: string,
): Promise<Inconclusive | null> {
  const { is, exchange } = await whoIs(run, a.credential, a, 'a');
  if (is === 'signed-in') return null;
  const steps = exchange === null ? [] : [step('A reads who it is', exchange)];
  return inconclusive(subject, 'A is no longer answered as A', ...steps);
}
