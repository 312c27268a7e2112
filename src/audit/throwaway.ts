import type { Actor } from './actor.ts';
import { identify } from './control.ts';
import type { Exchange } from './exchange.ts';
import { registered } from './registering.ts';
import type { Run } from './run.ts';
import { openSession, whoIs } from './sessions.ts';

/** An account that was registered for one attempt, and its session. */
export interface Throwaway {
  readonly actor: Actor & { readonly account: NonNullable<Actor['account']> };
  readonly username: string;
  /** The control as it answers this account. */
  readonly seen: Exchange;
}

/**
 * An account to be renamed or deleted: nothing of the given ones may be. Null where nobody may have
 * one, or where it does not sign in, as after a registration that a mail has to confirm.
 */
export async function throwaway(
  run: Run,
  label: string,
  username: string | null = null,
): Promise<Throwaway | null> {
  if (!run.settings.allowWrites || run.knowledge.chosen.registration === undefined) return null;
  const account = await registered(run, username);
  if (account?.kind !== 'password') return null;
  run.secrets.add(`${label.toUpperCase()}_PASSWORD`, account.password);
  const session = await openSession(run, account, label);
  if (session === null) return null;
  const { credential, ambient } = session;
  const blank: Actor = { role: 'a', account, credential, ambient, identity: [], tenant: null };
  const actor = { ...(await identify(run, blank)), account };
  const { is, exchange } = await whoIs(run, credential, actor, label);
  if (is !== 'signed-in' || exchange === null) return null;
  return { actor, username: account.username, seen: exchange };
}
