import type { FastifyInstance } from 'fastify';
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
    return parseJson(request, text, done);
  });
}

/** A field that comes twice is a list, which no schema takes for a text. */
function parseForm(text: string): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = Object.create(null) as Record<string, string>;
  for (const [name, value] of new URLSearchParams(text)) {
    const earlier = fields[name];
    fields[name] = earlier === undefined ? value : [earlier, value].flat();
  }
  return fields;
}
