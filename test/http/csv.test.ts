import { expect, test } from 'vitest';
import { csvLine } from '../../src/http/csv.ts';

test('fields are quoted, and quotes in them doubled (RFC 4180)', () => {
  expect(csvLine(['a', 'b "c"', 'd,e\nf', null, 7])).toBe('"a","b ""c""","d,e\nf","","7"\r\n');
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '\uFF1D1'])(
  'what a spreadsheet would take for a formula is text: %j [CWE-1236]',
  (text) => {
    expect(csvLine([text])).toBe(`"'${text}"\r\n`);
  },
);
