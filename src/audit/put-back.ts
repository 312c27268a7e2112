import type { Actor } from './actor.ts';
import type { ProvenWrite } from './knowledge.ts';
import { type Run, send } from './run.ts';

/**
 * Gives an object of A's the values back that it had, so that checks that come later find what was
 * planted in it. What creates something has nothing to give back.
 */
export async function putBack(run: Run, a: Actor, { granted, kind }: ProvenWrite): Promise<void> {
  if (kind === 'changes') await send(run, granted.call, a);
}
