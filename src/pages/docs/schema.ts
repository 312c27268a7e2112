import type { Schema } from './openapi.ts';

/** One field of a body: nested ones have dotted names, elements of an array have brackets. */
export interface Field {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly limits: string;
  readonly description: string;
}

/** The fields of a schema in their order, each followed by what is inside of it. */
export function fieldsOf(schema: Schema, prefix = ''): readonly Field[] {
  const own = withoutNull(schema);
  if (own.items) return fieldsOf(own.items, `${prefix}[]`);
  const required = own.required ?? [];
  return Object.entries(own.properties ?? {}).flatMap(([name, property]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const field = {
      name: path,
      type: typeText(property),
      required: required.includes(name),
      limits: limitsText(property),
      description: property.description ?? '',
    };
    return [field, ...fieldsOf(property, path)];
  });
}

/** The type in words: `string (uuid)`, `array of object`, or the only values that there are. */
export function typeText(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (schema.anyOf) return schema.anyOf.map(typeText).join(' or ');
  const type = [schema.type ?? 'anything'].flat().join(' or ');
  if (type === 'array') return schema.items ? `array of ${typeText(schema.items)}` : 'array';
  return schema.format ? `${type} (${schema.format})` : type;
}

/** What a value must keep to beside its type; empty where nothing is said. */
export function limitsText(schema: Schema): string {
  const own = withoutNull(schema);
  const texts = [
    rangeText(own.minLength, own.maxLength, ' characters'),
    rangeText(own.minItems, own.maxItems, ' elements'),
    // The bounds of what a double holds exactly are those of every integer, and say nothing.
    rangeText(safeBound(own.minimum), safeBound(own.maximum), ''),
    own.pattern && !own.format ? `matches ${own.pattern}` : '',
  ];
  return texts.filter((text) => text !== '').join(', ');
}

/** The token of a mailed link, where an example needs one. */
export const MAILED_TOKEN = 'the token of the mailed link';

const PASSWORD = 'a mango under the piano';

/** Fields whose schema says no more than that they are text. */
const EXAMPLES: Readonly<Record<string, string>> = {
  email: 'ada@example.com',
  password: PASSWORD,
  currentPassword: PASSWORD,
  newPassword: 'a piano under the mango',
  displayName: 'Ada Lovelace',
  token: MAILED_TOKEN,
  csrfToken: '8TeF3ZDJ0Q6v...',
  to: 'ada@example.com',
  browser: 'Firefox',
  system: 'Linux',
  kind: 'signed-in',
  subject: 'Confirm your email address for Sallyport',
  links: 'http://localhost:4000/confirm-email?token=...',
};

const FORMATS: Readonly<Record<string, string>> = {
  uuid: '6c3f0e47-5b0c-4c7e-9d57-2a1f3c8e4b90',
  'date-time': '2026-11-21T22:55:57.301Z',
  email: 'ada@example.com',
};

/** A value that the schema takes; `name` is that of the field, which often says more. */
export function exampleOf(schema: Schema, name = ''): unknown {
  const given = [schema.examples?.[0], schema.const, schema.enum?.[0], schema.default];
  const known = given.find((value) => value !== undefined);
  if (known !== undefined) return known;
  if (schema.anyOf?.[0]) return exampleOf(schema.anyOf[0], name);
  if (schema.items) return [exampleOf(schema.items, name)];
  const type = [schema.type].flat()[0];
  if (type === 'string') {
    return entryOf(FORMATS, schema.format ?? '') ?? entryOf(EXAMPLES, name) ?? '...';
  }
  if (type === 'integer' || type === 'number') return safeBound(schema.minimum) ?? 1;
  if (type === 'boolean') return true;
  if (type !== 'object') return null;
  return Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([key, each]) => [key, exampleOf(each, key)]),
  );
}

function entryOf(table: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Of a value that may also be null, what it is otherwise. */
function withoutNull(schema: Schema): Schema {
  return schema.anyOf?.find(({ type }) => type !== 'null') ?? schema;
}

function safeBound(bound: number | undefined): number | undefined {
  return bound === undefined || Math.abs(bound) >= Number.MAX_SAFE_INTEGER ? undefined : bound;
}

function rangeText(least: number | undefined, most: number | undefined, unit: string): string {
  if (least !== undefined && most !== undefined) return `${least} to ${most}${unit}`;
  if (least !== undefined) return `at least ${least}${unit}`;
  return most === undefined ? '' : `at most ${most}${unit}`;
}
