import { isUnsafe, type Operation } from './openapi.ts';
import { exampleOf, MAILED_TOKEN } from './schema.ts';

/** The whole way in, ready to be pasted; the examples of the operations go on from its `jar`. */
export function journey(origin: string): string {
  const account = { email: 'ada@example.com', password: 'a mango under the piano' };
  const signUp = quote(JSON.stringify({ ...account, displayName: 'Ada' }));
  return `origin=${quoteWhereNeeded(origin)}
csrf() { awk '$6 == "__Host-csrf" { print $7 }' jar; }
send() { curl -sS -b jar -c jar -H "Origin: $origin" -H 'Content-Type: application/json' "$@"; echo; }

# Sign up. The mail has a link with a token; in development it waits in the mailbox.
send $origin/api/sign-up -d ${signUp}
token=$(curl -sS $origin/development/mailbox.json | grep -o 'token=[A-Za-z0-9_-]*' | head -n 1 | cut -c 7-)
send $origin/api/email-confirmations -d "{\\"token\\":\\"$token\\"}"

# Sign in. The cookies, and with them the synchronizer token, go into the jar.
send $origin/api/sign-in -d ${quote(JSON.stringify(account))}

# Change something: cookie, origin, content type and synchronizer token together.
send -X PATCH $origin/api/account/profile -H "X-CSRF-Token: $(csrf)" -d '{"displayName":"Ada Lovelace"}'`;
}

/** One request of the operation, for a shell in which the journey has been gone. */
export function curlOf(operation: Operation, origin: string): string {
  const { method, security, body } = operation;
  const data = body ? JSON.stringify(exampleOf(body.schema)) : null;
  const words = [`curl ${url(operation, origin)}`, ...cookiesOf(operation)];
  if (method !== 'GET' && !(method === 'POST' && data !== null)) words.push(`-X ${method}`);
  if (isUnsafe(operation)) {
    words.push(`-H ${quote(`Origin: ${origin}`)}`, "-H 'Content-Type: application/json'");
  }
  if (security.includes('synchronizerToken')) words.push('-H "X-CSRF-Token: $(csrf)"');
  if (data !== null) words.push(`-d ${quote(data).replaceAll(MAILED_TOKEN, `'"$token"'`)}`);
  return words.join(' \\\n  ');
}

/** The names of the shell variables that the example takes from elsewhere. */
export function variablesOf({ path, body }: Operation): readonly string[] {
  const names = [...path.matchAll(PATH_PARAMETER)].map(([, name = '']) => name);
  const data = body ? JSON.stringify(exampleOf(body.schema)) : '';
  return data.includes(MAILED_TOKEN) ? [...names, 'token'] : names;
}

const PATH_PARAMETER = /\{(\w+)\}/g;

/** Only what signs in starts a jar: any other public request would empty the one there is. */
function cookiesOf({ security, answers }: Operation): readonly string[] {
  if (security.length > 0) return ['-b jar -c jar'];
  const startsSession = answers.some(({ schema }) => schema?.properties?.['csrfToken']);
  return startsSession ? ['-c jar'] : [];
}

function url({ path }: Operation, origin: string): string {
  const parts = `${origin}${path}`.split(PATH_PARAMETER);
  // Splitting by a pattern with a group leaves text and names in turn.
  return parts
    .map((part, index) => (index % 2 === 1 ? `"$${part}"` : quoteWhereNeeded(part)))
    .join('');
}

function quoteWhereNeeded(word: string): string {
  return /^[\w./:-]*$/.test(word) ? word : quote(word);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
