// The verifier for Node.js against the cases that the one for Python is held to as well.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { verifier } from '../../src/assertion.ts';
import { type VectorCase, type Vectors, VECTORS, vectorsText } from './make-vectors.ts';

const vectors = JSON.parse(readFileSync(VECTORS, 'utf8')) as Vectors;
const { issuer, audience, keys, cases } = vectors;

test('vectors.json is what make-vectors.ts writes', () => {
  expect(JSON.parse(vectorsText)).toEqual(vectors);
});

test('it has cases of every kind, each named once', () => {
  const refused = cases.filter(({ code }) => code !== null);
  expect(refused.length).toBeGreaterThan(60);
  expect(cases.length - refused.length).toBeGreaterThan(20);
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
});

async function outcomeOf({ assertion, method, path, query, body, unbound, now }: VectorCase) {
  const verify = verifier({ issuer, audience, keys, now: () => new Date(now * 1000) });
  const url = query === null ? path : `${path}?${query}`;
  const headers = assertion === null ? {} : { 'sallyport-assertion': assertion };
  const arrived = unbound ? 'unbound' : Buffer.from(body, 'base64url');
  return await verify({ method, url, headers }, arrived);
}

describe('taken', () => {
  test.each(cases.filter(({ code }) => code === null))('$name', async (vector) => {
    expect(await outcomeOf(vector)).toEqual(vector.principal);
  });
});

describe('refused [ASVS 9.1.1] [ASVS 9.1.2] [ASVS 9.1.3] [ASVS 9.2.1] [R-58] [R-60] [R-64]', () => {
  test.each(cases.filter(({ code }) => code !== null))('$code: $name', async (vector) => {
    const { code } = vector;
    await expect(outcomeOf(vector)).rejects.toMatchObject({ name: 'AssertionRejectedError', code });
  });
});
