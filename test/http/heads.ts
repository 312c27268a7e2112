import type { RequestHead } from '../../src/http/request-head.ts';

/** A POST with these header lines; a list of values stands for as many lines. */
export function postWith(
  headers: Readonly<Record<string, string | readonly string[]>>,
): RequestHead {
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().flatMap((line) => [name, line]),
  );
  return { method: 'POST', rawHeaders };
}
