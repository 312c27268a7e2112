import { Command } from 'commander';
import { addAudit } from './audit-cli.ts';
import { IN_FORCE } from './db/checks/row-level-security.ts';
import { addGateway } from './gateway/command.ts';
import { isDevelopment, readConfig, SETTINGS, type Config } from './server/config.ts';
import { StartError } from './server/data-folder.ts';
import { migrateServer } from './server/databases.ts';
import { diagnose } from './server/doctor.ts';
import { rotateKeys } from './server/keys.ts';
import { findMissingProtection, writeNewFile, writeProtection } from './server/protect.ts';
import { accessLines, accessTableOf, ownAccessTable } from './server/routes.ts';
import { accessDiffLines, compareAccess, readAccessTable } from './server/access-diff.ts';
import { packageVersion } from './server/package-version.ts';
import { startServer } from './server/server.ts';
import { explain, explanationLines } from './server/why.ts';

/**
 * Runs the command line; a fault that the person can act on is one line on stderr and exit code 1.
 */
export async function run(argv: string[]): Promise<void> {
  const program = new Command('sallyport')
    .description('Sign-in, sessions and tenant isolation that the database itself checks.')
    .version(packageVersion());
  program
    .command('serve')
    .description('run the accounts service')
    .addHelpText('after', `\nSettings, from the environment:\n${settingsHelp()}`)
    .action(serve);
  program
    .command('migrate')
    .description('create or update the roles and the schema in DATABASE_URL')
    .action(migrate);
  program
    .command('doctor')
    .description('check the settings and the database as a start would, and change nothing')
    .action(doctor);
  program
    .command('protect')
    .description('write the migration that makes tables of DATABASE_URL tables of tenants')
    .argument('<table...>', 'tables as statements name them: invoices, billing.invoices')
    .option('--owner <column>', 'only the identity in this column may touch a row')
    .option('--read <permission>', 'the permission that reading takes')
    .option('--write <permission>', 'the permission that writing takes')
    .option('--check', 'write nothing; say what the tables lack, exit code 1 if anything')
    .option('--out <file>', 'write to a new file instead of standard output')
    .action(protect);
  program
    .command('routes')
    .description('print who may call what')
    .argument(
      '[file]',
      "a module that exports an app, or a function that builds one (default: the product's own)",
    )
    .option('--json', 'for programs: the table as JSON')
    .option(
      '--diff <file>',
      'compare with a table kept as JSON; exit code 1 if something was opened, 3 if that cannot be told',
    )
    .action(routes);
  program
    .command('keys')
    .description('keys with which others verify what Sallyport signs')
    .command('rotate')
    .description(
      'make a new signing key; the one before it stays known for as long as it is needed',
    )
    .option('--compromised', 'forget the one before it at once')
    .action(rotate);
  program
    .command('why')
    .description('print why a request was refused: what each check said')
    .argument('<id>', 'the UUID in the answer: behind "instance", or on the page')
    .option('--json', 'for programs: the same as JSON')
    .action(why);
  addAudit(program);
  addGateway(program, {
    configuration,
    run: runUntilSignal,
    print: (text) => process.stdout.write(text),
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

async function serve(): Promise<void> {
  const config = configuration();
  await runUntilSignal(config, await startServer(config));
}

async function runUntilSignal(
  config: Config,
  server: { readonly origin: string; readonly accounts?: string; close(): Promise<void> },
  lines: readonly string[] = [],
): Promise<void> {
  // Whoever read our output may be gone by the time we stop; that is no reason to stop badly.
  process.stdout.on('error', () => {});
  process.stdout.write(`${[greeting(config, server), ...lines].join('\n')}\n`);
  await stopSignal();
  process.stdout.write('Stopping.\n');
  await server.close();
}

async function migrate(): Promise<void> {
  const { policyForm, eventDays } = configuration();
  const ran = await migrateServer(ownerUrl('migrated'), policyForm, eventDays);
  process.stdout.write(ran === 0 ? 'Up to date.\n' : `${ran} statements applied.\n`);
}

async function doctor(): Promise<void> {
  const findings = await diagnose(process.env);
  const width = Math.max(...findings.map(({ id }) => id.length)) + 2;
  for (const { id, ok, line } of findings) {
    process.stdout.write(`${ok ? 'ok    ' : 'FAILED'}  ${id.padEnd(width)}${line}\n`);
  }
  if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
}

interface ProtectFlags {
  readonly owner?: string;
  readonly read?: string;
  readonly write?: string;
  readonly check?: true;
  readonly out?: string;
}

async function protect(tables: readonly string[], flags: ProtectFlags): Promise<void> {
  const { owner = null, read = null, write = null } = flags;
  const url = ownerUrl('protected');
  const { policyForm: form } = configuration();
  const request = { tables, owner, read, write, form };
  if (flags.check) {
    const { lines, ok } = await findMissingProtection(url, request);
    process.stdout.write(`${lines.join('\n')}\n`);
    if (!ok) process.exitCode = 1;
    return;
  }
  const text = await writeProtection(url, request);
  if (flags.out === undefined) process.stdout.write(text);
  else await writeNewFile(flags.out, text);
}

interface RoutesFlags {
  readonly json?: true;
  readonly diff?: string;
}

async function routes(file: string | undefined, flags: RoutesFlags): Promise<void> {
  if (flags.diff !== undefined) return await diffRoutes(file, flags.diff, flags.json === true);
  const rows = file === undefined ? await ownAccessTable() : await accessTableOf(file);
  const text = flags.json ? JSON.stringify(rows, null, 2) : accessLines(rows).join('\n');
  process.stdout.write(`${text}\n`);
}

/** For a pipeline 1 means that something was opened, so what goes wrong is another number. */
async function diffRoutes(file: string | undefined, kept: string, json: boolean): Promise<void> {
  try {
    const before = await readAccessTable(kept);
    const now = file === undefined ? await ownAccessTable() : await accessTableOf(file);
    const diff = compareAccess(before, now);
    const text = json ? JSON.stringify(diff, null, 2) : accessDiffLines(diff).join('\n');
    process.stdout.write(`${text}\n`);
    process.exitCode = diff.opened.length > 0 ? 1 : 0;
  } catch (error) {
    process.stderr.write(`${error instanceof StartError ? error.message : String(error)}\n`);
    process.exitCode = 3;
  }
}

async function rotate(flags: { readonly compromised?: true }): Promise<void> {
  const { kid, signsFrom } = await rotateKeys(configuration(), flags.compromised === true);
  process.stdout.write(`Signing key ${kid} signs from ${signsFrom.toISOString()} on.\n`);
}

async function why(id: string, flags: { readonly json?: true }): Promise<void> {
  const explanation = await explain(configuration(), id);
  const text = flags.json
    ? JSON.stringify(explanation, null, 2)
    : explanationLines(explanation).join('\n');
  process.stdout.write(`${text}\n`);
}

function ownerUrl(what: string): string {
  const { database } = configuration();
  if (database.kind === 'managed') return database.url;
  throw new StartError(`DATABASE_URL must be set to the database that is to be ${what}.`);
}

function configuration(): Config {
  const read = readConfig(process.env);
  if ('problems' in read) throw new StartError(read.problems.join('\n'));
  return read.config;
}

function greeting(
  config: Config,
  { origin, accounts = origin }: { readonly origin: string; readonly accounts?: string },
): string {
  const lines = [`Sallyport is ready at ${origin}`];
  if (config.database.kind === 'embedded') {
    lines.push(`  Data folder:  ${config.dataFolder} (embedded database, for development)`);
  } else if (!config.encryptionKey) {
    lines.push(`  Data folder:  ${config.dataFolder} (the generated encryption key)`);
  }
  if (config.policyForm === 'settings') lines.push(`  ${IN_FORCE.settings}`);
  if (isDevelopment(config) && !config.mail) {
    lines.push(`  Mails:        ${accounts}/development/mailbox`);
  }
  if (origin.startsWith('http://')) {
    lines.push('  Safari refuses Secure cookies on http://localhost: use another browser here.');
  }
  return lines.join('\n');
}

/** Ctrl-C, or a supervisor's SIGTERM. A second one ends the process at once. */
async function stopSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

function settingsHelp(): string {
  const width = Math.max(...Object.keys(SETTINGS).map((name) => name.length)) + 2;
  const lines = Object.entries(SETTINGS).map(
    ([name, meaning]) => `  ${name.padEnd(width)}${meaning}`,
  );
  return lines.join('\n');
}
