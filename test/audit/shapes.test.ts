// Sound APIs of several shapes, audited whole: a finding on any of them is a false alarm.
import { expect, onTestFinished, test } from 'vitest';
import { account, auditTwin, findingsOf, verdictLines } from '../support/audit.ts';
import { type Carrier, PASSWORD, type Shape, startTarget } from './target.ts';

const shapes: readonly (readonly [carrier: Carrier, shape: Shape | null])[] = [
  ['cookie', null],
  ['cookie', 'double-submit'],
  ['cookie', 'errors-with-200'],
  ['token', 'open-cors'],
  ['signed-token', 'errors-with-200'],
];

test.each(shapes)('nothing is found on a sound API: %s %s', async (carrier, shape) => {
  const target = await startTarget(carrier, ...(shape === null ? [] : [shape]));
  onTestFinished(() => target.close());
  const report = await auditTwin({
    url: target.origin,
    accounts: {
      a: account('ada', PASSWORD),
      b: account('bob', PASSWORD),
      stranger: account('grace', PASSWORD),
    },
    settings: { signInAttempts: 8 },
  });
  expect(findingsOf(report), verdictLines(report).join('\n')).toEqual([]);
  expect(report.stopped).toBeNull();
  expect(report.problems).toEqual([]);
});
