import { type Account, NO_CREDENTIAL } from './actor.ts';
import { basicCredential } from './access.ts';
import { AuditError } from './setup.ts';

/**
 * An account as it is written on the command line or in the configuration:
 *
 * - `alice:secret`, a name and a password, to be signed in with;
 * - `bearer:TOKEN`, `cookie:NAME=VALUE`, `header:NAME: VALUE`, `basic:NAME:PASSWORD`, a credential;
 * - `env:VARIABLE`, one of these, in that variable of the environment.
 *
 * Throws `AuditError` for anything else, without its text: it may be a secret.
 */
export function parseAccount(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): Account {
  const [, kind = '', rest = ''] = /^(env|bearer|cookie|header|basic):(.*)$/s.exec(text) ?? [];
  if (kind === 'env') {
    const value = environment[rest];
    if (value === undefined || value === '')
      throw new AuditError(`The variable ${rest} is not set.`);
    if (value.startsWith('env:')) throw new AuditError(`The variable ${rest} names another one.`);
    return parseAccount(value, environment);
  }
  const colon = (kind === '' ? text : rest).indexOf(':');
  if (kind === 'bearer' && rest !== '')
    return fixed({ headers: { authorization: `Bearer ${rest}` } });
  if (kind === 'cookie' && rest.includes('=')) return fixed({ cookies: cookiesIn(rest) });
  if (kind === 'header' && colon > 0) {
    return fixed({
      headers: { [rest.slice(0, colon).toLowerCase()]: rest.slice(colon + 1).trim() },
    });
  }
  if (kind === 'basic' && colon > 0) {
    const username = rest.slice(0, colon);
    return {
      kind: 'fixed',
      username,
      credential: basicCredential(username, rest.slice(colon + 1)),
    };
  }
  if (kind === '' && colon > 0 && colon < text.length - 1) {
    return { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  throw new AuditError(
    'An account is written NAME:PASSWORD, bearer:TOKEN, cookie:NAME=VALUE, header:NAME: VALUE, basic:NAME:PASSWORD or env:VARIABLE.',
  );
}

function fixed(parts: Partial<typeof NO_CREDENTIAL>): Account {
  return { kind: 'fixed', username: null, credential: { ...NO_CREDENTIAL, ...parts } };
}

function cookiesIn(text: string): Record<string, string> {
  const pairs = text.split(/;\s*/).filter((pair) => pair.includes('='));
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}
