import { isObject, type Json, type JsonPath } from './json.ts';

/** What a target says is wrong with a field of a body. */
export interface Complaint {
  /** From the root of the body. */
  readonly path: JsonPath;
  readonly message: string;
}

/** Keys under which frameworks say which field it is, and what is wrong. */
const PATH_KEYS = [
  'loc',
  'path',
  'param',
  'field',
  'name',
  'property',
  'pointer',
  'instancePath',
  'propertyPath',
  'source',
  'key',
  'attribute',
];
const MESSAGE_KEYS = [
  'msg',
  'message',
  'reason',
  'detail',
  'error',
  'description',
  'defaultMessage',
  'title',
  'code',
  'constraints',
  'messages',
];

/** Objects under these keys have fields as keys. */
const FIELD_MAPS =
  /^(errors?|field_?errors|invalid_?params|properties|validation_?errors|violations|details?)$/i;

const COMPLAINTS_MAX = 40;

/**
 * The complaints of a refusal: FastAPI's `detail`, express-validator's and zod's lists,
 * problem+json with `errors` or `invalid-params`, Rails, Django REST framework, Laravel, NestJS,
 * Fastify and Spring, or a sentence that names a field. Empty where it names none.
 */
export function complaintsOf(answer: Json | undefined, text: string): readonly Complaint[] {
  const found: Complaint[] = [];
  if (answer !== undefined) search(answer, '', found, 0);
  if (found.length === 0) found.push(...sentences(answer === undefined ? [text] : textsOf(answer)));
  return found.slice(0, COMPLAINTS_MAX);
}

function search(value: Json, key: string, found: Complaint[], depth: number): void {
  if (depth > 8 || found.length > COMPLAINTS_MAX) return;
  if (Array.isArray(value)) {
    for (const item of value) search(item, key, found, depth + 1);
    return;
  }
  if (!isObject(value)) return;
  const path = pathFrom(value);
  const message = messageFrom(value);
  if (path !== null && message !== null) {
    found.push({ path, message });
    return;
  }
  const fields = Object.entries(value);
  // `{ title: ["is too short"] }`: at the root, and under keys that say that they are errors.
  const isMap = depth === 0 ? fields.every(([, one]) => isTexts(one)) : FIELD_MAPS.test(key);
  for (const [name, inner] of fields) {
    if (isMap && isTexts(inner) && !MESSAGE_KEYS.includes(name)) {
      found.push({ path: pathOfText(name), message: textsOf(inner).join(' ') });
    } else {
      search(inner, name, found, depth + 1);
    }
  }
}

function pathFrom(value: { readonly [key: string]: Json }): JsonPath | null {
  const missing = isObject(value['params']) ? value['params']['missingProperty'] : undefined;
  for (const key of PATH_KEYS) {
    const named = value[key];
    if (isObject(named) && typeof named['pointer'] === 'string')
      return pathOfText(named['pointer']);
    if (
      Array.isArray(named) &&
      named.length > 0 &&
      named.every((one) => ['string', 'number'].includes(typeof one))
    ) {
      return withoutRoot(named as JsonPath);
    }
    if (typeof named === 'string' && (named !== '' || typeof missing === 'string')) {
      const path = pathOfText(named);
      return typeof missing === 'string' ? [...path, missing] : path;
    }
  }
  return null;
}

function messageFrom(value: { readonly [key: string]: Json }): string | null {
  for (const key of MESSAGE_KEYS) {
    const message = value[key];
    if (typeof message === 'string' && message !== '') return message;
    if (isObject(message)) return textsOf(message).join(' ');
    if (Array.isArray(message) && message.length > 0 && isTexts(message))
      return textsOf(message).join(' ');
  }
  return null;
}

function isTexts(value: Json): boolean {
  if (typeof value === 'string') return true;
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string');
}

/** `body.user.email`, `/user/email`, `$.items[0].id`, `user[email]` as steps. */
function pathOfText(text: string): JsonPath {
  const steps = text
    .replaceAll(/[[\]]/g, '.')
    .split(/[./]/)
    .filter((step) => step !== '' && step !== '$' && step !== '#');
  return withoutRoot(steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step)));
}

function withoutRoot(path: JsonPath): JsonPath {
  const [first] = path;
  const isRoot = first === 'body' || first === 'data' || first === 'requestBody';
  return isRoot && path.length > 1 ? path.slice(1) : path;
}

/** Sentences that name a field: `"title" is required`, `missing parameter: title`. */
function sentences(texts: readonly string[]): readonly Complaint[] {
  const patterns = [
    /['"`]([\w.[\]-]+)['"`]?\)? (?:is|are|was|field|must|should|cannot|can't|has)\b/gi,
    /required (?:property|field|parameter|key)s?:? ['"`]?([\w.-]+)/gi,
    /missing (?:required )?(?:field|parameter|property|key|argument|value)?s?:? ?(?:for )?['"`]?([\w.-]+)/gi,
    /\b([\w.-]+) (?:is|are) (?:a )?(?:required|missing|mandatory|invalid|empty)/gi,
    /\b([\w.-]+) (?:must|should|cannot|can not|can't|has to) /gi,
    /body\/([\w/]+) /g,
  ];
  const noise =
    /^(it|this|that|value|field|request|body|you|and|or|the|data|json|input|which|what|parameter)$/i;
  const found = texts.flatMap((text) =>
    patterns.flatMap((pattern) =>
      [...text.matchAll(pattern)].map(([, name = '']) => ({
        path: pathOfText(name),
        message: text,
      })),
    ),
  );
  const useful = found.filter(({ path }) => path.length > 0 && !noise.test(String(path.at(-1))));
  return [...new Map(useful.map((one) => [one.path.join('.'), one])).values()];
}

function textsOf(value: Json): readonly string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value))
    return value.flatMap((one: Json) => textsOf(one)).slice(0, COMPLAINTS_MAX);
  if (isObject(value)) return Object.values(value).flatMap(textsOf).slice(0, COMPLAINTS_MAX);
  return [];
}
