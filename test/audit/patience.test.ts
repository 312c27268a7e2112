// How long the audit waits for a target that answers 429, in the words that frameworks have for it.
import { expect, test } from 'vitest';
import { answerOf, type Exchange } from '../../src/audit/exchange.ts';
import { patienceAskedBy, RETRIES_MAX } from '../../src/audit/patience.ts';

const NOW = new Date('2027-03-01T12:00:00Z');
const SOON = NOW.getTime() / 1_000 + 9;

function answered(status: number, headers: Readonly<Record<string, string>>): Exchange {
  const request = { method: 'GET', path: '/', headers: {}, body: null };
  const answer = answerOf(status, headers, [], '', 1);
  return { number: 1, as: 'a', request, answer, failure: null };
}

test.each([
  [{ 'retry-after': '7' }, 7],
  [{ 'retry-after': 'Mon, 01 Mar 2027 12:00:05 GMT' }, 5],
  [{ 'x-retry-after': '10' }, 10],
  [{ 'ratelimit-reset': '3' }, 3],
  [{ 'x-ratelimit-reset': String(SOON) }, 9],
  [{ 'x-ratelimit-reset': String(SOON * 1_000) }, 9],
  [{ 'retry-after': '2', 'x-ratelimit-reset': '900' }, 2],
])('it waits as asked: %j', (headers, seconds) => {
  expect(patienceAskedBy(answered(429, headers), NOW, 0)).toBe(seconds);
});

test('who asks for more than a minute means a ban, and is not waited for', () => {
  expect(patienceAskedBy(answered(429, { 'x-retry-after': '900' }), NOW, 0)).toBeNull();
});

test('where nothing is said it waits longer each time, and then no more', () => {
  const waits = [0, 1, 2, 3].map((retries) => patienceAskedBy(answered(429, {}), NOW, retries));
  expect(waits).toEqual([1, 5, 12, null]);
  expect(patienceAskedBy(answered(429, { 'retry-after': '1' }), NOW, RETRIES_MAX)).toBeNull();
});

test('a server that is busy says when it is not', () => {
  expect(patienceAskedBy(answered(503, { 'retry-after': '3' }), NOW, 0)).toBe(3);
  expect(patienceAskedBy(answered(503, {}), NOW, 0)).toBeNull();
});

test('any other refusal is an answer', () => {
  expect(patienceAskedBy(answered(403, { 'retry-after': '1' }), NOW, 0)).toBeNull();
});
