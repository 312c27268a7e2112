import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type AccessRow, CALLERS } from '../fastify/access-table.ts';
import { StartError } from './data-folder.ts';

/** What somebody can reach now and could not before, or the other way round. */
export interface AccessChange {
  /** A visitor, whoever is signed in, a built-in role, or whoever has this permission. */
  readonly who: string;
  readonly method: string;
  readonly url: string;
  /** Set where only the step-up changed: the seconds now and before, null for none. */
  readonly stepUp?: { readonly now: number | null; readonly before: number | null };
}

export interface AccessDiff {
  readonly opened: readonly AccessChange[];
  readonly closed: readonly AccessChange[];
}

const kept = z.array(
  z.object({
    method: z.string(),
    url: z.string(),
    access: z.union([z.enum(['public', 'signed-in']), z.object({ permission: z.string() })]),
    roles: z.array(z.string()),
    stepUpSeconds: z.number().nullable(),
  }),
);

type KeptRow = Pick<AccessRow, 'method' | 'url' | 'access' | 'roles' | 'stepUpSeconds'>;

/** A table as `sallyport routes --json` wrote it. @throws StartError where the file holds none. */
export async function readAccessTable(file: string): Promise<readonly KeptRow[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new StartError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}.`, {
      cause: error,
    });
  }
  const read = kept.safeParse(parsed(text));
  if (read.success) return read.data;
  throw new StartError(`${file} is no table of \`sallyport routes --json\`: write it anew.`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * What the change from one table to the other lets each role reach that it could not before (ASVS
 * 8.1.1). A route is its method and its address; whoever could not reach it, or only with a fresher
 * proof, is somebody to whom it was opened.
 */
export function compareAccess(before: readonly KeptRow[], now: readonly KeptRow[]): AccessDiff {
  const opened = gained(before, now);
  const closed = gained(now, before);
  return { opened, closed };
}

function gained(from: readonly KeptRow[], to: readonly KeptRow[]): readonly AccessChange[] {
  const earlier = new Map(from.map((row) => [keyOf(row), row]));
  const changes = to.flatMap((row) => {
    const { method, url, stepUpSeconds } = row;
    const was = earlier.get(keyOf(row));
    const before = was ? reachersOf(was) : [];
    return reachersOf(row).flatMap((who): readonly AccessChange[] => {
      if (!was || !before.includes(who)) return [{ who, method, url }];
      if (!isEasier(stepUpSeconds, was.stepUpSeconds)) return [];
      return [{ who, method, url, stepUp: { now: stepUpSeconds, before: was.stepUpSeconds } }];
    });
  });
  return changes.toSorted((a, b) => orderOf(a.who) - orderOf(b.who));
}

function keyOf({ method, url }: KeptRow): string {
  return `${method} ${url}`;
}

/** Roles, and for those that tenants make: whoever has the permission, or no need of one. */
function reachersOf({ access, roles }: KeptRow): readonly string[] {
  return typeof access === 'object' ? [...roles, access.permission] : roles;
}

/** Whether a step-up asks for less than before: a proof may be older, or none is needed. */
function isEasier(now: number | null, before: number | null): boolean {
  return before !== null && (now === null || now > before);
}

function orderOf(who: string): number {
  const place = CALLERS.indexOf(who);
  return place < 0 ? CALLERS.length : place;
}

/** The difference as lines for a person. */
export function accessDiffLines({ opened, closed }: AccessDiff): readonly string[] {
  if (opened.length + closed.length === 0) return ['Nobody can reach more or less than before.'];
  const width = Math.max(...[...opened, ...closed].map(({ who }) => who.length));
  const lines = (title: string, changes: readonly AccessChange[]) =>
    changes.length === 0 ? [] : [title, ...changes.map((change) => lineOf(change, width))];
  return [...lines('Opened', opened), ...lines('Closed', closed)];
}

function lineOf({ who, method, url, stepUp }: AccessChange, width: number): string {
  const route = `  ${who.padEnd(width)}  ${method} ${url}`;
  if (!stepUp) return route;
  const { now, before } = stepUp;
  const proof = now === null ? 'without step-up' : `step-up ${now} s`;
  return `${route}  ${proof}, was ${before === null ? 'without' : `${before} s`}`;
}
