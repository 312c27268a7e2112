import { ResponseSerializationError } from 'fastify-type-provider-zod';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { serializerCompiler } from '../../src/fastify/serializer.ts';

const schema = z.object({ person: z.object({ name: z.string() }), at: z.iso.datetime() });
const serialize = serializerCompiler({ schema, method: 'GET', url: '/person' });
const answer = { person: { name: 'Ada' }, at: '2026-01-02T03:04:05.678Z' };

test('what the schema does not name does not leave, at any depth [CWE-201]', () => {
  const row = { ...answer, passwordHash: 'x', person: { ...answer.person, passwordHash: 'x' } };
  expect(serialize(row)).toBe(JSON.stringify(answer));
});

test.each([
  ['a field is missing', { at: answer.at }],
  ['a field has another type', { ...answer, person: { name: 7 } }],
  ['a text has another form', { ...answer, at: 'yesterday' }],
])('an answer in which %s is an error, and does not leave', (_what, given) => {
  expect(() => serialize(given)).toThrow(ResponseSerializationError);
});
