import type { Account, Actor, Credential } from './actor.ts';
import { compose } from './creation.ts';
import { type Exchange, isBroken, isRefused } from './exchange.ts';
import { requiring } from './fields.ts';
import type { Operation, Schema } from './operation.ts';
import type { PoolEntry } from './pool.ts';
import type { Run } from './run.ts';
import { type OpenedSession, openSession } from './sessions.ts';
import { isPasswordField, snake } from './words.ts';

/** The password of one of the audit's accounts, while the audit changes it. */
export interface ChangingPassword {
  /**
   * Asks for another password, with this credential or a session of its own. `session` is one that
   * the new password has opened, or null where it signs nobody in.
   *
   * An answer that says nothing (a timeout, a 5xx) may have changed it all the same: what holds
   * afterwards is found out by signing in. A refusal is believed, for each wrong sign-in counts.
   */
  change(to: string, credential?: Credential): Promise<PasswordChange>;
  /** Gives the account its first password back: whether that signs in again. */
  restore(): Promise<boolean>;
}

export interface PasswordChange {
  /** Null where no session could be opened to ask in. */
  readonly exchange: Exchange | null;
  readonly session: OpenedSession | null;
}

/** A choice to end the other sessions, which whoever fears for them makes. ASVS 7.4.3. */
const ENDS_SESSIONS =
  /^(revoke|log_?out|sign_?out|end|terminate|invalidate|close|clear)_.*(sessions?|devices?|others?|all|everywhere)$/;

/** How long a change that was not answered may still take effect, in milliseconds. */
const LATE_MILLISECONDS = 2_000;

const RESTORATIONS_MAX = 3;

/** `earlier` are passwords that the account may have got already, the newest last. */
export function changingPassword(
  run: Run,
  actor: Actor,
  operation: Operation,
  earlier: readonly string[] = [],
): ChangingPassword | null {
  const { account, role } = actor;
  if (account?.kind !== 'password') return null;
  // The newest last: what was asked for once may hold, whatever was answered.
  const asked = [account.password, ...earlier];
  let current = account.password;
  const enter = (password: string) =>
    openSession(run, { ...account, password }, `${role}-password`);

  const change = async (to: string, credential?: Credential): Promise<PasswordChange> => {
    const given = credential ?? (await enter(current))?.credential;
    if (given === undefined) return { exchange: null, session: null };
    if (!asked.includes(to)) asked.push(to);
    // A weak one is a word like another, and masking it would make the log unreadable.
    if (to.length >= 16) run.secrets.add(`${role.toUpperCase()}_NEW_PASSWORD`, to);
    const exchange = await sendChange(run, { ...actor, credential: given }, account, operation, {
      from: current,
      to,
    });
    if (exchange === null || isRefused(exchange)) return { exchange, session: null };
    if (isBroken(exchange)) await sleep(LATE_MILLISECONDS);
    const session = await enter(to);
    if (session !== null) current = to;
    return { exchange, session };
  };

  return {
    change,
    async restore() {
      run.probe.reserve();
      for (let round = 0; round < RESTORATIONS_MAX; round += 1) {
        if ((await enter(account.password)) !== null) {
          // One that was asked for and not answered could still come.
          if (current === account.password || (await enter(current)) === null) return true;
        }
        for (const password of new Set([current, ...asked.toReversed()])) {
          if (password === account.password || (await enter(password)) === null) continue;
          current = password;
          await change(account.password);
          break;
        }
      }
      const isBack = (await enter(account.password)) !== null;
      // In plain text, and to whoever watches alone: without it the account would be lost.
      const left = `account ${role} could not be given its password back: it is ${current}`;
      if (!isBack) run.progress(left);
      return isBack;
    },
  };
}

async function sendChange(
  run: Run,
  actor: Actor,
  { username }: Extract<Account, { kind: 'password' }>,
  operation: Operation,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<Exchange | null> {
  const names = [username, ...actor.identity];
  const lookup = (name: string, _: unknown, schema: Schema) => {
    if (isPasswordField(name)) return isOldPassword(name) ? from : to;
    if (ENDS_SESSIONS.test(snake(name)) && schema['type'] === 'boolean') return true;
    return /^(user_?name|e_?mail|login)$/.test(snake(name)) ? names[0] : undefined;
  };
  const ownIds = actor.identity.flatMap((value) =>
    operation.parameters.map(({ name }): PoolEntry => ({
      key: snake(name),
      above: '',
      value,
      from: { operation, path: {}, query: {}, headers: {}, body: undefined, contentType: null },
      isCreated: false,
      object: '',
      selects: null,
    })),
  );
  const asking = requiring(operation, ENDS_SESSIONS);
  const { sent, refusal } = await compose(run, actor, asking, ownIds, lookup);
  return sent?.exchange ?? refusal;
}

/** Whether a field takes the password that an account has, and not the one that it gets. */
export function isOldPassword(name: string): boolean {
  return /(old|current|existing|previous)/.test(snake(name));
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
