import { isObject } from './json.ts';
import type { Probe } from './probe.ts';

const PLACES = ['/graphql', '/api/graphql', '/v1/graphql', '/query'];

/**
 * The path at which the target answers GraphQL, or null. What can be asked there is not tested, and
 * the report says so: that nothing was found would be a claim about what nobody has looked at.
 */
export async function findGraphQl(probe: Probe, basePath: string): Promise<string | null> {
  const bases = [...new Set([basePath.replace(/\/+$/, ''), ''])];
  for (const path of bases.flatMap((base) => PLACES.map((place) => `${base}${place}`))) {
    const { answer } = await probe.send(
      {
        method: 'GET',
        path: `${path}?query=${encodeURIComponent('{__typename}')}`,
        headers: { accept: 'application/json' },
        body: null,
      },
      'anonymous',
    );
    const json = answer?.json;
    if (!isObject(json)) continue;
    const { data, errors } = json;
    const isAnswer = isObject(data) && '__typename' in data;
    const isError = Array.isArray(errors) && isObject(errors[0]) && 'message' in errors[0];
    if (isAnswer || isError) return path;
  }
  return null;
}
