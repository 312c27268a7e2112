import { expect, test } from 'vitest';
import { underWay } from '../../src/gateway/under-way.ts';

test('each is cut that has not ended, in whatever order others have', () => {
  const live = underWay();
  const cut: number[] = [];
  const ends = [0, 1, 2, 3, 4].map((each) => live.add(() => cut.push(each)));
  expect(live.count()).toBe(5);
  ends[1]?.();
  ends[4]?.();
  ends[0]?.();
  // A second time it takes nobody else out.
  ends[1]?.();
  ends[0]?.();
  expect(live.count()).toBe(2);
  live.cutAll();
  expect(cut.toSorted((a, b) => a - b)).toEqual([2, 3]);
  ends[2]?.();
  ends[3]?.();
  expect(live.count()).toBe(0);
});

test('what ends while it is cut does not keep another one from it', () => {
  const live = underWay();
  const cut: number[] = [];
  for (const each of [0, 1, 2]) {
    const ended = live.add(() => {
      cut.push(each);
      ended();
    });
  }
  live.cutAll();
  expect(cut).toEqual([0, 1, 2]);
  expect(live.count()).toBe(0);
});
