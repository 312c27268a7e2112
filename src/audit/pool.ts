import type { Call } from './call.ts';
import type { Exchange } from './exchange.ts';
import { type JsonPath, leavesOf } from './json.ts';
import { type Operation, type Parameter, pathParametersOf, type Schema } from './operation.ts';
import { typeOf } from './fields.ts';
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
  /** Whether it is of an object that the audit created. */
  readonly isCreated: boolean;
}

/** Entries that are kept for one account. */
const ENTRIES_MAX = 4_000;

const ID_KEY =
  /(^|_)(id|uuid|guid|pk|key|slug|code|number|no|ref|reference|name|username|title|email|handle|login|sku|vin|token)$/;

/** How many values are tried for one parameter. */
export const CANDIDATES_MAX = 4;

/** The values of an answer that could select something, the first of each list item. */
export function entriesOf(
  call: Call,
  { answer }: Exchange,
  isCreated = false,
): readonly PoolEntry[] {
  const entries: PoolEntry[] = [];
  const location = answer?.headers['location'];
  const last = location
    ?.split(/[?#]/)[0]
    ?.split('/')
    .findLast((part) => part !== '');
  if (isCreated && last !== undefined) {
    entries.push({ key: 'id', above: '', value: decodeURIComponent(last), from: call, isCreated });
  }
  if (answer !== null && answer.json === undefined) entries.push(...linkedIds(call, answer.text));
  for (const { path, key, value } of leavesOf(answer?.json)) {
    if (entries.length >= ENTRIES_MAX) break;
    if (typeof value !== 'string' && typeof value !== 'number') continue;
    const text = String(value);
    if (text === '' || text.length > 120 || /\s{2}|[\r\n]/.test(text)) continue;
    entries.push({ key: snake(key), above: nameAbove(path), value: text, from: call, isCreated });
  }
  return entries;
}

/** The ids in a page's links: `/notes/12/` has the `note_id` 12. */
function linkedIds(from: Call, html: string): readonly PoolEntry[] {
  return attributesOf(html, 'a', 'href').flatMap((href) => {
    const segments = (href.split(/[?#]/)[0] ?? '').split('/').filter((part) => part !== '');
    return segments.flatMap((value, index) => {
      const noun = segments[index - 1];
      if (noun === undefined || !/^(\d+|[0-9a-f-]{24,36})$/i.test(value)) return [];
      return [{ key: `${singular(snake(noun))}_id`, above: '', value, from, isCreated: false }];
    });
  });
}

/**
 * The values that fit a parameter, the likeliest first: those of the collection that the parameter
 * selects from, under its own name or `id`; then the same name from anywhere.
 */
export function candidatesOf(
  operation: Operation,
  parameter: Pick<Parameter, 'name' | 'in' | 'schema'>,
  pool: readonly PoolEntry[],
  bound: Readonly<Record<string, string>>,
): readonly PoolEntry[] {
  const sight = sightOf(operation, parameter);
  const rated = pool
    .filter(({ value }) => fits(value, parameter.schema))
    .map((entry) => ({ entry, score: scoreOf(entry, sight, bound) }))
    .filter(({ score }) => score >= 30)
    .toSorted((one, other) => other.score - one.score);
  const values = new Map(rated.toReversed().map(({ entry }) => [entry.value, entry]));
  const order = [...new Set(rated.map(({ entry }) => entry.value))];
  return order.flatMap((value) => values.get(value) ?? []);
}

/** What a parameter selects from: `/orders/{order_id}` from `/orders`, an order. */
interface ParameterSight {
  readonly name: string;
  readonly prefix: string;
  readonly resource: string;
}

function sightOf(operation: Operation, parameter: Pick<Parameter, 'name' | 'in'>): ParameterSight {
  const name = snake(parameter.name);
  const at = parameter.in === 'path' ? operation.path.indexOf(`{${parameter.name}}`) : -1;
  const prefix = (at < 0 ? operation.path : operation.path.slice(0, at)).replace(/\/+$/, '');
  const fromName = name.replace(/_?(id|uuid|guid|pk|key|slug|code|name|number|no)$/, '');
  const segment = prefix.split('/').findLast((part) => part !== '' && !part.includes('{')) ?? '';
  const resource = fromName === '' ? singular(wordsOf(segment).at(-1) ?? '') : fromName;
  return { name, prefix, resource };
}

function scoreOf(
  entry: PoolEntry,
  { name, prefix, resource }: ParameterSight,
  bound: Readonly<Record<string, string>>,
): number {
  const { key, above, from, isCreated } = entry;
  const source = from.operation.path.replace(/\/+$/, '');
  const isCollection = source === prefix;
  const isUnder = prefix !== '' && source.startsWith(`${prefix}/`);
  const isId = /^(id|_id|uuid|guid|pk)$/.test(key);
  const lastSegment =
    source.split('/').findLast((part) => part !== '' && !part.includes('{')) ?? '';
  const isNamesake = wordsOf(lastSegment).map(singular).includes(resource);
  let score = 0;
  if (key === name) score = isId && !isCollection && !isUnder && !isNamesake ? 10 : 50;
  else if (isId && (isCollection || isUnder || isNamesake)) score = 45;
  else if (resource !== '' && key === `${resource}_id`) score = 45;
  else if (resource !== '' && above === resource && isId) score = 45;
  else if (ID_KEY.test(key) && (name.endsWith(`_${key}`) || key.endsWith(`_${name}`))) score = 35;
  else if (isCollection && ID_KEY.test(key)) score = 30;
  if (score === 0) return 0;
  if (isCollection) score += 20;
  else if (isUnder) score += 8;
  if (above === resource && resource !== '') score += 5;
  if (isCreated) score += 40;
  const isElsewhere = pathParametersOf(source).some(
    (one) =>
      bound[one] !== undefined && from.path[one] !== undefined && from.path[one] !== bound[one],
  );
  return isElsewhere ? score - 60 : score;
}

function fits(value: string, schema: Schema): boolean {
  const type = typeOf(schema);
  if ((type === 'integer' || type === 'number') && !/^-?\d+(\.\d+)?$/.test(value)) return false;
  if (schema['format'] === 'uuid') return /^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(value);
  const choices = schema['enum'];
  return !Array.isArray(choices) || choices.includes(value);
}

function nameAbove(path: JsonPath): string {
  const above = path.slice(0, -1).findLast((step) => typeof step === 'string');
  return above === undefined ? '' : singular(snake(above));
}
