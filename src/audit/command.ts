import { createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { Account } from './actor.ts';
import { parseAccount } from './account-text.ts';
import { audit } from './audit.ts';
import { CHECKS } from './checks.ts';
import { type Configuration, parseConfiguration, renderConfiguration } from './configuration.ts';
import { DocumentError } from './discovery.ts';
import { type ExitCode, exitCodeOf, type Report, SEVERITIES } from './report.ts';
import { htmlReport } from './reports/html.tsx';
import { jsonReport } from './reports/json.ts';
import { junitReport } from './reports/junit.ts';
import { sarifReport } from './reports/sarif.ts';
import { terminalReport } from './reports/terminal.ts';
import { ACCOUNT_ROLES, type AccountRole, AuditError, type AuditOptions } from './setup.ts';
import { baselineOf, suppress } from './suppression.ts';
import type { Severity } from './verdict.ts';

/** The options of `sallyport audit`, as they stand on the command line. */
export interface AuditFlags extends Partial<Record<AccountRole, string>> {
  readonly document?: string;
  readonly config: string;
  readonly allowWrites?: true;
  readonly browser?: true;
  readonly wait: string;
  readonly attempts: string;
  readonly requests: string;
  readonly timeout: string;
  readonly pause: string;
  readonly checks?: string;
  readonly failOn: string;
  readonly baseline?: string;
  readonly log: string;
  readonly json?: string;
  readonly sarif?: string;
  readonly junit?: string;
  readonly html?: string;
}

/** What the command takes from its process. */
export interface CommandProcess {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly now: () => Date;
  /** For whoever watches; not part of the report. */
  readonly progress: (line: string) => void;
  readonly print: (text: string) => void;
}

/** What a misuse of the command ends with. */
export const USAGE = 3;

/** Runs the command and returns what the process ends with. Throws nothing that a person caused. */
export async function runAudit(
  url: string,
  flags: AuditFlags,
  process: CommandProcess,
): Promise<ExitCode | typeof USAGE> {
  try {
    const text = await readFile(flags.config, 'utf8').catch(() => null);
    const configuration = text === null ? {} : parseConfiguration(text, flags.config);
    const threshold = severityOf(flags.failOn);
    const baseline =
      flags.baseline === undefined
        ? []
        : baselineOf(await readFile(flags.baseline, 'utf8'), flags.baseline);
    const log = createWriteStream(flags.log, { mode: 0o600 });
    const options = optionsOf(url, flags, configuration, process, (line) => log.write(`${line}\n`));
    const seen = await audit(options).finally(() => log.end());
    const report = suppress(seen, [...(configuration.suppressions ?? []), ...baseline]);
    await writeReports(report, flags, process.version);
    process.print(terminalReport(report));
    if (text === null) {
      await writeFile(flags.config, renderConfiguration(report), { flag: 'wx' });
      process.print(`Wrote ${flags.config}: review it, and keep it with the code.\n`);
    }
    return exitCodeOf(report, threshold);
  } catch (error) {
    if (error instanceof AuditError || error instanceof DocumentError || isFileError(error)) {
      process.progress(error.message);
      return USAGE;
    }
    throw error;
  }
}

function optionsOf(
  url: string,
  flags: AuditFlags,
  configuration: Configuration,
  process: CommandProcess,
  log: (line: string) => void,
): AuditOptions {
  const accounts: Partial<Record<AccountRole, Account>> = {};
  for (const role of ACCOUNT_ROLES) {
    const text = flags[role] ?? configuration.accounts?.[role];
    if (text !== undefined) accounts[role] = parseAccount(text, process.environment);
  }
  return {
    url,
    document: flags.document ?? givenDocument(url, configuration.document),
    accounts,
    settings: {
      allowWrites: flags.allowWrites === true,
      browser: flags.browser === true,
      waitSecondsMax: numberOf('--wait', flags.wait),
      signInAttempts: numberOf('--attempts', flags.attempts),
    },
    requestsMax: numberOf('--requests', flags.requests),
    timeoutMilliseconds: numberOf('--timeout', flags.timeout),
    pauseMilliseconds: numberOf('--pause', flags.pause),
    checks: checksOf(flags.checks),
    operations: configuration.operations ?? {},
    exclude: configuration.exclude ?? [],
    expected: configuration.matrix ?? null,
    now: process.now,
    progress: process.progress,
    log,
  };
}

/** A path of the target that the last run found is one again. */
function givenDocument(url: string, document: string | undefined): string | null {
  if (document === undefined) return null;
  return document.startsWith('/') && URL.canParse(url) ? new URL(document, url).href : document;
}

async function writeReports(report: Report, flags: AuditFlags, version: string): Promise<void> {
  if (flags.json !== undefined) await writeFile(flags.json, jsonReport(report));
  if (flags.sarif !== undefined) await writeFile(flags.sarif, sarifReport(report, version));
  if (flags.junit !== undefined) await writeFile(flags.junit, junitReport(report));
  if (flags.html !== undefined) await writeFile(flags.html, htmlReport(report));
}

function severityOf(text: string): Severity {
  const severity = SEVERITIES.find((one) => one === text);
  if (severity !== undefined) return severity;
  throw new AuditError(`--fail-on takes one of ${SEVERITIES.join(', ')}.`);
}

function checksOf(text: string | undefined): readonly string[] | null {
  if (text === undefined) return null;
  const ids = text.split(',').map((id) => id.trim());
  const unknown = ids.filter((id) => !CHECKS.some((check) => check.id === id));
  if (unknown.length === 0) return ids;
  const known = CHECKS.map(({ id }) => id).join(', ');
  throw new AuditError(`There is no check ${unknown.join(', ')}. There are: ${known}.`);
}

function numberOf(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new AuditError(`${flag} takes a whole number.`);
}

function isFileError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && 'syscall' in error && 'path' in error;
}
