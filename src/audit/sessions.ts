import { type Account, type Actor, type Credential } from './actor.ts';
import { isGranted, isRefused } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { shows } from './canary.ts';
import { type Actors, type Run, send } from './run.ts';
import { attemptSignIn, gaveSomething, type SignInAttempt } from './sign-in.ts';
import { carried } from './transport.ts';
import { withSynchronizer, withTokenOf } from './synchronizer.ts';

/** A session that was just opened. */
export interface OpenedSession {
  readonly credential: Credential;
  readonly ambient: Credential | null;
  readonly attempt: SignInAttempt;
}

/** What of a run signing in takes. */
export type SessionRun = Pick<Run, 'probe' | 'origin' | 'secrets' | 'access'>;

/**
 * Opens another session of an account, by its name and password. Null where the account has none,
 * or the target did not accept them: then nothing follows from what comes after.
 */
export async function openSession(
  run: SessionRun,
  account: Account | null,
  as: string,
): Promise<OpenedSession | null> {
  const { signIn, transport } = run.access;
  if (account?.kind !== 'password' || signIn === null || transport === null) return null;
  const attempt = await attemptSignIn(run.probe, signIn, account.username, account.password, {
    as,
  });
  if (!gaveSomething(attempt)) return null;
  return openedBy(run, attempt, as);
}

/** The session of an attempt that gave something, or null where it gave no credential. */
export async function openedBy(
  run: SessionRun,
  attempt: SignInAttempt,
  as: string,
): Promise<OpenedSession | null> {
  const { transport, ambient } = run.access;
  if (transport === null) return null;
  const plain = carried(attempt.given, transport);
  if (plain === null) return null;
  keepSecret(run, as, plain);
  const credential = await withSynchronizer(run, plain, attempt.exchange, as);
  const cookiesAlone = ambient ? carried(attempt.given, ambient) : null;
  if (cookiesAlone !== null) keepSecret(run, as, cookiesAlone);
  return { credential, ambient: withTokenOf(cookiesAlone, credential), attempt };
}

/**
 * What the control operation says of a credential: it is this actor's (`signed-in`), it is nobody's
 * (`refused`), or the answer allows neither (`unclear`: 5xx, 429, somebody else's data).
 */
export async function whoIs(
  run: Run,
  credential: Credential,
  actor: Actor,
  label: string,
): Promise<{
  readonly is: 'signed-in' | 'refused' | 'unclear';
  readonly exchange: Exchange | null;
}> {
  const { control } = run.knowledge;
  if (control === null) return { is: 'unclear', exchange: null };
  const exchange = await send(run, control.call, { label, credential });
  if (isRefused(exchange)) return { is: 'refused', exchange };
  if (!isGranted(exchange)) return { is: 'unclear', exchange };
  const known = actor.identity.filter((value) => value.length >= 3);
  const isOwn = known.some((value) => shows(exchange.answer, value));
  // A control without an identity in it (a list that nobody is refused but the nameless).
  if (!control.actor.identity.some((value) => shows(control.exchange.answer, value))) {
    return { is: 'signed-in', exchange };
  }
  return { is: isOwn ? 'signed-in' : 'refused', exchange };
}

function keepSecret(run: SessionRun, as: string, credential: Credential): void {
  const name = as.replaceAll(/[^a-z0-9]+/gi, '_').toUpperCase();
  for (const [header, value] of Object.entries(credential.headers)) {
    const secret = value.replace(/^[A-Za-z]+ /, '');
    run.secrets.add(
      `${name}_${header.toLowerCase() === 'authorization' ? 'TOKEN' : 'KEY'}`,
      secret,
    );
  }
  for (const value of Object.values(credential.cookies)) run.secrets.add(`${name}_COOKIE`, value);
  for (const value of Object.values(credential.query)) run.secrets.add(`${name}_TOKEN`, value);
}

/**
 * The run with accounts signed in again whose sessions have ended, by an attack or by the clock.
 * One that cannot sign in any more stays as it is: its controls will fail, and say so.
 */
export async function renewed(run: Run): Promise<Run> {
  const actors: Partial<Record<keyof Actors, Actor | null>> = {};
  for (const role of ['a', 'b', 'stranger', 'superior'] as const) {
    const actor = run.actors[role];
    actors[role] = actor;
    if (actor?.account?.kind !== 'password' || run.access.signIn === null) continue;
    const { is } = await whoIs(run, actor.credential, actor, role);
    if (is !== 'refused') continue;
    const session = await openSession(run, actor.account, role);
    if (session === null) continue;
    actors[role] = { ...actor, credential: session.credential, ambient: session.ambient };
  }
  return { ...run, actors: { ...run.actors, ...actors } };
}
