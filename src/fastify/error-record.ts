/** An error as the log keeps it. */
interface ErrorRecord {
  readonly [name: string]: unknown;
  readonly type: string;
  readonly message: string;
  readonly stack: string;
  /** A SQLSTATE, or the code of a system call, of Fastify, of the mail server. */
  readonly code?: string;
  readonly constraint?: string;
  readonly cause?: ErrorRecord;
}

const CAUSES_MAX = 5;

/**
 * Takes from an error what tells the operator where to look, and nothing else that it carries: the
 * database's errors quote the row that failed, with its hash, and the statement. CWE-532,
 * ASVS 16.2.5.
 */
export function errorRecord(error: unknown, depth = 0): ErrorRecord {
  if (!(error instanceof Error)) {
    return { type: typeof error, message: 'not an error', stack: '' };
  }
  const { message, stack = '', cause } = error;
  const { code, constraint } = error as Error & { code?: unknown; constraint?: unknown };
  return {
    type: error.constructor.name,
    message,
    stack,
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof constraint === 'string' ? { constraint } : {}),
    ...(cause instanceof Error && depth < CAUSES_MAX
      ? { cause: errorRecord(cause, depth + 1) }
      : {}),
  };
}
