import type { Json } from './json.ts';

/** Methods that must change nothing. RFC 9110 9.2.1. */
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/**
 * A JSON schema as the document has it, with internal references followed: the same object may
 * stand in itself, so it is walked with a limit and never written out as JSON.
 */
export interface Schema {
  readonly [keyword: string]: unknown;
}

export type ParameterPlace = 'path' | 'query' | 'header' | 'cookie';

export interface Parameter {
  readonly name: string;
  readonly in: ParameterPlace;
  readonly required: boolean;
  readonly schema: Schema;
  /** What the document gives as an example, or undefined. */
  readonly example: Json | undefined;
}

export interface Body {
  /** In lower case, without parameters. */
  readonly contentType: string;
  readonly required: boolean;
  readonly schema: Schema;
  readonly example: Json | undefined;
}

/** How the document says that a credential is carried. */
export interface SecurityScheme {
  readonly name: string;
  readonly type: 'apiKey' | 'bearer' | 'basic' | 'oauth2' | 'other';
  readonly in: 'header' | 'query' | 'cookie' | null;
  /** The header, parameter or cookie of an API key. */
  readonly key: string | null;
  /** Where a password is exchanged for a token, as the document has it. RFC 6749 4.3. */
  readonly tokenUrl: string | null;
}

/** One method of one path of the target. */
export interface Operation {
  /** `GET /orders/{order_id}`: unique in a target. */
  readonly id: string;
  /** In upper case. */
  readonly method: string;
  /** With the base path of the document, and its parameters in braces. */
  readonly path: string;
  /** The operationId, or ''. */
  readonly name: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters: readonly Parameter[];
  /** One for each content type that the document gives. */
  readonly bodies: readonly Body[];
  /** The schema of each status's answer, where there is one: `{ '200': ... }`. */
  readonly answers: Readonly<Record<string, Schema | null>>;
  /** What the document says of credentials; 'unsaid' where it describes none anywhere. */
  readonly security: 'required' | 'optional' | 'none' | 'unsaid';
  readonly schemes: readonly SecurityScheme[];
  /** A JSON pointer into the document, or null for one that was found on a page. RFC 6901. */
  readonly pointer: string | null;
}

export function isSafe(method: string): boolean {
  return SAFE_METHODS.includes(method.toUpperCase());
}

/** The names in braces, in order. */
export function pathParametersOf(path: string): readonly string[] {
  return [...path.matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => name);
}
