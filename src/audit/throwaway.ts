import type { Account, Actor } from './actor.ts';
import type { Call } from './call.ts';
import { identify } from './control.ts';
import type { Exchange } from './exchange.ts';
import { madeBySuperior, registered } from './registering.ts';
import { keep, newView, type View } from './reads.ts';
import { type Run, send } from './run.ts';
import { openSession, whoIs } from './sessions.ts';
import { PEOPLE, wordsOf } from './words.ts';

/** An account that was registered for one attempt, and its session. */
export interface Throwaway {
  readonly actor: Actor & { readonly account: NonNullable<Actor['account']> };
  readonly username: string;
  /** The control as it answers this account. */
  readonly seen: Exchange;
}

/**
 * An account to be renamed or deleted: nothing of the given ones may be. Whoever asks may have it,
 * or the superior makes it. Null where neither is so, or where it does not sign in, as after a
 * registration that a mail has to confirm.
 */
export async function throwaway(
  run: Run,
  label: string,
  username: string | null = null,
): Promise<Throwaway | null> {
  if (!run.settings.allowWrites) return null;
  for (const way of [registered, madeBySuperior]) {
    const account = await way(run, username);
    const found = account === null ? null : await entered(run, label, account);
    if (found !== null) return found;
  }
  return null;
}

async function entered(
  run: Run,
  label: string,
  account: Extract<Account, { kind: 'password' }>,
): Promise<Throwaway | null> {
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

/** What is known of the account's own ids: from its who-am-I, and from lists of the superior's. */
export async function viewOf(run: Run, { actor, username, seen }: Throwaway): Promise<View> {
  const view = newView(actor, run.operations);
  view.planted.push(username);
  const { control } = run.knowledge;
  if (control !== null) keep(view, control.call, seen);
  const { superior } = run.actors;
  for (const { call } of run.knowledge.views.superior ?? []) {
    if (superior === null || call.operation.path.includes('{')) continue;
    if (!PEOPLE.test(wordsOf(call.operation.path).join(' '))) continue;
    keep(view, call, await send(run, call, superior));
  }
  return view;
}

/** Whether a call names this account alone: by ids beside the name which nobody else has. */
export function isOnly({ username }: Throwaway, { pool }: View, { path }: Call): boolean {
  return Object.values(path).every(
    (value) => value === username || pool.some((one) => one.isCreated && one.value === value),
  );
}
