import { Command } from 'commander';
import { type AuditFlags, runAudit, USAGE } from './audit/command.ts';
import { packageVersion } from './server/package-version.ts';

/** Runs `sallyport audit` alone, where the rest of the product is not loaded. */
export async function run(argv: readonly string[]): Promise<void> {
  const program = new Command('sallyport');
  addAudit(program);
  await program.parseAsync(argv, { from: 'user' });
}

/** Adds `sallyport audit`. */
export function addAudit(program: Command): void {
  program
    .command('audit')
    .description('attack a running API with accounts of it, and prove what was found')
    .argument('<url>', 'the address of the API; only its host is sent anything')
    .option(
      '--a <account>',
      'the account that owns what is attacked: NAME:PASSWORD, bearer:TOKEN, ...',
    )
    .option('--b <account>', 'another account of the same tenant')
    .option('--stranger <account>', 'an account of another tenant')
    .option('--superior <account>', 'an account with a higher role')
    .option('--document <file>', 'the OpenAPI document (default: it is looked for)')
    .option('--config <file>', 'what is known about the target', 'sallyport-audit.yaml')
    .option('--allow-writes', 'let it create, change and delete objects of these accounts')
    .option('--browser', 'prove in Chromium what a browser would send')
    .option('--wait <seconds>', 'how long a check may wait for something to expire', '10')
    .option('--attempts <count>', 'wrong passwords sent in a row to one account', '12')
    .option('--requests <count>', 'the most requests that it sends', '10000')
    .option('--timeout <milliseconds>', 'for one request', '10000')
    .option('--pause <milliseconds>', 'before each request', '0')
    .option('--checks <ids>', 'only these, with commas between them')
    .option('--fail-on <severity>', 'the least severity that ends with exit code 1', 'low')
    .option('--baseline <file>', 'an earlier JSON report: what is in it does not count')
    .option('--log <file>', 'every request and answer, secrets masked', 'sallyport-audit.jsonl')
    .option('--json <file>', 'the whole report')
    .option('--sarif <file>', 'SARIF 2.1.0, for code hosts')
    .option('--junit <file>', 'JUnit, for build servers')
    .option('--html <file>', 'one page without scripts, for people')
    .addHelpText('after', '\nEnds with 0 (clean), 1 (findings), 2 (could not test) or 3 (usage).')
    .exitOverride(({ exitCode }) => {
      process.exit(exitCode === 0 ? 0 : USAGE);
    })
    .action(auditTarget);
}

async function auditTarget(url: string, flags: AuditFlags): Promise<void> {
  process.exitCode = await runAudit(url, flags, {
    environment: process.env,
    version: packageVersion(),
    now: () => new Date(),
    progress: (line) => process.stderr.write(`${line}\n`),
    print: (text) => process.stdout.write(text),
  });
}
