import { objectOf, plainSchema, typeOf } from './fields.ts';
import { isObject, type Json, type JsonPath, withValueAt } from './json.ts';
import type { Body, Operation, Schema } from './operation.ts';
import { takesFreeText, valueFor } from './values.ts';
import { isConfirmation, isPasswordField, snake } from './words.ts';

/** A canary and where it was put. */
export interface Planted {
  readonly path: JsonPath;
  readonly canary: string;
}

export interface BuiltBody {
  readonly body: Json;
  readonly planted: readonly Planted[];
}

/** Gives the value of a field that is known already: a foreign id, a password. */
export type Lookup = (name: string, path: JsonPath, schema: Schema) => Json | undefined;

const DEPTH_MAX = 6;

/**
 * Fields that the server gives an object: a schema that stands for the whole of it lists them too.
 * Sending one is refused, or makes an object under an id that nobody else would give.
 */
const SERVER_SET =
  /^(_?id|uuid|guid|_+v|(created|updated|modified|deleted)(_?(at|on|by|date|time))?|(date|time|user)_(created|updated|modified|deleted)|(creation|modification|update)_(date|time)|last_(modified|updated))$/;

/** Which body of several is sent: what most checks can alter is JSON. */
const TYPES = [/json/, /x-www-form-urlencoded/, /multipart/, /./];

export function preferredBody(operation: Operation): Body | null {
  for (const type of TYPES) {
    const body = operation.bodies.find(({ contentType }) => type.test(contentType));
    if (body !== undefined) return body;
  }
  return null;
}

/**
 * The smallest document that the schema allows, with a canary of its own in each free text.
 *
 * Required fields are taken, and free text beside them where there would be none; all fields where
 * the schema says of none that it is required, as many hand-written ones do. An example of the
 * document is the start where there is one: it knows more than the schema.
 */
export function buildBody(body: Body, canary: () => string, lookup: Lookup): BuiltBody {
  const planted: Planted[] = [];
  const start = body.example ?? plainSchema(body.schema)['example'];
  const built = sample({ schema: body.schema, path: [], name: '', canary, lookup, planted });
  if (!isObject(start) || !isObject(built)) return { body: built, planted };
  // Of an example only what the schema does not say better: its fields that were not built.
  const { properties } = objectOf(plainSchema(body.schema));
  const more = Object.entries(start).filter(([name]) => !(name in properties) && !(name in built));
  return { body: { ...Object.fromEntries(more), ...built }, planted };
}

interface Place {
  readonly schema: Schema;
  readonly path: JsonPath;
  readonly name: string;
  readonly canary: () => string;
  readonly lookup: Lookup;
  readonly planted: Planted[];
}

function sample(place: Place): Json {
  const { path, name, lookup, planted } = place;
  const schema = plainSchema(place.schema);
  const known = lookup(name, path, schema);
  const type = typeOf(schema);
  // `user` may be a name to sign in with, and an object that holds one.
  if (known !== undefined && (type !== 'object' || isObject(known))) return known;
  if (type === 'object') return sampleObject({ ...place, schema });
  if (type === 'array') return sampleArray({ ...place, schema });
  if (!takesFreeText(name, schema)) {
    const example = schema['example'] ?? schema['default'];
    const isUsable =
      typeof example === 'string' || typeof example === 'number' || typeof example === 'boolean';
    const isForm =
      typeOf(schema) === 'string' && (schema['format'] !== undefined || isPasswordField(name));
    if (isUsable && !isForm) return example;
  }
  const canary = place.canary();
  const { value, planted: isPlanted } = valueFor(name, schema, canary);
  if (isPlanted) planted.push({ path, canary });
  return value;
}

function sampleObject(place: Place): Json {
  const { properties, required } = objectOf(place.schema);
  const writable = Object.entries(properties).filter(([, one]) => one['readOnly'] !== true);
  const asked = writable.filter(([name]) => required.includes(name));
  const isFree = (name: string, one: Schema) =>
    takesFreeText(name, plainSchema(one)) &&
    place.lookup(name, [...place.path, name], plainSchema(one)) === undefined;
  const text = writable.find(([name, one]) => isFree(name, one) && !/(_|^)ids?$|id$/i.test(name));
  const hasText = asked.some(([name, one]) => isFree(name, one));
  const stated = writable.filter(([name]) => !SERVER_SET.test(snake(name)));
  let chosen = required.length === 0 ? (stated.length === 0 ? writable : stated) : asked;
  if (required.length > 0 && !hasText && text !== undefined) chosen = [...asked, text];
  if (place.path.length >= DEPTH_MAX) return {};
  const document: Record<string, Json> = {};
  let password: Json | undefined;
  for (const [name, schema] of chosen.slice(0, 60)) {
    if (isPasswordField(name) && isConfirmation(name) && password !== undefined) {
      document[name] = password;
      continue;
    }
    document[name] = sample({ ...place, schema, path: [...place.path, name], name });
    if (isPasswordField(name)) password = document[name];
  }
  return document;
}

function sampleArray(place: Place): Json {
  const items = place.schema['items'];
  const least = place.schema['minItems'];
  if (!isObject(items) || place.path.length >= DEPTH_MAX) return [];
  const isScalar = !['object', 'array'].includes(typeOf(plainSchema(items)));
  // A list that may be empty stays so, unless its items are plain values.
  if (!(typeof least === 'number' && least > 0) && !isScalar) {
    const item = sample({ ...place, schema: items, path: [...place.path, 0] });
    return isObject(item) && Object.keys(item).length > 0 ? [item] : [];
  }
  const count = typeof least === 'number' ? Math.min(Math.max(least, 1), 5) : 1;
  return Array.from({ length: count }, (_, index) =>
    sample({ ...place, schema: items, path: [...place.path, index] }),
  );
}

/** The body with another canary in each place that has one. */
export function replanted(built: BuiltBody, canary: () => string): BuiltBody {
  let { body } = built;
  const planted = built.planted.map(({ path, canary: before }) => {
    const fresh = canary();
    const text = textAt(body, path);
    body = withValueAt(body, path, text === null ? fresh : text.replaceAll(before, fresh));
    return { path, canary: fresh };
  });
  return { body, planted };
}

function textAt(body: Json, path: JsonPath): string | null {
  let value: Json | undefined = body;
  for (const step of path) {
    value =
      typeof value === 'object' && value !== null
        ? (value as Record<string | number, Json>)[step]
        : undefined;
  }
  return typeof value === 'string' ? value : null;
}
