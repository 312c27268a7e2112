import { randomBytes } from 'node:crypto';
import type { Answer } from './exchange.ts';

/** Letters and digits only: no field refuses them, no encoding changes them. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';

/** Makes values that are found nowhere by chance: `sp`, three for the run, fifteen by chance. */
export function createCanaries(): () => string {
  const run = letters(3);
  return () => `sp${run}${letters(15)}`;
}

/** Whether an answer shows the value: as it is, in base64, or percent-encoded. */
export function shows(answer: Answer | null, value: string): boolean {
  if (answer === null || value === '') return false;
  const haystack = [answer.text, ...Object.values(answer.headers)];
  const base64 = Buffer.from(value).toString('base64').replace(/=+$/, '').slice(0, -1);
  // JSON may write any character as \u0061; parsed and written again it is plain.
  if (answer.json !== undefined && answer.text.includes('\\u')) {
    haystack.push(JSON.stringify(answer.json));
  }
  const needles = [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)];
  if (value.length >= 12) needles.push(base64);
  return haystack.some((text) => needles.some((needle) => text.includes(needle)));
}

function letters(count: number): string {
  return [...randomBytes(count)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
}
