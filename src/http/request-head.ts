/**
 * What a judgement may see of a request: its method and its header lines as they came.
 *
 * Node's `IncomingMessage` satisfies it. `rawHeaders` alternates name and value. Node's parsed
 * `headers` is not enough: it silently keeps the first of two `Host`, `Origin` or `Content-Type`
 * lines, so a request that says two things would look as if it said one.
 */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly rawHeaders: readonly string[];
}

/**
 * Every value of a header, in the order received and otherwise untouched; empty when absent.
 *
 * `name` is in lower case; received names match in any ASCII case (RFC 9110 5.1).
 */
export function headerValues(head: RequestHead, name: string): readonly string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < head.rawHeaders.length; index += 2) {
    const received = head.rawHeaders[index] ?? '';
    if (received.length !== name.length) continue;
    if (received.toLowerCase() !== name) continue;
    values.push(head.rawHeaders[index + 1] ?? '');
  }
  return values;
}

/**
 * Whether a method promises to change nothing: GET, HEAD or OPTIONS, in exactly that spelling.
 *
 * Methods are case-sensitive, so `get` is unsafe, and so are TRACE, every unknown method and none:
 * what is not known to be safe gets the full set of checks. RFC 9110 9.1 and 9.2.1, ASVS 3.5.3.
 */
export function isSafeMethod(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}
