import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseContentType } from '../../src/http/content-type.ts';
import { postWith } from './heads.ts';

function parse(value: string | readonly string[]) {
  return parseContentType(postWith({ 'Content-Type': value }));
}

function asciiLower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

describe('parseContentType', () => {
  test.each([
    'application/json',
    'Application/JSON',
    'application/json;charset=utf-8',
    'application/json; charset=utf-8',
    'application/json ;  Charset=UTF-8',
    'application/json; charset="utf-8"',
  ])('reads %j as json', (value) => {
    expect(parse(value)).toBe('json');
  });

  test.each([
    'application/x-www-form-urlencoded',
    'APPLICATION/X-WWW-FORM-URLENCODED; CHARSET="UTF-8"',
  ])('reads %j as form', (value) => {
    expect(parse(value)).toBe('form');
  });

  // fetch('https://app.example/members',
  //   { method: 'POST', credentials: 'include', body: new Blob(['{"role":"owner"}']) })
  // An untyped Blob has no Content-Type and needs no preflight.
  test('tells an absent type from a known one [R-01] [R-04]', () => {
    expect(parseContentType(postWith({}))).toBe('none');
  });

  // <form enctype="text/plain" method="post" …><input name='{"role":"owner","x":"' value='"}'>
  test.each(['text/plain', 'text/plain; application/json', 'multipart/form-data; boundary=x'])(
    'refuses %j, which a form can send without a preflight [R-01] [CWE-352]',
    (value) => {
      expect(parse(value)).toBe('unsupported');
    },
  );

  test.each([
    '',
    ' ',
    ' application/json',
    'application/json ',
    '\tapplication/json',
    'application/json\t',
    'application/json\t; charset=utf-8',
    'application/json;\tcharset=utf-8',
    'application/json\n',
    'application/json; charset=utf-8\n',
    'application/json;',
    'application/json; ',
    'application/json; charset',
    'application/json; charset=',
    'application/json; charset= utf-8',
    'application/json; charset=utf-16',
    'application/json; charset=iso-8859-1',
    "application/json; charset='utf-8'",
    'application/json; charset="utf-8',
    'application/json; charset=utf-8"',
    'application/json; charset="utf\\-8"',
    'application/json; charset=utf-8; charset=utf-8',
    'application/json; charset=utf-8;',
    'application/json; version=1',
    'application/json, text/plain',
    'application/json text/plain',
    'application/json/x',
    'application/ json',
    'application/jsonx',
    'application/json-patch+json',
    'application/problem+json',
    'xapplication/json',
    'text/json',
    'json',
    'application\\json',
    'application/j\u017Fon',
    'application/json\u00A0',
  ])('refuses %j [R-02] [R-03]', (value) => {
    expect(parse(value)).toBe('unsupported');
  });

  test('refuses two lines, even the same twice, even one empty [R-03] [CWE-444]', () => {
    expect(parse(['application/json', 'application/json'])).toBe('unsupported');
    expect(parse(['application/json', 'text/plain'])).toBe('unsupported');
    expect(parse(['application/json', ''])).toBe('unsupported');
  });

  const blank = fc.constantFrom('', ' ', '  ', '\t');
  const piece = fc.oneof(
    blank,
    fc.constantFrom('application', 'JSON', 'json', '/', ';', 'charset', '=', 'utf-8', 'UTF-8', '"'),
    fc.constantFrom('text/plain', 'application/json', 'application/x-www-form-urlencoded', ','),
    fc.string({ unit: 'binary', maxLength: 2 }),
  );
  // The grammar spelled out as a finite set of words, apart from case and the count of spaces.
  const words = new Set(
    ['application/json', 'application/x-www-form-urlencoded'].flatMap((type) => [
      type,
      `${type};charset=utf-8`,
      `${type};charset="utf-8"`,
    ]),
  );

  test('whatever it accepts is byte for byte from the grammar [R-03]', () => {
    const value = fc.oneof(
      fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join('')),
      fc
        .tuple(fc.constantFrom(...words), fc.nat(60), piece)
        .map(([word, at, junk]) => word.slice(0, at) + junk + word.slice(at)),
    );
    fc.assert(
      fc.property(value, (text) => {
        const type = parse(text);
        if (type === 'unsupported') return;
        const word = asciiLower(text).replace(/ *; */, ';');
        expect(words).toContain(word);
        expect(type).toBe(word.startsWith('application/json') ? 'json' : 'form');
      }),
      { numRuns: 2000 },
    );
  });
});
