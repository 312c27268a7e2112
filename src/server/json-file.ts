import { readFileSync } from 'node:fs';
import type { z } from 'zod';

/**
 * Reads the JSON file that a setting names; each problem is a line for a person, and then there is
 * nothing.
 */
export function readJsonFile<Schema extends z.ZodType>(
  schema: Schema,
  path: string,
  problem: (text: string) => null,
): z.output<Schema> | null {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return problem('the file cannot be read, or is no JSON.');
  }
  const read = schema.safeParse(content);
  if (read.success) return read.data;
  for (const { path: where, message } of read.error.issues) {
    problem(`${where.join('.') || 'the file'}: ${message}.`);
  }
  return null;
}
