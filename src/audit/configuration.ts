import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { AuditError } from './setup.ts';
import type { Report } from './report.ts';

const access = z.enum(['granted', 'refused', 'unclear']);

const role = z.enum(['a', 'b', 'stranger', 'superior', 'anonymous']);

const purposes = z.enum([
  'sign-in',
  'who-am-i',
  'sign-out',
  'registration',
  'password-change',
  'recovery-start',
  'recovery-finish',
  'refresh',
]);

const schema = z.strictObject({
  document: z.string().optional(),
  accounts: z.partialRecord(z.enum(['a', 'b', 'stranger', 'superior']), z.string()).optional(),
  operations: z.partialRecord(purposes, z.string()).optional(),
  exclude: z.array(z.string()).optional(),
  matrix: z.record(z.string(), z.partialRecord(role, access)).optional(),
  suppressions: z
    .array(
      z.strictObject({ fingerprint: z.string(), reason: z.string().min(1), until: z.iso.date() }),
    )
    .optional(),
});

/** What `sallyport-audit.yaml` says. All of it is optional, and overrides what is guessed. */
export type Configuration = z.output<typeof schema>;

/**
 * Reads the configuration. Throws `AuditError` with the place for what is not known: a misspelt
 * key that were passed over would be a setting that silently does not hold.
 */
export function parseConfiguration(text: string, file: string): Configuration {
  let document: unknown;
  try {
    document = parse(text, { logLevel: 'silent' }) ?? {};
  } catch (error) {
    throw new AuditError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const read = schema.safeParse(document);
  if (read.success) return read.data;
  const lines = read.error.issues.map(
    ({ path, message }) => `${file}: ${path.join('.')}: ${message}`,
  );
  throw new AuditError(lines.join('\n'));
}

const HEAD = `# Written by the first run of \`sallyport audit\`, to be read and corrected by you: what it says holds in
# later runs. Accounts are given on the command line, or here as env:VARIABLE.
#
# operations   which operation is what; take one away to have it guessed again
# exclude      operations that are never called: [POST /reset]
# matrix       who is answered what; a later run reports what differs from it
# suppressions findings that are accepted: [{ fingerprint: ..., reason: ..., until: 2027-01-31 }]
`;

/** The file that pins what a run has found. */
export function renderConfiguration(report: Report): string {
  const operations = Object.fromEntries(
    Object.values(report.chosen).map(({ purpose, operation }) => [purpose, operation.id]),
  );
  const document = {
    ...(report.source === null ? {} : { document: report.source }),
    operations,
    exclude: [],
    matrix: Object.fromEntries(report.matrix),
    suppressions: [],
  };
  return `${HEAD}${stringify(document, { lineWidth: 0 })}`;
}
