import { describe, expect, test } from 'vitest';
import { canonicalAddress } from '../../src/http/source-address.ts';

describe('an address has one form', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:CB00:7107', '203.0.113.7'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
  ])('%s', (text, address) => {
    expect(canonicalAddress(text)).toBe(address);
  });
});

describe('what is no address has none [CWE-117]', () => {
  test.each([
    undefined,
    '',
    'unknown',
    'localhost',
    '203.0.113',
    '0x7f.1',
    '3405803783',
    '203.0.113.7:4000',
    '203.0.113.7, 198.51.100.1',
    '203.0.113.7\r\nx: y',
    '[::1]',
  ])('%j', (text) => {
    expect(canonicalAddress(text)).toBeNull();
  });
});
