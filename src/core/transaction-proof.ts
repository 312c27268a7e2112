import { randomBytes } from 'node:crypto';
import { type Authorized, type Requirement, runAuthorized } from '../db/authorization.ts';
import type { Statement } from '../db/batch.ts';
import { insertTransactionProof } from '../db/transaction-proofs.ts';
import type { Core } from './core.ts';
import { digestOf } from './secret.ts';

/** Long enough for a request, and for one that waits for a connection of the application's pool. */
const PROOF_SECONDS = 20;

export interface TransactionProof {
  /** A secret, for the application that the login is of and nobody else. */
  readonly text: string;
  /** What makes it one: to run behind the decision on the request, as sallyport_identity. */
  readonly statement: Statement;
}

/**
 * With this an application that signs in to the database as `login` carries out transactions for
 * whoever a request is for, in the request's tenant, for 20 seconds and as long as the session or
 * the bearer credential of the request lives. It is nothing but that: no session, and no proof that
 * a session or another proof is made with. Only its digest is stored.
 */
export function newTransactionProof(
  { proof, bearer }: Pick<Requirement, 'proof' | 'bearer'>,
  login: string,
): TransactionProof {
  // A bearer's begins as its credential's own does: whatever asks for a person refuses it too.
  const kind = bearer ? 'bearer transaction' : 'transaction';
  const text = `${kind} ${randomBytes(32).toString('hex')}`;
  const row = { proofDigest: digestOf(text), login, seconds: PROOF_SECONDS };
  const statement = insertTransactionProof(row, bearer ? 'credential' : 'session', digestOf(proof));
  return { text, statement };
}

/**
 * Decides on a request and makes a transaction proof for it, in one flush: where it is refused
 * there is none.
 */
export async function authorizeWithProof(
  core: Core,
  requirement: Omit<Requirement, 'role'>,
  login: string,
): Promise<
  | (Exclude<Authorized, { readonly refusal: unknown }> & { readonly proof: string })
  | Extract<Authorized, { readonly refusal: unknown }>
> {
  const { text, statement } = newTransactionProof(requirement, login);
  const role = 'sallyport_identity';
  const authorized = await runAuthorized(core.database, { ...requirement, role }, [statement]);
  return 'refusal' in authorized ? authorized : { ...authorized, proof: text };
}
