import { type Account, ANONYMOUS } from './actor.ts';
import { compose } from './creation.ts';
import { choicesFor } from './purposes.ts';
import type { Run } from './run.ts';
import { waysOf } from './sign-in.ts';
import { passwordOf } from './values.ts';
import { isNameField, isPasswordField, snake } from './words.ts';

/**
 * An account that the target gives to whoever asks, for an audit that was given none. Null where it
 * gives none, or where nothing looks like a registration. `as` is a name that it shall have.
 */
export async function registered(run: Run, as: string | null = null): Promise<Account | null> {
  const [registration] = choicesFor(run, 'registration');
  const [signIn] = choicesFor(run, 'sign-in');
  if (registration === undefined) return null;
  const name = as === null || as.includes('@') ? run.canary() : as;
  const address = as?.includes('@') === true ? as : `${name}@sallyport-audit.example`;
  const password = passwordOf(run.canary());
  const lookup = (field: string) => {
    if (isPasswordField(field)) return password;
    if (/mail/.test(snake(field))) return address;
    return isNameField(field) ? name : undefined;
  };
  const { sent } = await compose(run, ANONYMOUS, registration.operation, [], lookup);
  if (sent === null) return null;
  const way = signIn === undefined ? undefined : waysOf(signIn.operation)[0];
  // A sign-in that asks for a name may mean the address where the registration took no name.
  const isName = JSON.stringify(sent.recipe.call.body ?? '').includes(`"${name}"`);
  const asksForAddress = /mail/i.test(way?.nameAt.name ?? '');
  return { kind: 'password', username: asksForAddress || !isName ? address : name, password };
}
