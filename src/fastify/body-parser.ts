import { errorCodes, type FastifyInstance } from 'fastify';
import { parseContentType } from '../http/content-type.ts';

/**
 * One parser for every body, which goes by the same reading of Content-Type as the gate did: a
 * validator and a parser that read it differently is how this check has failed elsewhere (R-01 to
 * An empty JSON body is none.
 */
export function addBodyParser(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    const text = body.toString();
    if (parseContentType(request.raw) === 'form') return done(null, parseForm(text));
    if (text === '') return done(null, undefined);
    return parseJson(request, text, (error, parsed) => {
      if (error) return done(error);
      if (repeatsName(text, parsed)) return done(new errorCodes.FST_ERR_CTP_INVALID_JSON_BODY());
      return done(null, parsed);
    });
  });
}

/**
 * Whether an object of this JSON has a name twice. Parsers differ in which value then counts, so
 * whatever looked at the body before us may have seen another one (RFC 7493 section 2.3, CWE-436).
 * The text is known to be JSON: each of its strings with a colon behind it is a name.
 */
function repeatsName(text: string, parsed: unknown): boolean {
  const strings = text.match(/"(?:[^"\\]|\\.)*"\s*:?/g) ?? [];
  return strings.filter((string) => string.endsWith(':')).length !== countNames(parsed);
}

/** Without recursion: a body is small, but may be nested deeper than the stack is. */
function countNames(parsed: unknown): number {
  let count = 0;
  const found = [parsed];
  for (const value of found) {
    if (typeof value !== 'object' || value === null) continue;
    const values: readonly unknown[] = Object.values(value);
    if (!Array.isArray(value)) count += values.length;
    found.push(...values);
  }
  return count;
}

/** A field that comes twice is a list, which no schema takes for a text. */
export function parseForm(text: string): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = Object.create(null) as Record<string, string>;
  for (const [name, value] of new URLSearchParams(text)) {
    const earlier = fields[name];
    fields[name] = earlier === undefined ? value : [earlier, value].flat();
  }
  return fields;
}
