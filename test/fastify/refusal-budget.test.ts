import { describe, expect, test } from 'vitest';
import { refusalBudget } from '../../src/fastify/refusal-budget.ts';

/** How many of so many refusals, all in one moment, may be written. */
function written(
  mayWrite: ReturnType<typeof refusalBudget>,
  times: number,
  now: number,
  source: (index: number) => string,
): number {
  return Array.from({ length: times }, (_, index) => mayWrite(source(index), now)).filter(Boolean)
    .length;
}

describe('how many refusals are written is bounded [CWE-400] [CWE-779]', () => {
  test('one source has its own allowance, and leaves the rest to others', () => {
    const mayWrite = refusalBudget();
    expect(written(mayWrite, 10_000, 0, () => 'attacker')).toBe(60);
    expect(written(mayWrite, 10, 0, () => 'somebody else')).toBe(10);
  });

  test('many sources together have one too', () => {
    const mayWrite = refusalBudget();
    expect(written(mayWrite, 10_000, 0, String)).toBe(300);
    expect(mayWrite('somebody else', 0)).toBe(false);
  });

  test('both come back with time, and never to more than at the start', () => {
    const mayWrite = refusalBudget();
    written(mayWrite, 10_000, 0, String);
    expect(written(mayWrite, 10_000, 10_000, () => 'new')).toBe(20);
    expect(written(mayWrite, 10_000, 10_000_000, () => 'new')).toBe(60);
    expect(written(mayWrite, 10_000, 10_000_000, String)).toBe(240);
  });

  test('a clock that goes back gives nothing', () => {
    const mayWrite = refusalBudget();
    expect(written(mayWrite, 100, 5_000, () => 'attacker')).toBe(60);
    expect(mayWrite('attacker', 0)).toBe(false);
  });
});
