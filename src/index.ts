import { readConfig } from './server/config.ts';
import { StartError } from './server/data-folder.ts';
import { startServer } from './server/server.ts';

export interface RunningServer {
  /** Where browsers find it, such as `http://localhost:4000`. */
  readonly origin: string;
  /** Answers what is under way, then stops. */
  close(): Promise<void>;
}

/**
 * Runs the accounts service in this process, with the settings that `sallyport serve --help` lists.
 * @throws Error whose message has one line for each thing that keeps it from starting.
 */
export async function serve(
  settings: Readonly<Record<string, string | undefined>>,
): Promise<RunningServer> {
  const read = readConfig(settings);
  if ('problems' in read) throw new StartError(read.problems.join('\n'));
  return await startServer(read.config);
}
