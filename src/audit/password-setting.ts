import { type Account, ANONYMOUS } from './actor.ts';
import { plainCall } from './access.ts';
import { buildBody, preferredBody } from './bodies.ts';
import type { Call } from './call.ts';
import { bodyFieldsOf } from './fields.ts';
import { type Exchange, isGranted } from './exchange.ts';
import type { Operation } from './operation.ts';
import { changingPassword, type ChangingPassword } from './password-change.ts';
import { type Run, send } from './run.ts';
import { attemptSignIn, gaveSomething } from './sign-in.ts';
import { isConfirmation, isNameField, isPasswordField } from './words.ts';

type PasswordAccount = Extract<Account, { kind: 'password' }>;

/** A way to give an account of the audit's own a password. */
export interface PasswordSetting {
  readonly operation: Operation;
  /**
   * Sets the password. `name` signs in with it then; null where the target refused it. `name` as a
   * password asks for one that is the account's own name.
   */
  set(password: string | { readonly own: 'name' }): Promise<SetPassword>;
  /** Leaves the account as it was: whether that worked. */
  restore(): Promise<boolean>;
}

export interface SetPassword {
  readonly exchange: Exchange;
  readonly name: string | null;
  readonly password: string;
}

/**
 * New accounts where anybody may have one, for then nothing of the given ones changes; else the
 * password of account B, which is set back afterwards. Null where neither works with a strong
 * password: then a refusal of a weak one says nothing.
 */
export async function passwordSetting(run: Run): Promise<PasswordSetting | null> {
  for (const setting of settingsOf(run)) {
    const strong = await setting.set(`Aa1!${run.canary()}${run.canary()}`.slice(0, 30));
    if (strong.name !== null) return setting;
    await setting.restore();
  }
  return null;
}

function settingsOf(run: Run): readonly PasswordSetting[] {
  const settings: PasswordSetting[] = [];
  const registration = run.knowledge.chosen.registration?.operation;
  if (registration !== undefined && takesPassword(registration)) {
    settings.push(byRegistering(run, registration));
  }
  const change = run.knowledge.chosen['password-change']?.operation;
  const { b } = run.actors;
  const changing =
    change !== undefined && b !== null && takesPassword(change)
      ? changingPassword(run, b, change)
      : null;
  if (change !== undefined && changing !== null && b?.account?.kind === 'password') {
    settings.push(byChanging(change, b.account, changing));
  }
  return settings;
}

function byRegistering(run: Run, operation: Operation): PasswordSetting {
  return {
    operation,
    restore: async () => true,
    async set(wanted) {
      const name = run.canary();
      const address = `${name}@sallyport-audit.example`;
      const isAddress = /mail/i.test(run.access.signIn?.nameAt.name ?? '');
      const password = typeof wanted === 'string' ? wanted : isAddress ? address : name;
      const call = callWith(run, operation, (field, format) => {
        if (isPasswordField(field)) return password;
        if (format === 'email' || /mail/i.test(field)) return address;
        return isNameField(field) ? name : undefined;
      });
      const exchange = await send(run, call, ANONYMOUS);
      const names = isAddress ? [address] : [name, address];
      return {
        exchange,
        name: isGranted(exchange) ? await signsIn(run, names, password) : null,
        password,
      };
    },
  };
}

function byChanging(
  operation: Operation,
  account: PasswordAccount,
  changing: ChangingPassword,
): PasswordSetting {
  return {
    operation,
    async set(wanted) {
      const password = typeof wanted === 'string' ? wanted : account.username;
      const { exchange, session } = await changing.change(password);
      if (exchange === null) throw new Error('account B no longer signs in');
      return { exchange, name: session === null ? null : account.username, password };
    },
    restore: () => changing.restore(),
  };
}

/** The first of these names that signs in with the password. */
async function signsIn(
  run: Run,
  names: readonly string[],
  password: string,
): Promise<string | null> {
  const { signIn } = run.access;
  if (signIn === null) return null;
  for (const name of names) {
    const attempt = await attemptSignIn(run.probe, signIn, name, password, {
      as: 'b, a new password',
    });
    if (gaveSomething(attempt)) return name;
  }
  return null;
}

function callWith(
  run: Run,
  operation: Operation,
  given: (field: string, format: unknown) => string | undefined,
): Call {
  const body = preferredBody(operation);
  const call = plainCall(operation);
  if (body === null) return call;
  const built = buildBody(
    body,
    () => run.canary(),
    (name, _path, schema) => given(name, schema['format']),
  );
  return { ...call, body: built.body, contentType: body.contentType };
}

function takesPassword(operation: Operation): boolean {
  return (
    !operation.path.includes('{') &&
    bodyFieldsOf(operation).some(({ name }) => isPasswordField(name) && !isConfirmation(name))
  );
}
