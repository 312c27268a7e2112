import { type BuiltBody, type Lookup, type Planted } from './bodies.ts';
import type { Complaint } from './complaints.ts';
import { type Json, valueAt, withoutValueAt, withValueAt } from './json.ts';
import type { Schema } from './operation.ts';
import { valueFor } from './values.ts';
import { isPasswordField } from './words.ts';

/**
 * The body as its target's complaints want it, or null where they lead to no other body. A field
 * that is not wanted goes, a missing one comes, one of the wrong form gets another.
 */
export function repaired(
  built: BuiltBody,
  complaints: readonly Complaint[],
  canary: () => string,
  lookup: Lookup,
): BuiltBody | null {
  let { body } = built;
  let planted = [...built.planted];
  for (const complaint of complaints) {
    const fix = fixFor(complaint, body, canary(), lookup);
    const { path } = complaint;
    if (fix === null) continue;
    planted = planted.filter((one) => one.path.join('.') !== path.join('.'));
    if (fix === 'remove') {
      body = withoutValueAt(body, path);
      continue;
    }
    body = withValueAt(body, path, fix.value);
    if (fix.canary !== null) planted.push({ path, canary: fix.canary });
  }
  const isSame = JSON.stringify(body) === JSON.stringify(built.body);
  return isSame ? null : { body, planted: planted satisfies Planted[] };
}

type Fix = 'remove' | { readonly value: Json; readonly canary: string | null };

/** What a message asks for, and the schema of a value that has it. The first that fits is taken. */
const WANTS: readonly (readonly [message: RegExp, schema: (found: RegExpExecArray) => Schema])[] = [
  [
    /(?:one of|permitted|expected|input should be|allowed values?|choices?(?: are)?|must be)[^'"`\w]*((?:['"`][\w -]+['"`](?:, | or |, or |\||\/)?)+)/i,
    ([, all = '']) => ({ enum: [...all.matchAll(/['"`]([\w -]+)['"`]/g)].map(([, one]) => one) }),
  ],
  [/one of:? \[?([\w-]+(?:, ?[\w-]+)+)/i, ([, all = '']) => ({ enum: all.split(/, ?/) })],
  [/e-?mail/i, () => ({ type: 'string', format: 'email' })],
  [/uuid|guid/i, () => ({ type: 'string', format: 'uuid' })],
  [/\burl\b|\buri\b/i, () => ({ type: 'string', format: 'uri' })],
  [/date-?time|iso ?8601|timestamp/i, () => ({ type: 'string', format: 'date-time' })],
  [/\bdate\b/i, () => ({ type: 'string', format: 'date' })],
  [/bool/i, () => ({ type: 'boolean' })],
  [
    /greater than or equal to (\d+)|>= ?(\d+)|at least (\d+)$|minimum(?: value)? (?:is )?(\d+)|not be less than (\d+)/i,
    (found) => ({ type: 'integer', minimum: numberIn(found) }),
  ],
  [
    /greater than (\d+)|> ?(\d+)|positive/i,
    (found) => ({ type: 'integer', minimum: numberIn(found) + 1 }),
  ],
  [
    /less than or equal to (\d+)|<= ?(\d+)|at most (\d+)$|not be greater than (\d+)/i,
    (found) => ({ type: 'integer', maximum: numberIn(found) }),
  ],
  [
    /(?:at least|min(?:imum)?(?: length)?(?: of| is)?|longer than or equal to|>=) ?(\d+) ?(?:char|item|symbol|letter)?/i,
    (found) => ({ type: 'string', minLength: numberIn(found) }),
  ],
  [
    /(?:at most|no more than|max(?:imum)?(?: length)?(?: of| is)?|shorter than or equal to|fewer than|<=) ?(\d+) ?(?:char|item|symbol|letter)?/i,
    (found) => ({ type: 'string', maxLength: numberIn(found) }),
  ],
  [/\bint(eger)?\b|whole number/i, () => ({ type: 'integer' })],
  [/\bnumber\b|numeric|float|decimal/i, () => ({ type: 'number' })],
  [/\b(list|array)\b/i, () => ({ type: 'array' })],
  [/\b(object|dict(ionary)?)\b/i, () => ({ type: 'object' })],
  [/phone/i, () => ({ type: 'string', example: 'phone' })],
];

const UNWANTED =
  /\b(extra|unexpected|unknown|not allowed|additional propert|should not exist|not permitted|unrecognized|forbidden|must not be (present|set))/i;

const TAKEN = /\b(exists?|taken|unique|already|in use|duplicate)\b/i;

function fixFor(
  { path, message }: Complaint,
  body: Json,
  canary: string,
  lookup: Lookup,
): Fix | null {
  const name = path.findLast((step) => typeof step === 'string') ?? '';
  if (name === '') return null;
  const present = valueAt(body, path);
  if (UNWANTED.test(message)) return present === undefined ? null : 'remove';
  const known = lookup(name, path, {});
  if (known !== undefined && present === undefined) return { value: known, canary: null };
  // A password that is given is the one that is meant: with another one nobody would sign in.
  if (known !== undefined && isPasswordField(name)) return null;
  // Free text that is there and not unique becomes another free text.
  if (TAKEN.test(message)) return valueOf(name, {}, canary);
  for (const [pattern, schemaOf] of WANTS) {
    const found = pattern.exec(message);
    if (found === null) continue;
    const schema = schemaOf(found);
    if (schema['type'] === 'array')
      return { value: present === undefined ? [] : [present], canary: null };
    if (schema['type'] === 'object') return { value: {}, canary: null };
    return valueOf(name, schema, canary);
  }
  const isPlain = typeof present === 'number' || typeof present === 'boolean';
  if (/\bstring\b/i.test(message) && isPlain) return { value: `${present}`, canary: null };
  return valueOf(name, {}, canary);
}

function valueOf(name: string, schema: Schema, canary: string): Fix {
  const { value, planted } = valueFor(name, schema, canary);
  return { value, canary: planted ? canary : null };
}

function numberIn(found: RegExpExecArray): number {
  return Number(found.slice(1).find((one) => one !== undefined) ?? 0);
}

/** How often a body is repaired before the operation is given up. */
export const REPAIRS_MAX = 4;
