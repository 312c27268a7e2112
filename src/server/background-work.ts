import type { FastifyBaseLogger } from 'fastify';
import type { Core } from '../core/core.ts';
import { keepSigningKeys, resealSigningKeys } from '../core/signing-keys.ts';
import { resealTotpSecrets } from '../core/totp.ts';
import { SWEEP_STATEMENTS } from '../db/sweep.ts';
import type { Config } from './config.ts';
import { startMailer } from './mailer.ts';
import { repeat, type Repeated } from './repeat.ts';

const SWEEP_MILLISECONDS = 10 * 60_000;
const KEY_CARE_MILLISECONDS = 60 * 60_000;

/**
 * What a process does beside answering: it deletes what has expired, encrypts with the key in force
 * what another one has, replaces signing keys that are too old, and sends the mails that wait.
 * @param base where the links of mails lead: the origin, and the path of the account's pages.
 */
export function startBackgroundWork(
  core: Core,
  mail: Config['mail'],
  base: string,
  log: FastifyBaseLogger,
): Repeated {
  const sweeper = repeat(SWEEP_MILLISECONDS, log, 'sweeper', async () => {
    for (const statement of SWEEP_STATEMENTS) {
      await core.database.batch({ role: 'sallyport_identity', access: 'write' }, [statement]);
    }
    while ((await resealTotpSecrets(core)) > 0);
    await resealSigningKeys(core);
  });
  const keys = repeat(KEY_CARE_MILLISECONDS, log, 'signing keys', async () => {
    await keepSigningKeys(core);
  });
  const mailer = mail ? startMailer(core, mail, base, log) : null;
  return {
    async stop() {
      await Promise.all([sweeper.stop(), keys.stop(), mailer?.stop()]);
    },
  };
}
