import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { validateXML } from 'xmllint-wasm';

const schemaAt = (name: string) =>
  readFileSync(new URL(`schemas/${name}`, import.meta.url), 'utf8');

// One of its patterns has a bracket that only the older rules take.
const ajv = new Ajv({ allErrors: true, strict: false, unicodeRegExp: false });
formats.default(ajv);
const validateSarif = ajv.compile(JSON.parse(schemaAt('sarif-schema-2.1.0.json')) as object);

/** What is wrong with a SARIF report by the schema of OASIS, one line each. */
export function sarifErrors(text: string): readonly string[] {
  validateSarif(JSON.parse(text));
  const errors = validateSarif.errors ?? [];
  return errors.map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** What is wrong with a JUnit report by the schema of Jenkins, one line each. */
export async function junitErrors(text: string): Promise<readonly string[]> {
  const { errors } = await validateXML({ xml: text, schema: schemaAt('junit-10.xsd') });
  return errors.map(({ message }) => message);
}
