import { z } from 'zod';
import { parseDisplayName } from '../core/display-name.ts';
import { type ProblemCode, PROBLEMS } from '../http/problem.ts';

/** A limit on every text, well above what any of them may hold, so that parsing stays cheap. */
const TEXT_CHARACTERS_MAX = 4_096;

/** Any text; what it must look like is judged by core, whose reasons are more exact. */
export const text = z.string().max(TEXT_CHARACTERS_MAX);

/**
 * Texts that core judges more closely. The limits in the metadata are core's and stand here for the
 * OpenAPI document alone: a refusal by core names its reason.
 */
export const emailAddress = text.meta({ maxLength: 254 });
export const newPassword = text.meta({
  minLength: 15,
  maxLength: 128,
  description: 'not common, and not made of the own name or address',
});
export const newDisplayName = text.meta({ minLength: 1, maxLength: 100 });

/** What passkeys.js puts into a form: what the browser has answered, as JSON. */
export const ceremonyText = z
  .string()
  .max(12_000)
  .transform((value): unknown => {
    try {
      return JSON.parse(value);
    } catch {
      return null;
    }
  });

/** A display name in the form in which it is stored. */
export const displayName = newDisplayName.transform((value, context) => {
  const parsed = parseDisplayName(value);
  if ('displayName' in parsed) return parsed.displayName;
  context.addIssue({ code: 'custom', params: { reason: parsed.problem } });
  return z.NEVER;
});

export const instant = z.iso.datetime().describe('RFC 3339, UTC');

export const identity = z.object({ id: z.uuid(), email: z.string(), displayName: z.string() });

export const session = z.object({
  id: z.uuid(),
  authenticatedAt: instant.describe('when the person last proved who they are'),
  createdAt: instant,
  expiresAt: instant.describe('the absolute limit; an hour without a request ends it sooner'),
});

export const csrfToken = z
  .string()
  .describe('send it back in the X-CSRF-Token header of every request that changes something');

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('stable; branch on this'),
    instance: z.string(),
    errors: z.array(z.object({ field: z.string(), reason: z.string() })).optional(),
    max_age: z.int().describe('of a step-up: how old a proof may be, in seconds').optional(),
    acr_values: z.array(z.string()).describe('of a step-up: what must be proved').optional(),
  })
  .describe('application/problem+json, RFC 9457');

/**
 * For the documentation: what a route refuses by itself. What follows from its declarations (who
 * may call it, its method, its fields) is added in openapi.ts; 503 can meet every one.
 */
export function refusals(...codes: readonly ProblemCode[]): Record<number, typeof problemSchema> {
  const statuses = new Set([503, ...codes.map((code) => PROBLEMS[code].status)]);
  return Object.fromEntries(
    [...statuses].map((status) => {
      const refuses = codes.filter((code) => PROBLEMS[code].status === status);
      return [status, problemSchema.meta({ refuses })];
    }),
  );
}

/** Of a session's row, what its owner sees. */
export function sessionView(row: {
  readonly id: string;
  readonly authenticatedAt: Date;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}): z.input<typeof session> {
  return {
    id: row.id,
    authenticatedAt: row.authenticatedAt.toISOString(),
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
  };
}
