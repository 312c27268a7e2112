import { shows } from './canary.ts';
import type { Exchange } from './exchange.ts';
import { leavesOf } from './json.ts';
import type { Run } from './run.ts';
import { snake } from './words.ts';

/** Fields that nobody means everybody to read. */
const SENSITIVE =
  /(^|_)(e?mail|email_address|phone|phone_number|mobile|password|passwd|pwd|password_hash|hashed_password|secret|token|access_token|refresh_token|api_key|ssn|social_security_number|tax_id|iban|card|card_number|credit_card|cvv|pin|otp|salary|balance|address|street|date_of_birth|birthday|dob|latitude|longitude|private_key|totp_secret|vin|license)$/;

/**
 * Values of an answer to A that are A's alone: canaries that A planted, and A's own fields of
 * kinds that are private anywhere, such as its address. Values that nobody finds by itself in
 * another answer, so that what is public anyway proves nothing.
 */
export function privateValues(run: Run, { answer, request }: Exchange): readonly string[] {
  const planted = run.knowledge.planted.filter((value) => shows(answer, value));
  const a = run.actors.a?.identity ?? [];
  const sensitive = leavesOf(answer?.json).flatMap(({ key, value }) => {
    if (typeof value !== 'string' || value.length < 6) return [];
    return SENSITIVE.test(snake(key)) || (a.includes(value) && value.includes('@')) ? [value] : [];
  });
  const elsewhere = (run.knowledge.views.anonymous ?? []).filter(
    ({ exchange }) => exchange.request.path !== request.path,
  );
  return [...new Set([...planted, ...sensitive])].filter(
    (value) => !elsewhere.some(({ exchange }) => shows(exchange.answer, value)),
  );
}

/** Whether a field's name says that its value is private. */
export function isSensitiveField(name: string): boolean {
  return SENSITIVE.test(snake(name));
}
