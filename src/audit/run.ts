import type { Actor, ActorRole, Credential } from './actor.ts';
import { type Call, type Changes, requestOf } from './call.ts';
import { type Exchange, isGranted } from './exchange.ts';
import type { Access, Knowledge, Purpose } from './knowledge.ts';
import type { Operation } from './operation.ts';
import type { Probe } from './probe.ts';
import type { Secrets } from './secrets.ts';
import type { SignInWay } from './sign-in.ts';
import { tokenIn } from './synchronizer.ts';
import { cookiesOf, type Transport } from './transport.ts';

/** What the person who runs the audit allows, and how patient they are. */
export interface Settings {
  /** Whether objects may be created, changed and deleted. */
  readonly allowWrites: boolean;
  /** Whether real Chromium may prove what a browser would do. */
  readonly browser: boolean;
  /** How long a check may wait for something to expire or to take effect, in seconds. */
  readonly waitSecondsMax: number;
  /** Wrong passwords sent in a row to one account. */
  readonly signInAttempts: number;
}

/** The accounts that are signed in. */
export interface Actors {
  readonly a: Actor | null;
  readonly b: Actor | null;
  readonly stranger: Actor | null;
  readonly superior: Actor | null;
}

/** How accounts get in, learned by trying. */
export interface AccessWays {
  /** How a session is opened; null where every credential was given. */
  readonly signIn: SignInWay | null;
  /** How what a sign-in gives is carried; null as above. */
  readonly transport: Transport | null;
  /** The same for what a browser sends by itself, where that is enough. */
  readonly ambient: Transport | null;
  /** Whether name and password go with every request. RFC 7617. */
  readonly basic: boolean;
  /** Where tokens against cross-site requests are got, asked once for each session. */
  readonly synchronizerPaths: readonly string[];
  /** The header for them that the document names, or null. */
  readonly synchronizerHeader: string | null;
}

/** By operation and role. */
export type ExpectedMatrix = Readonly<Record<string, Readonly<Partial<Record<ActorRole, Access>>>>>;

/** All that a check has: the target as it was understood, the accounts, and the way to send. */
export interface Run {
  readonly origin: string;
  readonly settings: Settings;
  readonly operations: readonly Operation[];
  readonly actors: Actors;
  readonly access: AccessWays;
  readonly knowledge: Knowledge;
  /** Who is to be answered what, as a person has reviewed it; null before that. */
  readonly expected: ExpectedMatrix | null;
  /** Operations that a person has named for a purpose, by id. */
  readonly pinned: Readonly<Partial<Record<Purpose, string>>>;
  readonly probe: Probe;
  readonly secrets: Secrets;
  /**
   * A value that was never sent before and is found nowhere by chance, to plant and to look for.
   * Letters and digits only, 20 of them; begins with `sp`.
   */
  readonly canary: () => string;
  /** The time, for what expires. */
  readonly now: () => Date;
  /** One line for whoever watches. */
  readonly progress: (line: string) => void;
}

/**
 * Sends a call with a credential, or with an actor's. What an answer to an actor changes about its
 * session (a rotated cookie, another token against cross-site requests) the actor keeps, as a
 * browser would.
 */
export async function send(
  run: Pick<Run, 'probe' | 'origin'> & Partial<Pick<Run, 'actors'>>,
  call: Call,
  as: Actor | { readonly label: string; readonly credential: Credential },
  changes: Changes = {},
  manner: 'patient' | 'impatient' = 'patient',
): Promise<Exchange> {
  const label = 'role' in as ? as.role : as.label;
  const request = requestOf(call, as.credential, run.origin, changes);
  const exchange = await run.probe.send(request, label, manner);
  if (isGranted(exchange)) run.probe.reached.add(call.operation.id);
  const owner = 'role' in as ? as : ownerOf(run.actors, as.credential);
  if (owner !== null) keepSession(owner, exchange);
  return exchange;
}

/** The actor whose session a credential is of, whatever a check has changed about the rest. */
function ownerOf(actors: Actors | undefined, { cookies }: Credential): Actor | null {
  const values = Object.values(cookies);
  if (actors === undefined || values.length === 0) return null;
  const all: readonly (Actor | null)[] = [actors.a, actors.b, actors.stranger, actors.superior];
  const isOf = (actor: Actor) =>
    Object.entries(actor.credential.cookies).every(([name, value]) => cookies[name] === value);
  return (
    all.find(
      (one) => one !== null && Object.keys(one.credential.cookies).length > 0 && isOf(one),
    ) ?? null
  );
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Only an actor's own cookies change, and only to other values: one that was deleted stays. */
function keepSession(actor: Actor, exchange: Exchange): void {
  const { credential, ambient } = actor;
  if (Object.keys(credential.cookies).length === 0) return;
  const set = cookiesOf(exchange.answer?.setCookies ?? []);
  const cookies = Object.fromEntries(
    Object.entries(credential.cookies).map(([name, value]) => [name, set[name] ?? value]),
  );
  const { synchronizer: before } = credential;
  const given =
    before === null ? null : tokenIn(exchange, before.in === 'header' ? before.name : null);
  const named = Object.keys(set).find((name) => name === before?.cookie || /csrf|xsrf/i.test(name));
  const inCookie = named === undefined ? undefined : set[named];
  const value = given?.value ?? inCookie ?? before?.value ?? '';
  const synchronizer = before === null ? null : { ...before, value };
  const renewed = { cookies, synchronizer };
  const writable: Writable<Actor> = actor;
  writable.credential = { ...credential, ...renewed };
  if (ambient !== null) writable.ambient = { ...ambient, ...renewed };
}
