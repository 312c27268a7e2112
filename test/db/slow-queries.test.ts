import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SlowQueries } from '../../src/db/slow-queries.ts';

const SLOW = 250;
const query = (sql: string) => [{ sql, parameters: [] }];
const batchOf = (...texts: readonly string[]) => ({ statements: texts.flatMap(query) });

describe('slow queries', () => {
  let slow: SlowQueries;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
    slow = new SlowQueries(SLOW);
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const judged = (...texts: readonly string[]) => texts.map((sql) => slow.judge(query(sql)));

  test('are those that took so long by themselves', () => {
    slow.noteAlone(query('fast'), SLOW - 1);
    slow.noteAlone(query('slow'), SLOW);
    expect(judged('fast', 'slow', 'other')).toEqual(['prompt', 'slow', 'prompt']);
    expect(slow.judge([...query('other'), ...query('slow')])).toBe('slow');
    expect(slow.judge([])).toBe('prompt');
  });

  test('are so for a minute since they last were, also where they were fast in between', () => {
    slow.noteAlone(query('slow'), SLOW);
    vi.advanceTimersByTime(40_000);
    slow.noteAlone(query('slow'), 1);
    expect(judged('slow')).toEqual(['slow']);
    slow.noteAlone(query('slow'), SLOW);
    vi.advanceTimersByTime(59_999);
    expect(judged('slow')).toEqual(['slow']);
    vi.advanceTimersByTime(1);
    expect(judged('slow')).toEqual(['prompt']);
  });

  test('may be any of some that took so long together, until each was tried by itself', () => {
    slow.noteTogether([batchOf('one'), batchOf('two', 'three')], SLOW - 1);
    expect(judged('one', 'two', 'three')).toEqual(['prompt', 'prompt', 'prompt']);
    slow.noteTogether([batchOf('one'), batchOf('two', 'three')], SLOW);
    vi.advanceTimersByTime(600_000);
    expect(judged('one', 'two', 'three')).toEqual(['suspected', 'suspected', 'suspected']);
    slow.noteAlone(query('one'), 1);
    slow.noteAlone(query('two'), SLOW);
    expect(judged('one', 'two', 'three')).toEqual(['prompt', 'slow', 'suspected']);
    expect(slow.judge([...query('three'), ...query('two')])).toBe('slow');
    vi.advanceTimersByTime(60_000);
    expect(judged('one', 'two', 'three')).toEqual(['prompt', 'prompt', 'suspected']);
  });

  test('stay what they are known to be where they were slow beside others again', () => {
    slow.noteAlone(query('slow'), SLOW);
    slow.noteTogether([batchOf('slow'), batchOf('other')], SLOW);
    expect(judged('slow', 'other')).toEqual(['slow', 'suspected']);
    vi.advanceTimersByTime(60_000);
    expect(judged('slow')).toEqual(['prompt']);
  });

  test('one that shared with nobody was by itself', () => {
    slow.noteTogether([batchOf('slow')], SLOW);
    expect(judged('slow')).toEqual(['slow']);
  });

  test('are no more than a hundred: of more the first is forgotten', () => {
    const texts = Array.from({ length: 101 }, (_, n) => `query ${n}`);
    const known = () => texts.filter((sql) => slow.judge(query(sql)) === 'slow');
    for (const text of texts.slice(0, 100)) slow.noteAlone(query(text), SLOW);
    expect(known()).toEqual(texts.slice(0, 100));
    slow.noteAlone(query('query 0'), SLOW);
    slow.noteAlone(query('query 100'), SLOW);
    expect(known()).toEqual(['query 0', ...texts.slice(2)]);
  });
});
