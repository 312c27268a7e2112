import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isUnbelieved, parseTrustedProxy, sourceOf } from '../../src/http/source.ts';
import { postWith } from './heads.ts';

const trusting = (...texts: string[]) =>
  texts.map((text) => parseTrustedProxy(text) ?? expect.unreachable(text));
const nobody = trusting();
const proxies = trusting('10.0.0.0/8', '127.0.0.1', '2001:db8:ffff::/48');
const forwarded = (...lines: string[]) => postWith({ 'X-Forwarded-For': lines });
const from = (peer: string | undefined, head = postWith({}), trusted = proxies) =>
  sourceOf(head, peer, trusted);

describe('one address has one form [R-53]', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:0207', '192.0.2.7', '192.0.2.7'],
    ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7', '192.0.2.7'],
    ['2001:db8::1', '2001:db8::1', '2001:db8::/64'],
    ['2001:0DB8:0000:0000:0000:0000:0000:0001', '2001:db8::1', '2001:db8::/64'],
    ['2001:db8:0:0:ffff:ffff:ffff:ffff', '2001:db8::ffff:ffff:ffff:ffff', '2001:db8::/64'],
    ['2001:db8:0:1::1', '2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['::1', '::1', '::/64'],
    ['fe80::1%eth0', 'fe80::1', 'fe80::/64'],
    ['fe80::1%eth1', 'fe80::1', 'fe80::/64'],
  ])('%s', (peer, address, network) => {
    expect(from(peer)).toEqual({ address, network });
  });

  test('every address of a /64 counts as one, and the next /64 does not', () => {
    const part = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(fc.tuple(part, part, part, part), fc.tuple(part, part, part, part), (a, b) => {
        const at = (prefix: string, rest: readonly number[]) =>
          from(`2001:db8:1:${prefix}:${rest.map((each) => each.toString(16)).join(':')}`).network;
        expect(at('2', a)).toBe(at('2', b));
        expect(at('2', a)).not.toBe(at('3', a));
      }),
    );
  });

  test.each([
    undefined,
    '',
    'unknown',
    'localhost',
    '/tmp/socket',
    '0x7f.0.0.1',
    '017700000001',
    '127.1',
    '203.0.113',
    '3405803783',
    '203.0.113.7:4000',
    '203.0.113.7, 198.51.100.1',
    '203.0.113.7\r\nx: y',
    '[::1]',
  ])('a peer without a proper address (%j) is the unknown source [CWE-117]', (peer) => {
    expect(from(peer)).toEqual({ address: null, network: 'unknown' });
  });
});

describe('X-Forwarded-For [R-81] [CWE-348]', () => {
  const peer = '10.1.2.3';

  test('is not looked at where the peer is no configured proxy', () => {
    expect(from('192.0.2.7', forwarded('198.51.100.1')).address).toBe('192.0.2.7');
    expect(from(peer, forwarded('198.51.100.1'), nobody).address).toBe(peer);
  });

  test.each([
    [['198.51.100.1'], '198.51.100.1'],
    [['203.0.113.9, 198.51.100.1'], '198.51.100.1'],
    [['203.0.113.9', '198.51.100.1'], '198.51.100.1'],
    [['203.0.113.9, 198.51.100.1, 10.9.9.9'], '198.51.100.1'],
    [['203.0.113.9, 198.51.100.1, 2001:db8:ffff::5'], '198.51.100.1'],
    [['198.51.100.1, ::ffff:10.9.9.9'], '198.51.100.1'],
    [['10.0.0.1, 10.0.0.2'], '10.0.0.1'],
    [['198.51.100.1:4711'], '198.51.100.1'],
    [['[2001:db8::7]:4711'], '2001:db8::7'],
    [['2001:db8::7'], '2001:db8::7'],
  ])('%j gives the right-most address that is no proxy: %s', (lines, address) => {
    expect(from(peer, forwarded(...lines)).address).toBe(address);
  });

  test.each([
    [['unknown']],
    [['']],
    [['198.51.100.1,']],
    [['198.51.100.1, _hidden']],
    [['198.51.100.1, 0x0a.0.0.1']],
    [[`198.51.100.1, ${'9'.repeat(5_000)}`]],
  ])('what is no address makes the request count for the proxy: %j', (lines) => {
    expect(from(peer, forwarded(...lines)).address).toBe(peer);
  });

  test('whatever a client writes, the address that the proxy appends is taken [ASVS 15.3.4]', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6())), (written) => {
        const lines = [...written.map((each) => each.replaceAll(/[\r\n]/g, '')), '198.51.100.1'];
        expect(from(peer, forwarded(lines.join(', '))).address).toBe('198.51.100.1');
      }),
    );
  });

  test('a chain without end costs no more than one of 32 hops', () => {
    const hops = Array.from({ length: 10_000 }, () => '10.0.0.1').join(',');
    expect(from(peer, forwarded(`198.51.100.1,${hops}`)).address).toBe('10.0.0.1');
  });

  test('is noticed where it comes from somebody who is not believed', () => {
    expect(isUnbelieved(forwarded('198.51.100.1'), '192.0.2.7', proxies)).toBe(true);
    expect(isUnbelieved(forwarded('198.51.100.1'), undefined, proxies)).toBe(true);
    expect(isUnbelieved(forwarded('198.51.100.1'), '10.0.0.1', proxies)).toBe(false);
    expect(isUnbelieved(postWith({}), '192.0.2.7', proxies)).toBe(false);
  });
});

describe('a trusted proxy', () => {
  test.each(['10.0.0.1', '10.0.0.0/8', '::1', '2001:db8::/32', '::ffff:10.0.0.1', '0.0.0.0/0'])(
    'may be written as %s',
    (text) => {
      expect(parseTrustedProxy(text)).not.toBeNull();
    },
  );

  test.each([
    '',
    'localhost',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '::1/129',
    '*',
  ])('may not be written as %s', (text) => {
    expect(parseTrustedProxy(text)).toBeNull();
  });
});
