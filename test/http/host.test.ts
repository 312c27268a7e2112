import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkHost, hostsOf } from '../../src/http/host.ts';
import { postWith } from './heads.ts';

const policy = hostsOf('https://app.example', { loopback: false, port: 3000 });

describe('checkHost', () => {
  test.each(['app.example', 'app.example:443', 'APP.Example', 'app.example.', 'App.Example.:443'])(
    'passes %s [R-84]',
    (host) => {
      expect(checkHost(postWith({ Host: host }), policy)).toBeNull();
    },
  );

  // evil.example resolves to our address a second after its page was loaded, and the page then
  // calls fetch('/members'): same-origin to the browser, so neither CORS nor Origin stops it.
  test('refuses another name that resolves to us, DNS rebinding [R-84] [CWE-350]', () => {
    expect(checkHost(postWith({ Host: 'evil.example' }), policy)).toBe('foreign-host');
    expect(checkHost(postWith({ Host: 'evil.example:443' }), policy)).toBe('foreign-host');
  });

  test.each([
    '',
    '.',
    ' app.example',
    'app.example..',
    '.app.example',
    'app.example:',
    'app.example:80',
    'app.example:8443',
    'app.example:0443',
    'app.example:443.',
    'app.example:443:443',
    'app.example:444443',
    'app.example, evil.example',
    'evil.example/app.example',
    'mallory@app.example',
    'app.example/',
    'https://app.example',
    'x.app.example',
    'app.example.evil.example',
    'evil-app.example',
    'localhost:3000',
    '127.0.0.1:3000',
    '[::1]:3000',
    '*',
  ])('refuses %j', (host) => {
    expect(checkHost(postWith({ Host: host }), policy)).toBe('foreign-host');
  });

  test('folds ASCII letters only: the Kelvin sign is no k', () => {
    const kiosk = hostsOf('https://kiosk.example', { loopback: false, port: 3000 });
    expect(checkHost(postWith({ Host: '\u212Aiosk.example' }), kiosk)).toBe('foreign-host');
    expect(checkHost(postWith({ Host: 'Kiosk.example' }), kiosk)).toBeNull();
  });

  test('refuses a request without a Host, or with two, even the same one twice', () => {
    expect(checkHost(postWith({}), policy)).toBe('no-host');
    const twice = postWith({ Host: ['app.example', 'app.example'] });
    expect(checkHost(twice, policy)).toBe('repeated-host');
    const mixed = postWith({ Host: ['app.example', 'evil.example'] });
    expect(checkHost(mixed, policy)).toBe('repeated-host');
  });

  test('ignores every header that merely claims a host', () => {
    const head = postWith({
      Host: 'evil.example',
      'X-Forwarded-Host': 'app.example',
      Forwarded: 'host=app.example',
      ':authority': 'app.example',
    });
    expect(checkHost(head, policy)).toBe('foreign-host');
  });

  test('passes nothing but our names in any case, with or without one dot', () => {
    const near = fc.constantFrom('app', 'APP', '.', 'example', ':', '443', 'evil', '[::1]', ' ');
    const host = fc.array(near, { maxLength: 6 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(host, (value) => {
        if (checkHost(postWith({ Host: value }), policy) !== null) return;
        expect(value).toMatch(/^app\.example\.?(:443)?$/i);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('hostsOf', () => {
  test('gives the host with and without the default port of its scheme', () => {
    expect(hostsOf('https://app.example', { loopback: false, port: 3000 })).toEqual({
      hosts: ['app.example', 'app.example:443'],
    });
    expect(hostsOf('http://localhost', { loopback: false, port: 80 })).toEqual({
      hosts: ['localhost', 'localhost:80'],
    });
  });

  test('gives another port only with the host', () => {
    expect(hostsOf('https://app.example:8443', { loopback: false, port: 3000 })).toEqual({
      hosts: ['app.example:8443'],
    });
  });

  test('adds the loopback names of the listening port, when listening on loopback', () => {
    expect(hostsOf('http://localhost:3000', { loopback: true, port: 3000 })).toEqual({
      hosts: ['localhost:3000', '127.0.0.1:3000', '[::1]:3000'],
    });
    const behindProxy = hostsOf('https://app.example', { loopback: true, port: 3000 });
    expect(checkHost(postWith({ Host: '[::1]:3000' }), behindProxy)).toBeNull();
    expect(checkHost(postWith({ Host: 'localhost' }), behindProxy)).toBe('foreign-host');
    expect(checkHost(postWith({ Host: 'localhost:3001' }), behindProxy)).toBe('foreign-host');
  });

  test('leaves the port out too where clients do: 80', () => {
    const { hosts } = hostsOf('http://localhost', { loopback: true, port: 80 });
    expect(hosts).toContain('127.0.0.1');
    expect(hosts).toContain('127.0.0.1:80');
  });

  test('throws for what is not an origin or a port', () => {
    expect(() => hostsOf('app.example', { loopback: false, port: 3000 })).toThrow(TypeError);
    expect(() => hostsOf('https://app.example', { loopback: true, port: -1 })).toThrow(TypeError);
  });
});
