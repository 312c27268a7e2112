import { type Budget, secondsUntilAll, spendBudgets } from '../db/budgets.ts';
import {
  consumeProviderFlow,
  findProviderFlow,
  insertProviderFlow,
  type ProviderFlow,
  type ProviderVisit,
} from '../db/provider-flows.ts';
import type { Caller } from '../db/security-events.ts';
import type { Core } from './core.ts';
import {
  type Provider,
  ProviderAnswerError,
  type ProviderIdentity,
  type Providers,
  ProviderUnreachableError,
  type Visit,
} from './providers.ts';
import { digestOf, flowDigestOf, flowValuesOf, newSecret, type Secret } from './secret.ts';
import { TooManyAttemptsError } from './too-many-attempts.ts';

/** A browser that is about to leave for a provider. */
export interface Departure {
  /** For the cookie of this one browser. */
  readonly flow: Secret;
  /** Where it is sent. */
  readonly url: string;
}

/** What the browser brought back, as it stands in the address. */
export interface Returned {
  readonly state?: string | undefined;
  readonly code?: string | undefined;
  readonly iss?: string | undefined;
}

/** Why a visit came to nothing; the caller's answer is of the same name. */
export type VisitRefusal = 'sign-in-over' | 'provider-refused' | 'provider-unreachable';

/** Visits an hour that one network can begin: each is a row, and may be a request to a provider. */
const BEGUN_AN_HOUR = 600;

/**
 * Begins a visit to a provider: from this browser, for one purpose, for ten minutes.
 * @throws TooManyAttemptsError when the network has begun too many.
 */
export async function beginVisit(
  core: Core,
  provider: Provider,
  visit: Omit<ProviderFlow, 'issuer'>,
  redirectUri: string,
  caller: Caller,
): Promise<Departure | 'provider-unreachable'> {
  await countVisit(core, caller);
  const flow = newSecret();
  const anew = visit.purpose === 're-authentication';
  const asked = { ...flowValuesOf(flow), redirectUri, anew };
  try {
    const url = await providersOf(core).authorizationUrl(provider, asked);
    const row = { ...visit, issuer: provider.issuer };
    await core.database.transaction((tx) => insertProviderFlow(tx, flowDigestOf(flow), row));
    return { flow, url };
  } catch (error) {
    if (isProvidersFault(error)) return 'provider-unreachable';
    throw error;
  }
}

/** What this browser's visit is for, as far as it was begun here; it is not used up. */
export async function findVisit(
  core: Core,
  flow: Secret | null,
  provider: Provider,
  state: string | undefined,
): Promise<ProviderFlow | undefined> {
  if (!flow || !isState(state, flow)) return undefined;
  const digest = flowDigestOf(flow);
  return await core.database.transaction((tx) => findProviderFlow(tx, digest, provider.issuer));
}

/**
 * Ends a visit: whose account at the provider it is. It must have been begun by this browser, whose
 * cookie the state follows from; with this provider, for this purpose and in this session; and it
 * is used up before the provider is asked, so that no answer counts twice (R-14, R-15, CWE-352).
 */
export async function endVisit(
  core: Core,
  flow: Secret | null,
  provider: Provider,
  use: Omit<ProviderVisit, 'issuer'>,
  returned: Returned,
  redirectUri: string,
): Promise<
  { readonly account: ProviderIdentity; readonly returnTo: string | null } | VisitRefusal
> {
  if (!flow) return 'sign-in-over';
  if (!isState(returned.state, flow)) return 'sign-in-over';
  const visit = { ...use, issuer: provider.issuer };
  const consumed = await core.database.transaction((tx) =>
    consumeProviderFlow(tx, flowDigestOf(flow), visit),
  );
  if (!consumed) return 'sign-in-over';
  const { code, iss } = returned;
  if (code === undefined) return 'provider-refused';
  const asked: Visit = {
    ...flowValuesOf(flow),
    redirectUri,
    anew: use.purpose === 're-authentication',
  };
  try {
    const account = await providersOf(core).redeem(provider, asked, { code, iss });
    return { account, returnTo: consumed.returnTo };
  } catch (error) {
    return refusalOf(error);
  }
}

/** What an error of a provider is to whoever waits. @throws what is no such error. */
export function refusalOf(error: unknown): 'provider-refused' | 'provider-unreachable' {
  if (error instanceof ProviderUnreachableError) return 'provider-unreachable';
  if (error instanceof ProviderAnswerError) return 'provider-refused';
  throw error;
}

/** Digests are compared, so that the time tells nothing of where a guess differs (CWE-208). */
function isState(given: string | undefined, flow: Secret): boolean {
  return given !== undefined && digestOf(given) === digestOf(flowValuesOf(flow).state);
}

function isProvidersFault(error: unknown): boolean {
  return error instanceof ProviderUnreachableError || error instanceof ProviderAnswerError;
}

function providersOf(core: Core): Providers {
  if (!core.providers) throw new Error('no provider is configured');
  return core.providers;
}

async function countVisit(core: Core, { network }: Caller): Promise<void> {
  const kind = 'provider-network';
  const digest = digestOf(`${kind} ${network}`);
  const budget: Budget = { kind, digest, quota: BEGUN_AN_HOUR, seconds: 3_600, secondsMax: 3_600 };
  await core.database.countingTransaction(async (tx) => {
    if ((await spendBudgets(tx, [budget])).length === 1) return;
    throw new TooManyAttemptsError(Math.max(1, await secondsUntilAll(tx, [digest])));
  });
}
