import type { Actor } from './actor.ts';
import type { Run } from './run.ts';
import { openSession, whoIs } from './sessions.ts';
import { parseSetCookie, type SetCookie } from './set-cookie.ts';

/**
 * The session cookies as the target sets them: those without which A is nobody. Empty where they
 * cannot be seen, because no sign-in sets them.
 */
export async function sessionCookies(run: Run, a: Actor): Promise<readonly SetCookie[]> {
  const opened = await openSession(run, a.account, 'a');
  const ambient = opened?.ambient ?? null;
  if (opened === null || ambient === null) return [];
  const names: string[] = [];
  for (const name of Object.keys(ambient.cookies)) {
    const { [name]: _, ...others } = ambient.cookies;
    const { is } = await whoIs(run, { ...ambient, cookies: others }, a, `a, without ${name}`);
    if (is === 'refused') names.push(name);
  }
  const set = (opened.attempt.exchange.answer?.setCookies ?? [])
    .map((line) => parseSetCookie(line, run.now()))
    .filter((cookie) => cookie !== null);
  return set.filter(({ name, value }) => names.includes(name) && value !== '');
}
