import type { Command } from 'commander';
import type { Config } from '../server/config.ts';
import { writeNewFile } from '../server/protect.ts';
import { CONFIG_FILE, parseUpstream, readGatewayFile } from './config.ts';
import { fetchOperations } from './document.ts';
import { draftOf } from './draft.ts';
import { type RunningGateway, startGateway } from './gateway.ts';

interface GatewayFlags {
  readonly upstream?: string;
  readonly config: string;
}

interface InitFlags extends GatewayFlags {
  readonly openapi: string;
}

/** What the command line does around the gateway. */
export interface Surroundings {
  readonly configuration: () => Config;
  /** Prints that it runs, waits for the signal to stop, and stops it. */
  readonly run: (
    config: Config,
    running: RunningGateway,
    lines: readonly string[],
  ) => Promise<void>;
  readonly print: (text: string) => void;
}

/** `sallyport gateway` and `sallyport gateway init`. */
export function addGateway(program: Command, { configuration, run, print }: Surroundings): void {
  const gateway = program
    .command('gateway')
    .description('put sessions, CSRF defence, tenants and the account pages before an API')
    .option('--upstream <url>', "the API's origin, such as http://127.0.0.1:8000")
    .option('--config <file>', 'what is let through', CONFIG_FILE)
    .addHelpText('after', '\nThe settings of `sallyport serve` hold here too.')
    .action(async (flags: GatewayFlags) => {
      const config = configuration();
      const read = readGatewayFile(flags.config, flags.upstream);
      const running = await startGateway(config, read);
      const port = running.operatorPort;
      await run(config, running, [
        `  Upstream:     ${read.upstream}, ${read.routes.length} routes; its audience is ${read.audience}`,
        `  Account:      ${running.accounts}`,
        ...(port === null
          ? []
          : [`  Operator:     http://127.0.0.1:${port}/metrics, /live, /ready`]),
      ]);
    });
  gateway
    .command('init')
    .description("write what is let through from the upstream's OpenAPI document, all signed-in")
    .option('--openapi <path>', 'where its document is', '/openapi.json')
    .addHelpText(
      'after',
      '\nTakes --upstream, and --config for the file to write, which must not exist.',
    )
    // Options of the same name as the command's above it would be that one's.
    .action(async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<InitFlags>();
      const upstream = parseUpstream(flags.upstream ?? '');
      const operations = await fetchOperations(upstream, flags.openapi, 0);
      await writeNewFile(flags.config, draftOf(upstream, operations));
      print(`${flags.config} lists ${operations.length} operations, all of them signed-in.\n`);
    });
}
