import { open } from 'node:fs/promises';
import { DatabaseUnavailableError } from '../db/errors.ts';
import { flagsOf, type ProtectOptions, type Step } from '../db/protect.ts';
import { checkProtection, planProtection } from '../db/protect-server.ts';
import { StartError } from './data-folder.ts';
import { refuseClearText } from './databases.ts';

export interface ProtectRequest extends ProtectOptions {
  readonly tables: readonly string[];
}

/**
 * The migration that makes these tables the tenants' own, as text. It is for a person to read and
 * to run: nothing here runs it.
 */
export async function writeProtection(url: string, request: ProtectRequest): Promise<string> {
  refuseClearText('DATABASE_URL', url);
  const planned = await toThePerson(planProtection(url, request.tables, request));
  const engine = planned.engine === 'cockroachdb' ? 'CockroachDB' : 'PostgreSQL';
  return `${header(engine, request)}${planned.steps.map(statement).join('')}`;
}

/** What the tables lack, a line each. */
export async function findMissingProtection(
  url: string,
  request: ProtectRequest,
): Promise<{ readonly lines: readonly string[]; readonly ok: boolean }> {
  refuseClearText('DATABASE_URL', url);
  return await toThePerson(checkProtection(url, request.tables, request));
}

/** Writes a file that is not there yet: a migration that was run is never changed. */
export async function writeNewFile(path: string, text: string): Promise<void> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(text);
    await file.close();
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    throw new StartError(`${path} could not be written: ${reason}`, { cause: error });
  }
}

function header(engine: string, request: ProtectRequest): string {
  const command = ['sallyport protect', ...request.tables, ...flagsOf(request)].join(' ');
  return [
    comment(`Written by: ${command}`),
    comment(
      `For ${engine}. Read it, then run it as the login of DATABASE_URL, up to the first error:`,
    ),
    '--   psql --set ON_ERROR_STOP=1 --file FILE "$DATABASE_URL"\n',
    comment(
      'Each statement stands for itself, needs no transaction and may run again. Until the last one has run, sallyport_app sees less than it should, never more.',
    ),
  ].join('');
}

function statement({ why, sql }: Step): string {
  return `${why === null ? '' : `\n${comment(why)}`}${sql};\n`;
}

/** A name in the catalog may hold anything, a line break too, and a comment ends with its line. */
function comment(text: string): string {
  const words = text.split(/[\p{C}\p{Z}]+/u);
  const lines = [''];
  for (const word of words) {
    if (`${lines.at(-1)} ${word}`.length > 96) lines.push('');
    lines.push(`${lines.pop()} ${word}`);
  }
  return lines.map((line) => `--${line}\n`).join('');
}

async function toThePerson<T extends object>(
  work: Promise<T | { readonly problems: readonly string[] }>,
): Promise<T> {
  try {
    const answer = await work;
    if ('problems' in answer) throw new StartError(answer.problems.join('\n'));
    return answer;
  } catch (error) {
    if (!(error instanceof DatabaseUnavailableError)) throw error;
    throw new StartError(error.message, { cause: error });
  }
}
