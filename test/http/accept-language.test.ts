import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseLanguage } from '../../src/http/accept-language.ts';
import { postWith } from './heads.ts';

const choose = (...values: readonly string[]) =>
  chooseLanguage(postWith({ 'Accept-Language': values }), ['en', 'de']);

describe('chooseLanguage', () => {
  test.each([
    ['de', 'de'],
    ['en', 'en'],
    ['DE', 'de'],
    ['de-AT', 'de'],
    ['de-CH-1996', 'de'],
    ['de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7', 'de'],
    ['en-GB,en;q=0.9,de;q=0.8', 'en'],
    ['en;q=0.8, de;q=0.9', 'de'],
    ['en;q=0.5,de;q=0.5', 'en'],
    ['de;q=0.5,en;q=0.5', 'de'],
    ['fr-FR, fr;q=0.9, de;q=0.2', 'de'],
    ['fr;q=1.0, de;q=0.001', 'de'],
    [' de ; q=0.9 , en ; q=0.1 ', 'de'],
    ['de;Q=0.9, en;Q=0.1', 'de'],
    ['en;Q=0.1, de', 'de'],
  ])(
    'the highest weight wins, the earlier of two equals, and a region is no matter: %s',
    (value, language) => {
      expect(choose(value)).toBe(language);
    },
  );

  test.each([
    ['*', 'en'],
    ['fr, *;q=0.1', 'en'],
    ['*;q=0.5, de', 'de'],
    ['en;q=0, *', 'de'],
    ['en;q=0.1, *;q=0.5', 'de'],
    ['de;q=0, *', 'en'],
  ])('a star stands for what is not named beside it (RFC 9110 12.5.4): %s', (value, language) => {
    expect(choose(value)).toBe(language);
  });

  test.each([
    ['nothing', ''],
    ['languages that we have not', 'fr, it;q=0.8, ja'],
    ['ours, but refused', 'de;q=0'],
    ['both refused', 'de;q=0, en;q=0'],
    ['names that only begin like ours', 'den, deu, dea-AT'],
    ['another separator', 'de_AT'],
    ['a subtag like ours', 'fr-de, x-de'],
    ['commas alone', ',,,'],
    ['a weight that is none', 'de;q=high'],
    ['a weight above one', 'en;q=0.9, de;q=9'],
    ['a weight below nothing', 'de;q=-1'],
    ['a weight in another notation', 'en;q=0.5, de;q=0x1'],
    ['a weight without end', 'en;q=0.5, de;q=Infinity'],
    ['an empty weight', 'en;q=0.5, de;q='],
    ['text that is no header of this kind', '{"de":1}'],
    ['more than a thousand characters', `de, ${'x'.repeat(1_000)}`],
  ])('the first of ours where the header has %s', (_, value) => {
    expect(choose(value)).toBe('en');
  });

  test('the first of ours without the header, and where it comes twice', () => {
    expect(choose()).toBe('en');
    expect(choose('de', 'de')).toBe('en');
  });

  test('the first is whichever the caller names first', () => {
    expect(chooseLanguage(postWith({ 'accept-language': '*' }), ['de', 'en'])).toBe('de');
    expect(chooseLanguage(postWith({}), ['de', 'en'])).toBe('de');
  });

  test('one of ours whatever is sent, and never an error', () => {
    const piece = fc.oneof(
      fc.constantFrom('de', 'en', '*', ';', ',', '=', 'q', 'q=', '0', '1', '.', '-', ' ', '\t'),
      fc.string({ maxLength: 4, unit: 'binary' }),
    );
    const value = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(value, (text) => {
        expect(['en', 'de']).toContain(choose(text));
      }),
      { numRuns: 5_000 },
    );
  });
});
