import { isObject } from './json.ts';
import type { Operation, Schema } from './operation.ts';
import { snake } from './words.ts';

/** A field of a body as the schema has it, at any depth. */
export interface Field {
  readonly name: string;
  readonly path: readonly (string | number)[];
  readonly schema: Schema;
  readonly required: boolean;
}

const DEPTH_MAX = 6;

const FIELDS_MAX = 300;

/** The fields of a schema that hold scalars or lists, those of nested objects with their path. */
export function fieldsOf(schema: Schema | null): readonly Field[] {
  const fields: Field[] = [];
  const visit = (one: Schema, path: readonly (string | number)[], required: boolean) => {
    if (path.length > DEPTH_MAX || fields.length > FIELDS_MAX) return;
    const { properties, required: names } = objectOf(one);
    for (const [name, property] of Object.entries(properties)) {
      const inner = [...path, name];
      const asked = required && names.includes(name);
      const plain = plainSchema(property);
      if (Object.keys(objectOf(plain).properties).length > 0) visit(plain, inner, asked);
      else fields.push({ name, path: inner, schema: plain, required: asked });
    }
  };
  if (schema !== null) visit(plainSchema(schema), [], true);
  return fields;
}

/** The fields of every body of an operation. */
export function bodyFieldsOf(operation: Operation): readonly Field[] {
  return operation.bodies.flatMap(({ schema }) => fieldsOf(schema));
}

/** The operation with fields of this name as required ones: what is optional may be left out. */
export function requiring(operation: Operation, kind: RegExp): Operation {
  const names = bodyFieldsOf(operation)
    .filter(({ name, path }) => path.length === 1 && kind.test(snake(name)))
    .map(({ name }) => name);
  const bodies = operation.bodies.map((body) => {
    const schema = plainSchema(body.schema);
    const { required } = objectOf(schema);
    // Where none is said to be required, all are sent anyway.
    if (required.length === 0) return body;
    return { ...body, schema: { ...schema, required: [...required, ...names] } };
  });
  return { ...operation, bodies };
}

/** The properties of an object's schema, those of `allOf` included. */
export function objectOf(schema: Schema): {
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required: readonly string[];
} {
  const properties: Record<string, Schema> = {};
  const required: string[] = [];
  const add = (one: Schema, depth: number) => {
    if (depth > DEPTH_MAX) return;
    const own = one['properties'];
    if (isObject(own)) {
      for (const [name, property] of Object.entries(own)) {
        if (isObject(property)) properties[name] = property;
      }
    }
    const names = one['required'];
    if (Array.isArray(names)) required.push(...names.filter((name) => typeof name === 'string'));
    for (const part of parts(one, 'allOf')) add(part, depth + 1);
  };
  add(schema, 0);
  return { properties, required };
}

/**
 * The schema itself, or the first choice of `anyOf` and `oneOf` that is not null; of a list of
 * things and a single one, the one.
 */
export function plainSchema(schema: Schema, depth = 0): Schema {
  if (depth > DEPTH_MAX) return {};
  const choices = [...parts(schema, 'anyOf'), ...parts(schema, 'oneOf')];
  const [first, ...others] = choices.filter((one) => one['type'] !== 'null');
  const single =
    first && typeOf(first) === 'array' ? others.find((one) => typeOf(one) === 'object') : undefined;
  const choice = single ?? first;
  if (choice === undefined || schema['properties'] !== undefined) return schema;
  return plainSchema({ ...schema, anyOf: undefined, oneOf: undefined, ...choice }, depth + 1);
}

/** The type, of several the first that is not null; where it is missing, told from the rest. */
export function typeOf(schema: Schema): string {
  const { type } = schema;
  if (typeof type === 'string') return type;
  if (Array.isArray(type)) return String(type.find((one) => one !== 'null') ?? 'null');
  const { properties } = objectOf(schema);
  if (Object.keys(properties).length > 0) return 'object';
  if (schema['items'] !== undefined) return 'array';
  return 'string';
}

function parts(schema: Schema, keyword: string): readonly Schema[] {
  const value = schema[keyword];
  return Array.isArray(value) ? value.filter((one) => isObject(one)) : [];
}
