export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

export type JsonObject = { readonly [key: string]: Json };

/** Where a value stands in a document: keys and indices from the root. */
export type JsonPath = readonly (string | number)[];

export type Scalar = string | number | boolean | null;

export interface Leaf {
  readonly path: JsonPath;
  /** The nearest name above the value: an element of a list has the list's. '' at the root. */
  readonly key: string;
  readonly value: Scalar;
}

/** Deeper documents are cut off: they describe nothing that an account owns. */
const DEPTH_MAX = 24;

/** More leaves than a page of any list has; the rest of a huge answer is not looked at. */
const LEAVES_MAX = 20_000;

/** The document of a text, or undefined where it is none. */
export function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every scalar of a document, in its order. */
export function leavesOf(document: Json | undefined): readonly Leaf[] {
  const leaves: Leaf[] = [];
  const visit = (value: Json | undefined, path: JsonPath, key: string) => {
    if (path.length > DEPTH_MAX || leaves.length >= LEAVES_MAX || value === undefined) return;
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) visit(item, [...path, index], key);
    } else if (isObject(value)) {
      for (const [name, item] of Object.entries(value)) visit(item, [...path, name], name);
    } else {
      leaves.push({ path, key, value: value as Scalar });
    }
  };
  visit(document, [], '');
  return leaves;
}

export function valueAt(document: Json | undefined, path: JsonPath): Json | undefined {
  let value: unknown = document;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value as Json | undefined;
}

/** A copy of the document with this value there; missing objects above it are made. */
export function withValueAt(document: Json | undefined, path: JsonPath, value: Json): Json {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (Array.isArray(document)) {
    const copy = [...(document as readonly Json[])];
    copy[Number(step)] = withValueAt(copy[Number(step)], rest, value);
    return copy;
  }
  const object = isObject(document) ? document : {};
  return { ...object, [step]: withValueAt(object[step], rest, value) };
}

/** A copy of the document without what stands there. */
export function withoutValueAt(document: Json, path: JsonPath): Json {
  const [step, ...rest] = path;
  if (step === undefined) return document;
  if (Array.isArray(document)) {
    const list = document as readonly Json[];
    if (rest.length === 0) return list.filter((_, index) => index !== Number(step));
    return list.map((item, index) => (index === Number(step) ? withoutValueAt(item, rest) : item));
  }
  if (!isObject(document)) return document;
  const { [step]: inner, ...others } = document;
  if (inner === undefined || rest.length === 0) return others;
  return { ...document, [step]: withoutValueAt(inner, rest) };
}
