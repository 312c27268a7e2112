import { isObject, type JsonObject } from './json.ts';

/** Nodes of a document that are looked at; more are left as they are. */
const NODES_MAX = 500_000;

/**
 * A copy of a document in which each `{ $ref: '#/...' }` is the object it names: the same object
 * each time, so that a reference into itself makes a circle and not a copy without end.
 *
 * References to other files and addresses become `{}`, and are named in `problems`; so do those
 * that lead nowhere or only to each other.
 */
export function linked(document: JsonObject, problems: string[]): Record<string, unknown> {
  const root = structuredClone(document) as Record<string, unknown>;
  const seen = new Set<object>([root]);
  const open: object[] = [root];
  const told = new Set<string>();
  const tell = (problem: string) => {
    if (!told.has(problem) && told.size < 50) problems.push(problem);
    told.add(problem);
  };
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const [key, value] of Object.entries(node)) {
      if (typeof value !== 'object' || value === null) continue;
      const child = isReference(value) ? follow(root, value, tell) : (value as object);
      if (child !== value) (node as Record<string, unknown>)[key] = child;
      if (seen.has(child)) continue;
      if (seen.size >= NODES_MAX) {
        tell(`the document is too large: ${NODES_MAX} parts of it are looked at`);
        return root;
      }
      seen.add(child);
      open.push(child);
    }
  }
  return root;
}

interface Reference {
  readonly $ref: string;
}

function isReference(value: unknown): value is Reference {
  return isObject(value) && typeof value['$ref'] === 'string';
}

function follow(root: object, reference: Reference, tell: (problem: string) => void): object {
  const passed = new Set<unknown>();
  let target: unknown = reference;
  while (isReference(target)) {
    if (passed.has(target)) {
      tell(`the reference ${reference.$ref} leads to itself`);
      return {};
    }
    passed.add(target);
    if (!target.$ref.startsWith('#')) {
      tell(`the reference ${target.$ref} leaves the document and is not followed`);
      return {};
    }
    target = find(root, target.$ref.slice(1));
  }
  if (typeof target === 'object' && target !== null) return target;
  tell(`the reference ${reference.$ref} leads nowhere`);
  return {};
}

/** What a JSON pointer names. RFC 6901. */
function find(root: object, pointer: string): unknown {
  let value: unknown = root;
  for (const step of pointer.split('/').slice(1)) {
    const name = decoded(step).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
