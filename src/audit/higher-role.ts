import type { Operation } from './operation.ts';
import type { Run } from './run.ts';
import { wordsOf } from './words.ts';

const NAMES =
  /\b(admin|admins|administrator|administration|manage|manager|management|internal|staff|moderator|moderation|backoffice|superuser|root|owner only)\b/;

/** Whether a name says that an operation is for a higher role, and one of its kind refuses A. */
export function isForHigherRole(run: Run, operation: Operation): boolean {
  return isNamedSo(operation) && run.operations.some((one) => isNamedSo(one) && refusesA(run, one));
}

function isNamedSo({ path, name, tags }: Operation): boolean {
  const words = [...path.split('/').filter((part) => !part.includes('{')), name, ...tags].flatMap(
    wordsOf,
  );
  return NAMES.test(words.join(' '));
}

/** Whether the superior is granted what A is refused. */
export function refusesA(run: Run, { id }: Operation): boolean {
  const access = run.knowledge.matrix.get(id);
  return access?.a === 'refused' && access.superior === 'granted';
}
