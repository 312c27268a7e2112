import { expect, it } from 'vitest';
import { landingPage } from '../../src/pages/landing.tsx';
import { english, languages } from '../../src/pages/texts.ts';
import { openTags, visibleText } from './html.ts';

it.each(Object.values(languages))('opens itself at once and has a link, in $language', (texts) => {
  const html = landingPage(texts, { path: '/account?a=1&b=2' });
  const refresh = openTags(html, 'meta').filter((tag) => tag.attributes.has('http-equiv'));
  expect(refresh.map((tag) => Object.fromEntries(tag.attributes))).toEqual([
    { 'http-equiv': 'refresh', content: '0' },
  ]);
  const links = openTags(html, 'a').map((tag) => tag.attributes.get('href'));
  expect(links).toEqual(['#content', '/', '/account?a=1&b=2']);
  expect(visibleText(html)).toContain(texts.landing.link);
  expect(openTags(html, 'form')).toEqual([]);
  expect(openTags(html, 'script')).toEqual([]);
});

it('tells no other request the address, which may hold a one-time token [ASVS 14.2.1]', () => {
  const html = landingPage(english, { path: '/confirm-email?token=a' });
  const policy = openTags(html).find((tag) => tag.attributes.get('name') === 'referrer');
  expect(policy?.attributes.get('content')).toBe('strict-origin');
});

it('leads to no other origin [CWE-601] [ASVS 3.7.2]', () => {
  expect(() => landingPage(english, { path: '//evil.example/' })).toThrow(TypeError);
});
