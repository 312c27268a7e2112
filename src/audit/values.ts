import { runInNewContext } from 'node:vm';
import { typeOf } from './fields.ts';
import type { Scalar } from './json.ts';
import type { Schema } from './operation.ts';
import { isPasswordField, snake } from './words.ts';

/** A value for a field, and whether it is one that can be looked for afterwards. */
export interface FieldValue {
  readonly value: Scalar;
  readonly planted: boolean;
}

/**
 * A value that the schema allows, for a field of this name. Free text gets the canary; a name
 * with a known form (an address, a date, a URL) gets that form, with the canary in it if it fits.
 */
export function valueFor(name: string, schema: Schema, canary: string): FieldValue {
  if (schema['const'] !== undefined) return fixed(schema['const'] as Scalar);
  const [choice] = Array.isArray(schema['enum']) ? schema['enum'] : [];
  if (choice !== undefined) return fixed(choice as Scalar);
  const type = typeOf(schema);
  if (type === 'boolean') return fixed(false);
  if (type === 'integer' || type === 'number') return fixed(numberFor(name, schema, type));
  if (type === 'null') return fixed(null);
  return stringFor(snake(name), schema, canary);
}

/** Whether free text can stand in the field: the places for canaries. */
export function takesFreeText(name: string, schema: Schema): boolean {
  if (typeOf(schema) !== 'string' || schema['format'] !== undefined) return false;
  if (schema['enum'] !== undefined || schema['const'] !== undefined) return false;
  if (schema['pattern'] !== undefined) return false;
  const longest = schema['maxLength'];
  if (typeof longest === 'number' && longest < 20) return false;
  return !isPasswordField(name) && FORMS.every(([pattern]) => !pattern.test(snake(name)));
}

/** A value of the form that an id of this look has, which nobody was given. */
export function randomLike(value: string, canary: string): string {
  if (/^\d+$/.test(value)) return String(900_000_000 + (hash(canary) % 90_000_000));
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(value)) {
    return uuidOf(canary);
  }
  if (/^[0-9a-f]{24}$/i.test(value)) return uuidOf(canary).replaceAll('-', '').slice(0, 24);
  if (value.includes('@')) return `${canary}@example.com`;
  return canary;
}

type Form = readonly [name: RegExp, form: (canary: string) => string];

/** Names of fields that want a certain form, and one of it. The first that fits is taken. */
const FORMS: readonly Form[] = [
  [/(^|_)e?mail(_address)?$/, (canary) => `${canary}@example.com`],
  [
    /(url|uri|link|website|homepage|webhook|callback|avatar|image|photo|picture|src|href)$/,
    (canary) => `https://example.com/${canary}`,
  ],
  [
    /(phone|mobile|tel|telephone|phone_number|fax)$/,
    (canary) => `+1555${String(1_000_000 + (hash(canary) % 8_999_999))}`,
  ],
  [/(birthday|birthdate|date_of_birth|dob)$/, () => '1990-01-15'],
  [/(^|_)(date|day|due|deadline)$|_on$/, () => '2030-01-15'],
  [/(datetime|timestamp|_at|start_time|end_time)$/, () => '2030-01-15T10:00:00Z'],
  [/(^|_)time$/, () => '10:00:00'],
  [/(^|_)(uuid|guid)$/, uuidOf],
  [/(country|country_code)$/, () => 'DE'],
  [/(currency|currency_code)$/, () => 'EUR'],
  [/(language|locale|lang)$/, () => 'en'],
  [/(timezone|time_zone)$/, () => 'UTC'],
  [/(zip|zip_?code|postal_?code|postcode|pincode)$/, () => '10115'],
  [/(colou?r)$/, () => '#336699'],
  [/(^|_)(ip|ip_address)$/, () => '192.0.2.1'],
  [/(card_number|credit_card|pan)$/, () => '4111111111111111'],
  [/(^|_)cvv2?$/, () => '123'],
  [/(amount|price|quantity|count|total|number_of.*|age|year|rating|score|stock)$/, () => '1'],
  [/(latitude|lat|longitude|lng|lon)$/, () => '10'],
  [/(^|_)vin$/, (canary) => canary.toUpperCase().replaceAll(/[IOQ]/g, 'X').slice(0, 17)],
];

function stringFor(name: string, schema: Schema, canary: string): FieldValue {
  const format = typeof schema['format'] === 'string' ? FORMATS[schema['format']] : undefined;
  const plain = isPasswordField(name)
    ? passwordOf(canary)
    : (format?.(canary) ?? FORMS.find(([pattern]) => pattern.test(name))?.[1](canary) ?? canary);
  const sized = fitted(plain, schema, canary);
  const { pattern } = schema;
  const value = typeof pattern === 'string' ? matching(pattern, sized, schema, canary) : sized;
  return { value, planted: value.includes(canary) };
}

const FORMATS: Readonly<Record<string, (canary: string) => string>> = {
  email: (canary) => `${canary}@example.com`,
  'idn-email': (canary) => `${canary}@example.com`,
  uri: (canary) => `https://example.com/${canary}`,
  url: (canary) => `https://example.com/${canary}`,
  'uri-reference': (canary) => `https://example.com/${canary}`,
  date: () => '2030-01-15',
  'date-time': () => '2030-01-15T10:00:00Z',
  time: () => '10:00:00Z',
  duration: () => 'P1D',
  uuid: uuidOf,
  ipv4: () => '192.0.2.1',
  ipv6: () => '2001:db8::1',
  hostname: (canary) => `${canary}.example.com`,
  byte: (canary) => Buffer.from(canary).toString('base64'),
  password: passwordOf,
};

/** Long, with every kind of character that rules ask for, and in no list. */
export function passwordOf(canary: string): string {
  return `Sp-9${canary}!A`;
}

/** Another value of the same form as the last, as a v4 UUID. RFC 9562. */
function uuidOf(canary: string): string {
  const hex = Buffer.from(canary.padEnd(16, 'x')).toString('hex').slice(-32);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function fitted(value: string, schema: Schema, canary: string): string {
  const { minLength, maxLength } = schema;
  let sized = value;
  if (typeof minLength === 'number' && minLength < 10_000) sized = sized.padEnd(minLength, 'x');
  if (typeof maxLength !== 'number' || sized.length <= maxLength) return sized;
  // The end of a canary is the part that differs from the others of this run.
  return sized === canary ? canary.slice(-maxLength) : sized.slice(0, maxLength);
}

/** Of some usual forms the first that matches the pattern, or the value itself. */
function matching(pattern: string, value: string, schema: Schema, canary: string): string {
  const length = typeof schema['minLength'] === 'number' ? schema['minLength'] : 8;
  const digits = String(hash(canary)).padEnd(16, '7');
  const letters = canary.replaceAll(/\d/g, 'x');
  const candidates = [
    value,
    canary.toUpperCase(),
    letters,
    `${letters.charAt(0).toUpperCase()}${letters.slice(1)}`,
    digits.slice(0, length),
    ...[1, 2, 3, 4, 5, 6, 8, 10, 12, 16].map((count) => digits.slice(0, count)),
    ...[2, 3, 5, 8].flatMap((count) => [
      letters.slice(-count),
      letters.slice(-count).toUpperCase(),
    ]),
    `+1555${digits.slice(0, 7)}`,
    '#336699',
    '1.0.0',
    '10:00',
    '2030-01-15',
    passwordOf(canary),
  ];
  return candidates.find((candidate) => matches(pattern, candidate)) ?? value;
}

/** The pattern is the target's and may be made to run for ever: it gets 50 ms. CWE-1333. */
function matches(pattern: string, value: string): boolean {
  try {
    return (
      runInNewContext(
        'new RegExp(pattern, "u").test(value)',
        { pattern, value },
        { timeout: 50 },
      ) === true
    );
  } catch {
    return false;
  }
}

function numberFor(name: string, schema: Schema, type: string): number {
  const number = (keyword: string) =>
    typeof schema[keyword] === 'number' ? schema[keyword] : undefined;
  const exclusive = (keyword: string) => number(keyword) ?? undefined;
  const lowest = number('minimum') ?? (exclusive('exclusiveMinimum') ?? -1) + 1;
  const highest = number('maximum') ?? (exclusive('exclusiveMaximum') ?? 1e9) - 1;
  const usual = /year/.test(snake(name)) ? 2030 : 1;
  const step = number('multipleOf') ?? (type === 'integer' ? 1 : 0);
  const value = Math.min(Math.max(usual, lowest), Math.max(highest, lowest));
  return step > 0 ? Math.ceil(value / step) * step : value;
}

function fixed(value: Scalar): FieldValue {
  return { value, planted: false };
}

/** A number that depends on the text: FNV-1a. */
function hash(text: string): number {
  let value = 0x81_1c_9d_c5;
  for (const character of text) {
    value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01_00_01_93) >>> 0;
  }
  return value;
}
