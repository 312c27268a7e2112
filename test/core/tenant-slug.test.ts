import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSlug, slugOf } from '../../src/core/tenant-slug.ts';

test.each([
  ['acme', 'acme'],
  [' Acme-2 ', 'acme-2'],
  ['a'.repeat(40), 'a'.repeat(40)],
])('%j is the slug %s', (text, slug) => {
  expect(parseSlug(text, 'tenant')).toEqual({ slug });
});

test.each([
  ['', 'required'],
  ['ab', 'too-short'],
  ['a'.repeat(41), 'too-long'],
  ['-acme', 'malformed-slug'],
  ['acme-', 'malformed-slug'],
  ['xn--80ak6aa92e', 'malformed-slug'],
  ['acme.example', 'malformed-slug'],
  ['acme/../x', 'malformed-slug'],
  ['\u0430cme', 'malformed-slug'],
  ['www', 'slug-taken'],
])('%j is none: %s', (text, problem) => {
  expect(parseSlug(text, 'tenant')).toEqual({ problem });
});

test('a slug that is made of a name is one, whatever the name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.boolean(), (name, taken) => {
      const slug = slugOf(name, 'tenant', taken);
      expect(parseSlug(slug, 'tenant')).toEqual({ slug });
    }),
  );
});

test.each([
  ['Acme Widgets & Sons', 'acme-widgets-sons'],
  ['M\u00fcller GmbH', 'muller-gmbh'],
])('%j becomes %s, and something else once that is taken', (name, slug) => {
  expect(slugOf(name, 'tenant', false)).toBe(slug);
  expect(slugOf(name, 'tenant', true)).toMatch(new RegExp(`^${slug}-[0-9a-f]{6}$`));
});

test('a team may have a name that no tenant may: its slug is no subdomain', () => {
  expect(parseSlug('support', 'tenant')).toEqual({ problem: 'slug-taken' });
  expect(parseSlug('support', 'team')).toEqual({ slug: 'support' });
  expect(slugOf('Support', 'team', false)).toBe('support');
});
