import { typeOf } from './fields.ts';
import { TENANT_FIELD } from './identity.ts';
import {
  isSafe,
  type Operation,
  type Parameter,
  pathParametersOf,
  type Schema,
} from './operation.ts';
import { OWN_ID, type PoolEntry, selectionOf } from './pool.ts';
import { singular, snake, wordsOf } from './words.ts';

const ID_KEY =
  /(^|_)(id|uuid|guid|pk|key|slug|code|number|no|ref|reference|name|username|title|email|handle|login|sku|vin|token)$/;

/** How many values are tried for one parameter. */
export const CANDIDATES_MAX = 4;

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
  const fitting = pool.filter(({ value }) => fits(value, parameter.schema));
  const values = new Set(Object.values(bound));
  const together = new Set(pool.filter(({ value }) => values.has(value)).map((one) => one.object));
  const made = new Set(pool.filter(({ isCreated }) => isCreated).map((one) => one.object));
  const rated = fitting
    .map((entry) => {
      const score = scoreOf(entry, sight, bound);
      if (score <= 0) return { entry, score };
      // An id of several parts: those of one object, and of our own before others.
      const bonus = (together.has(entry.object) ? 10 : 0) + (made.has(entry.object) ? 20 : 0);
      return { entry, score: score + bonus };
    })
    .filter(({ score }) => score >= 30)
    .toSorted((one, other) => other.score - one.score)
    .map(({ entry }) => entry);
  const found =
    rated.length === 0 && parameter.in === 'path' && isSafe(operation.method)
      ? about(fitting, sight)
      : rated;
  const first = new Map(found.toReversed().map((entry) => [entry.value, entry]));
  return [...new Set(found.map(({ value }) => value))].flatMap((value) => first.get(value) ?? []);
}

/**
 * For a parameter that no name fits: what the target says of the account itself, such as its
 * tenant. Whether it is meant, the answer shows.
 */
function about(fitting: readonly PoolEntry[], sight: ParameterSight): readonly PoolEntry[] {
  const words = new Set([...wordsOf(sight.name), sight.resource]);
  const likeness = ({ key, above }: PoolEntry) =>
    [...wordsOf(key), above].filter((word) => words.has(singular(word))).length * 4 +
    (TENANT_FIELD.test(key) && TENANT_FIELD.test(sight.name) ? 4 : 0) +
    (OWN_ID.test(key) || ID_KEY.test(key) ? 1 : 0);
  return fitting
    .filter(
      ({ object, from, value }) =>
        Object.keys(from.path).length === 0 &&
        !/\.?\b\d+\b/.test(object.replace(/^\d+ /, '')) &&
        /^[\w.@-]{1,60}$/.test(value),
    )
    .toSorted((one, other) => likeness(other) - likeness(one))
    .slice(0, CANDIDATES_MAX);
}

/** What a parameter selects from: `/orders/{order_id}` from `/orders`, an order. */
interface ParameterSight {
  readonly name: string;
  /** The path up to the parameter, without names: `/notes/{}`. */
  readonly selects: string;
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
  const selects = at < 0 ? '' : selectionOf(operation.path, parameter.name);
  return { name, selects, prefix, resource };
}

function scoreOf(
  entry: PoolEntry,
  { name, selects, prefix, resource }: ParameterSight,
  bound: Readonly<Record<string, string>>,
): number {
  const { key, above, from, isCreated } = entry;
  const source = from.operation.path.replace(/\/+$/, '');
  const isCollection = source === prefix;
  // `/orgs/{org}/notes` answers notes, and no orgs.
  const isUnder =
    prefix !== '' &&
    source.startsWith(`${prefix}/`) &&
    !/\}\/[^{]/.test(source.slice(prefix.length));
  const isId = /^(id|_id|uuid|guid|pk)$/.test(key);
  const lastSegment =
    source.split('/').findLast((part) => part !== '' && !part.includes('{')) ?? '';
  const isNamesake = wordsOf(lastSegment).map(singular).includes(resource);
  let score = 0;
  if (entry.selects !== null)
    score = entry.selects === selects ? 100 : key === name && !isId ? 35 : 0;
  else if (key === name) score = isId && !isCollection && !isUnder && !isNamesake ? 10 : 50;
  else if (isId && (isCollection || isUnder || isNamesake)) score = 45;
  else if (resource !== '' && key === `${resource}_id`) score = 45;
  else if (resource !== '' && above === resource && isId) score = 45;
  else if (ID_KEY.test(key) && (name.endsWith(`_${key}`) || key.endsWith(`_${name}`))) score = 35;
  else if (isCollection && ID_KEY.test(key)) score = 30;
  if (score === 0) return 0;
  // What is only perhaps its name gains less from being our own.
  if (isCreated) score += score >= 45 ? 40 : score >= 35 ? 25 : 10;
  if (isCollection) score += 20;
  else if (isUnder) score += 8;
  if (above === resource && resource !== '') score += 5;
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
