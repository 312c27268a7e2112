import type { Call } from './call.ts';
import type { Exchange } from './exchange.ts';
import { type JsonPath, type Leaf, leavesOf } from './json.ts';
import { type Operation, pathParametersOf } from './operation.ts';
import { attributesOf } from './page.ts';
import { singular, snake, wordsOf } from './words.ts';

/** A value that an answer gave, which a parameter might take. */
export interface PoolEntry {
  /** The field's name in snake case. */
  readonly key: string;
  /** The object's name above it: `order` of `{ order: { id } }`; '' where there is none. */
  readonly above: string;
  readonly value: string;
  readonly from: Call;
  /** Whether it selects an object that the audit created. */
  readonly isCreated: boolean;
  /** The object that it stood in: values of one object belong together. */
  readonly object: string;
  /** The path that a link with this value led to, up to it and without names: `/notes/{}`. */
  readonly selects: string | null;
}

/** What is known of an answer beside the answer. */
export interface Provenance {
  /** Whether the call made the object that is answered. */
  readonly isCreated: boolean;
  /** Canaries that the account has planted: what holds one, it has made. */
  readonly planted: readonly string[];
  readonly templates: readonly Template[];
}

/** A path with parameters, to tell what a link selects. */
export interface Template {
  readonly path: string;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

export function templatesOf(operations: readonly Operation[]): readonly Template[] {
  const paths = new Set(operations.map(({ path }) => path.replace(/\/+$/, '')));
  return [...paths]
    .filter((path) => path.includes('{'))
    .map((path) => {
      const parts = path
        .split(/\{[^{}]+\}/)
        .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
      return {
        path,
        pattern: new RegExp(`^${parts.join('([^/]+)')}/?$`),
        names: pathParametersOf(path),
      };
    });
}

/** Entries that are kept for one account. */
const ENTRIES_MAX = 4_000;

/** The values of an answer that could select something, those of its links included. */
export function entriesOf(
  call: Call,
  { answer, number }: Exchange,
  { isCreated, planted, templates }: Provenance = NOTHING_KNOWN,
): readonly PoolEntry[] {
  const entries: PoolEntry[] = [];
  const location = answer?.headers['location'];
  if (location !== undefined && isCreated) {
    entries.push(...linked(call, location, `${number} location`, true, templates));
  }
  if (answer !== null && answer.json === undefined) entries.push(...linkedIds(call, answer.text));
  const leaves = leavesOf(answer?.json);
  const isMade = madeIn(leaves, planted, isCreated);
  for (const { path, key, value } of leaves) {
    if (entries.length >= ENTRIES_MAX) break;
    if (typeof value !== 'string' && typeof value !== 'number') continue;
    const text = String(value);
    if (text === '' || text.length > 300 || /\s{2}|[\r\n]/.test(text)) continue;
    const object = `${number} ${path.slice(0, -1).join('.')}`;
    const isOurs = isMade(path) && selectsItself(call, key, text, planted);
    const entry = { key: snake(key), above: nameAbove(path), value: text, from: call, object };
    if (text.length <= 120) entries.push({ ...entry, isCreated: isOurs, selects: null });
    if (/^(\/|https?:\/\/)/.test(text)) {
      entries.push(...linked(call, text, `${object} ${key}`, isCreated, templates));
    }
  }
  return entries;
}

const NOTHING_KNOWN: Provenance = { isCreated: false, planted: [], templates: [] };

/** The values in a link, under the names that the path which it leads to has for them. */
function linked(
  from: Call,
  link: string,
  object: string,
  isCreated: boolean,
  templates: readonly Template[],
): readonly PoolEntry[] {
  const path = pathIn(link);
  const isMadeBy = (template: string) =>
    isCreated && template.startsWith(`${from.operation.path.replace(/\/+$/, '')}/{`);
  const found = templates.flatMap(({ path: template, pattern, names }) => {
    const values = pattern.exec(path)?.slice(1) ?? [];
    return values.map((value, index) => ({
      key: snake(names[index] ?? ''),
      above: '',
      value: decoded(value),
      from,
      object,
      isCreated: index === values.length - 1 && isMadeBy(template),
      selects: selectionOf(template, names[index] ?? ''),
    }));
  });
  const last = path.split('/').findLast((part) => part !== '');
  if (found.length > 0 || !isCreated || last === undefined) return found;
  const own = { key: 'id', above: '', value: decoded(last), from, object };
  return [{ ...own, isCreated, selects: null }];
}

/** An entry for one parameter of a path, whatever else is known: `value` selects there. */
export function entryFor({ path }: Operation, name: string, value: string, from: Call): PoolEntry {
  const entry = { key: snake(name), above: '', value, from, object: `${name} ${value}` };
  return { ...entry, isCreated: true, selects: selectionOf(path, name) };
}

/** A template up to a parameter, whatever that is called there. */
export function selectionOf(template: string, name: string): string {
  const at = template.indexOf(`{${name}}`);
  return `${template.slice(0, at)}{}`.replaceAll(/\{[^{}]*\}/g, '{}');
}

function pathIn(link: string): string {
  try {
    return new URL(link, 'http://target.invalid').pathname;
  } catch {
    return '';
  }
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/**
 * Tells whether a value stands in an object that was made, and not in one beside it or around it:
 * what was planted stands in it. Where nothing planted is answered, the outermost id is the new.
 */
function madeIn(
  leaves: readonly Leaf[],
  planted: readonly string[],
  isCreated: boolean,
): (path: JsonPath) => boolean {
  const places = leaves.filter(({ value }) => holds(value, planted)).map(({ path }) => path);
  const isUnder = (above: JsonPath, path: JsonPath) =>
    above.every((step, index) => path[index] === step);
  if (places.length === 0) {
    const ids = leaves.filter(({ key }) => OWN_ID.test(snake(key)));
    const depth = Math.min(...ids.map(({ path }) => path.length));
    return (path) => isCreated && (ids.length === 0 || path.length === depth);
  }
  return (path) => {
    const around = path.slice(0, -1);
    return places.some(
      (place) =>
        isUnder(around, place) &&
        (isCreated || !place.slice(around.length).some((step) => typeof step === 'number')),
    );
  };
}

function holds(value: unknown, planted: readonly string[]): boolean {
  return typeof value === 'string' && planted.some((canary) => value.includes(canary));
}

export const OWN_ID = /^(_?id|uuid|guid|pk|key|slug|code|number|no|ref|reference|sku|handle)$/;

/**
 * Whether a value of an object that was made selects this object, and not one that it refers to:
 * nothing that was there before must be taken for our own.
 */
function selectsItself(call: Call, name: string, value: string, planted: readonly string[]) {
  if (holds(value, planted)) return true;
  if (Object.values(call.path).includes(value)) return false;
  const key = snake(name);
  if (OWN_ID.test(key)) return true;
  const [, noun, id] = /^(?:.*_)?([^_]+)_([^_]+)$/.exec(key) ?? [];
  const segments = call.operation.path.split('/').filter((part) => !part.includes('{'));
  return (
    OWN_ID.test(id ?? '') &&
    segments
      .flatMap(wordsOf)
      .map(singular)
      .includes(noun ?? '')
  );
}

/** The values that a granted call took: the same place takes them again. */
export function boundEntries(call: Call): readonly PoolEntry[] {
  return Object.entries(call.path).map(([name, value]) => ({
    key: snake(name),
    above: '',
    value,
    from: call,
    isCreated: false,
    object: `call ${JSON.stringify(call.path)}`,
    selects: selectionOf(call.operation.path, name),
  }));
}

/** The ids in a page's links: `/notes/12/` has the `note_id` 12. */
function linkedIds(from: Call, html: string): readonly PoolEntry[] {
  return attributesOf(html, 'a', 'href').flatMap((href) => {
    const segments = (href.split(/[?#]/)[0] ?? '').split('/').filter((part) => part !== '');
    return segments.flatMap((value, index) => {
      const noun = segments[index - 1];
      if (noun === undefined || !/^(\d+|[0-9a-f-]{24,36})$/i.test(value)) return [];
      const entry = { key: `${singular(snake(noun))}_id`, above: '', value, from, object: href };
      return [{ ...entry, isCreated: false, selects: null }];
    });
  });
}

function nameAbove(path: JsonPath): string {
  const above = path.slice(0, -1).findLast((step) => typeof step === 'string');
  return above === undefined ? '' : singular(snake(above));
}
