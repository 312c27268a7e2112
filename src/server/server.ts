import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Core } from '../core/core.ts';
import { waitingMails } from '../core/mail.ts';
import { createPasswordHasher } from '../core/password-hashing.ts';
import { SWEEP_STATEMENTS } from '../db/sweep.ts';
import { buildApp } from '../fastify/app.ts';
import { hostsOf } from '../http/host.ts';
import { type Config, isDevelopment, isLoopback } from './config.ts';
import { generatedKey, lockDataFolder, openDataFolder } from './data-folder.ts';
import { checkEncryptionKey, openDatabase, refuseUnsoundDatabase } from './databases.ts';
import { renderMessage } from './mail-rendering.ts';
import { startMailer } from './mailer.ts';
import { repeat, type Repeated } from './repeat.ts';

export interface RunningServer {
  readonly origin: string;
  /** Answers what is under way, then stops. */
  close(): Promise<void>;
}

const SWEEP_MILLISECONDS = 10 * 60_000;
const MAILBOX_MAX = 200;

/**
 * Starts the product as configured.
 * @throws StartError with a message for the person who started it.
 */
export async function startServer(config: Config): Promise<RunningServer> {
  const undo: Array<() => Promise<void>> = [];
  const close = async () => {
    for (const step of undo.toReversed()) await step();
  };
  try {
    const needsFolder = config.database.kind === 'embedded' || !config.encryptionKey;
    if (needsFolder) await openDataFolder(config.dataFolder);
    if (config.database.kind === 'embedded') undo.push(await lockDataFolder(config.dataFolder));
    const encryptionKey = config.encryptionKey ?? (await generatedKey(config.dataFolder));
    const database = await openDatabase(config, encryptionKey);
    undo.push(() => database.close());
    await refuseUnsoundDatabase(database, config);
    await checkEncryptionKey(database, encryptionKey);

    const core: Core = { database, passwords: createPasswordHasher(), encryptionKey };
    const { app, origin } = await listen(core, config);
    undo.push(() => app.close());
    for (const work of startBackgroundWork(core, config, origin, app)) {
      undo.push(() => work.stop());
    }
    return { origin, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The package's version, from its manifest, which stands beside src and dist alike. */
export function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** With port 0 the origin is known only once the socket is bound, and the app needs it before. */
async function listen(
  core: Core,
  config: Config,
): Promise<{ app: FastifyInstance; origin: string }> {
  const policy = {
    origin: config.origin,
    trustedOrigins: config.trustedOrigins,
    hosts: [] as readonly string[],
  };
  const mailbox = async () => {
    const messages = await waitingMails(core, MAILBOX_MAX);
    return messages.map((message) => {
      const { subject, text, links } = renderMessage(message, policy.origin);
      return { to: message.to, subject, text, links };
    });
  };
  const app = await buildApp(core, {
    policy,
    version: packageVersion(),
    logger: { level: config.logLevel },
    development: isDevelopment(config),
    ...(isDevelopment(config) && !config.mail ? { mailbox } : {}),
  });
  await app.listen({ host: config.host, port: config.port });
  const { port } = app.server.address() as AddressInfo;
  if (config.port === 0) policy.origin = policy.origin.replace(/:0$/, `:${port}`);
  policy.hosts = hostsOf(policy.origin, { loopback: isLoopback(config.host), port }).hosts;
  return { app, origin: policy.origin };
}

function startBackgroundWork(
  core: Core,
  config: Config,
  origin: string,
  app: FastifyInstance,
): readonly Repeated[] {
  const sweeper = repeat(SWEEP_MILLISECONDS, app.log, 'sweeper', async () => {
    for (const statement of SWEEP_STATEMENTS) {
      await core.database.batch({ role: 'sallyport_identity', access: 'write' }, [statement]);
    }
  });
  return config.mail ? [sweeper, startMailer(core, config.mail, origin, app.log)] : [sweeper];
}
