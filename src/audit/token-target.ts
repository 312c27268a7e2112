import { type Actor, type Credential, NO_CREDENTIAL } from './actor.ts';
import type { Exchange } from './exchange.ts';
import type { Run } from './run.ts';
import { whoIs } from './sessions.ts';
import { onlyToken, type Token, tokensOf, withToken } from './token.ts';
import { type Inconclusive, inconclusive, type Step, step } from './verdict.ts';

/** A signed token of A's, and a read that shows whose token it was sent with. */
export interface TokenTarget {
  readonly token: Token;
  readonly subject: string;
  /** The right token works; no token and a nonsense one do not. */
  readonly controls: readonly Step[];
  /** Sends the read with this text in the token's place. */
  attempt(text: string, label: string): Promise<Attempt>;
}

export interface Attempt {
  /** Whether the target took whoever sent it for A: A's own data came. */
  readonly accepted: boolean;
  /** Whether nothing can be concluded from the answer. */
  readonly broken: boolean;
  readonly exchange: Exchange;
}

/**
 * Tries the controls for each signed token of A's: a target that does not tell a right token from
 * a nonsense one on this read, or answers with errors, says nothing about altered ones.
 */
export async function tokenTargets(
  run: Run,
  a: Actor,
): Promise<readonly (TokenTarget | Inconclusive)[]> {
  const targets: (TokenTarget | Inconclusive)[] = [];
  for (const token of tokensOf(a.credential)) targets.push(await openTokenTarget(run, a, token));
  return targets;
}

async function openTokenTarget(
  run: Run,
  a: Actor,
  token: Token,
): Promise<TokenTarget | Inconclusive> {
  const subject = `token in the ${placeOf(a.credential, token)}`;
  const read = async (credential: Credential, label: string): Promise<Attempt> => {
    const { is, exchange } = await whoIs(run, credential, a, label);
    if (exchange === null) throw new Error('no read tells A from nobody');
    return { accepted: is === 'signed-in', broken: is === 'unclear', exchange };
  };

  // Beside a session cookie any token would seem to be accepted: the token has to be alone.
  const alone = onlyToken(a.credential, token);
  let carrier = alone;
  let right = await read(alone, 'a');
  if (!right.accepted) {
    carrier = a.credential;
    right = await read(a.credential, 'a');
  }
  const none = await read(NO_CREDENTIAL, 'anonymous');
  const nonsense = await read(withToken(carrier, token, nonsenseFor(token)), 'a, nonsense token');
  const controls = [
    step('The token as it was issued is accepted', right.exchange),
    step('Without it the same read is refused', none.exchange),
    step('So it is with a nonsense token', nonsense.exchange),
  ];
  if (!right.accepted)
    return inconclusive(subject, 'the token as issued is not accepted', ...controls);
  if ([none, nonsense].some(({ accepted, broken }) => accepted || broken)) {
    return inconclusive(subject, 'the read does not depend on this token alone', ...controls);
  }
  return {
    token,
    subject,
    controls,
    attempt: (text, label) => read(withToken(carrier, token, text), label),
  };
}

/** Three parts that decode to nothing: whoever verifies anything refuses them. */
function nonsenseFor({ text }: Token): string {
  return text
    .split('.')
    .map((part) => 'x'.repeat(Math.max(part.length, 8)))
    .join('.');
}

function placeOf(credential: Credential, { text }: Token): string {
  const { headers, cookies, query } = credential;
  const holder = (place: Readonly<Record<string, string>>) =>
    Object.entries(place).find(([, value]) => value.includes(text))?.[0];
  const header = holder(headers);
  if (header !== undefined) return `header ${header.toLowerCase()}`;
  const cookie = holder(cookies);
  if (cookie !== undefined) return `cookie ${cookie}`;
  const parameter = holder(query);
  return parameter === undefined ? 'request' : `parameter ${parameter}`;
}
