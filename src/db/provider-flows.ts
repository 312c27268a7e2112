import { sql } from 'kysely';
import type { Tx } from './transaction.ts';

/** What a browser was sent to a provider for. */
export type ProviderPurpose = 'sign-in' | 'link' | 're-authentication';

export interface ProviderFlow {
  readonly purpose: ProviderPurpose;
  readonly issuer: string;
  /** The session that it was begun in; null of a sign-in, which has none. */
  readonly sessionId: string | null;
  readonly returnTo: string | null;
}

/** Notes that a browser is sent to a provider, for ten minutes. */
export async function insertProviderFlow(
  tx: Tx,
  digest: string,
  flow: ProviderFlow,
): Promise<void> {
  await tx
    .insertInto('sallyport.provider_flows')
    .values({
      digest,
      purpose: flow.purpose,
      issuer: flow.issuer,
      session_id: flow.sessionId,
      return_to: flow.returnTo,
      expires_at: sql<Date>`now() + INTERVAL '10 minutes'`,
    })
    .execute();
}

const COLUMNS = ['purpose', 'issuer', 'session_id as sessionId', 'return_to as returnTo'] as const;

/** A visit under way, for the page that it comes back to; it is not used up. */
export async function findProviderFlow(
  tx: Tx,
  digest: string,
  issuer: string,
): Promise<ProviderFlow | undefined> {
  return await tx
    .selectFrom('sallyport.provider_flows')
    .where('digest', '=', digest)
    .where('issuer', '=', issuer)
    .where('expires_at', '>', sql<Date>`now()`)
    .select(COLUMNS)
    .executeTakeFirst();
}

/** What a visit may be used for: this provider, this purpose, and the session that began it. */
export interface ProviderVisit {
  readonly issuer: string;
  readonly purpose: ProviderPurpose;
  readonly sessionId: string | null;
}

/** Uses a visit up, once: undefined where it is another's, expired, or was used before. */
export async function consumeProviderFlow(
  tx: Tx,
  digest: string,
  { issuer, purpose, sessionId }: ProviderVisit,
): Promise<ProviderFlow | undefined> {
  return await tx
    .deleteFrom('sallyport.provider_flows')
    .where('digest', '=', digest)
    .where('issuer', '=', issuer)
    .where('purpose', '=', purpose)
    .where('session_id', sessionId === null ? 'is' : '=', sessionId)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning(COLUMNS)
    .executeTakeFirst();
}
