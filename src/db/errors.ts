/** Why the database refused what a request asked for. */
export type Refusal =
  | 'not-signed-in'
  | 'forbidden'
  | 'not-found'
  | 'tenant-not-selected'
  | 'tenant-deleted'
  | 'synchronizer-token-mismatch'
  | 'step-up-required'
  | 'second-factor-required'
  | 'second-factor-missing'
  | 'tenant-proof-required'
  | 'tenant-factor-missing';

/** No connection to the database, or it is shutting down: nothing of the work was committed. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
}

/**
 * The connection was lost, or the cluster answered 40003, while a COMMIT was under way: the work
 * may have been committed or not. Only work that is the same when done twice may be tried again.
 */
export class UnknownOutcomeError extends Error {
  override readonly name = 'UnknownOutcomeError';
}

/** The same work met a serialization failure more often than the retry loop allows. */
export class TooMuchContentionError extends Error {
  override readonly name = 'TooMuchContentionError';
}

/** This database was first used with another encryption key. */
export class OtherKeyError extends Error {
  override readonly name = 'OtherKeyError';
}

/** A statement of a batch was a BEGIN or the like; its connection was given up. */
export class OpenTransactionError extends Error {
  override readonly name = 'OpenTransactionError';
}

/** The database decided, in the middle of a request, that it may not go on. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  /** What a request that begins now would be refused with, such as `not-signed-in`. */
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(`the request was refused: ${refusal}`);
    this.refusal = refusal;
  }
}

/** A GET, HEAD or OPTIONS tried to change something. */
export class SafeMethodError extends Error {
  override readonly name = 'SafeMethodError';
}

/** A query for a request that has been answered, or whose client has gone. */
export class RequestOverError extends Error {
  override readonly name = 'RequestOverError';
}

/** A statement that the first wall cannot keep to one tenant; it was not sent. */
export class UnscopedQueryError extends Error {
  override readonly name = 'UnscopedQueryError';
}

/**
 * Why a connection could not be had, for the person who runs the process: what the server answered,
 * which names the role and the database and never a password, or the operating system's word.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof DatabaseUnavailableError && error.cause) return reasonOf(error.cause);
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : 'unknown';
}

/** The SQLSTATE of an error that the server sent, else undefined. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, severity } = error as Error & { code?: unknown; severity?: unknown };
  return typeof code === 'string' && severity !== undefined ? code : undefined;
}

/** A row with this key is there already: somebody was quicker. */
export function isUniqueViolation(error: unknown): boolean {
  return sqlState(error) === '23505';
}

/**
 * 40001 is the retry error of both engines; 40P01 a deadlock, of which PostgreSQL ends one side.
 */
export function isSerializationFailure(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01';
}

/** 40003, `result is ambiguous`, which CockroachDB sends when a commit's fate is unknown. */
export function isAmbiguous(error: unknown): boolean {
  return sqlState(error) === '40003';
}

/**
 * The server's own word that this connection ends: class 08, shutdown, or no connection to spare.
 */
export function isShutdown(error: unknown): boolean {
  const state = sqlState(error) ?? '';
  return state.startsWith('08') || ['57P01', '57P02', '57P03', '57P05', '53300'].includes(state);
}

/** A named statement that this connection no longer has, or whose table has changed shape. */
export function isStalePreparedStatement(error: unknown): boolean {
  const state = sqlState(error);
  return state === '26000' || state === '0A000';
}
