import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { assets, favicon, localTime, revealPassword, stylesheet } from '../../src/pages/assets.ts';

const css = stylesheet.body.toString('utf8');

/** The two palettes: the variables of the first `:root` block and of the one for dark mode. */
function palettes(): [string, Map<string, string>][] {
  const blocks = [...css.matchAll(/:root \{([^}]*)\}/g)].map(([, block]) => block ?? '');
  expect(blocks).toHaveLength(2);
  return blocks.map((block, index) => {
    const colours = [...block.matchAll(/(--[a-z-]+): (#[0-9a-f]{6});/g)];
    const pairs = colours.map(([, name, value]): [string, string] => [name ?? '', value ?? '']);
    return [index === 0 ? 'light' : 'dark', new Map(pairs)];
  });
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

describe('assets', () => {
  it('have a path that changes with their content', () => {
    for (const asset of assets) {
      const digest = createHash('sha256').update(asset.body).digest('hex');
      expect(asset.path).toMatch(/^\/assets\/[a-z-]+-[0-9a-f]{16}\.(css|svg|js)$/);
      expect(asset.path).toContain(`-${digest.slice(0, 16)}.`);
    }
    expect(assets).toEqual(
      expect.arrayContaining([stylesheet, favicon, localTime, revealPassword]),
    );
    expect(new Set(assets.map((asset) => asset.path)).size).toBe(assets.length);
  });

  it('say what they are [ASVS 3.2.1]', () => {
    expect(stylesheet.contentType).toBe('text/css; charset=utf-8');
    expect(favicon.contentType).toBe('image/svg+xml');
    expect(localTime.contentType).toBe('text/javascript; charset=utf-8');
    expect(revealPassword.contentType).toBe('text/javascript; charset=utf-8');
  });

  it('carry nothing active and fetch nothing [ASVS 3.6.1] [ASVS 3.7.1]', () => {
    expect(css).not.toMatch(/url\(|@import|@font-face|expression\(|https?:/i);
    const svg = favicon.body.toString('utf8').replace('http://www.w3.org/2000/svg', '');
    expect(svg).not.toMatch(/<script|<style|<foreignObject|\son[a-z]+=|href|https?:/i);
  });
});

describe.each([
  ['local-time.js', localTime],
  ['reveal-password.js', revealPassword],
])('the script %s', (_, script) => {
  const source = script.body.toString('utf8');

  it('makes no markup and no code out of text [ASVS 3.2.2] [CWE-79]', () => {
    expect(source).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(|srcdoc|\bimport\b/,
    );
  });

  it('asks nobody and keeps nothing [ASVS 14.3.3]', () => {
    expect(source).not.toMatch(
      /fetch\(|XMLHttpRequest|sendBeacon|localStorage|sessionStorage|indexedDB|cookie/i,
    );
  });
});

describe.each(palettes())('the %s palette', (_, palette) => {
  const colour = (name: string): string => palette.get(`--${name}`) ?? 'missing';

  it.each([
    ['ink', 'ground'],
    ['ink', 'surface'],
    ['ink', 'right-wash'],
    ['ink', 'wrong-wash'],
    ['ink-quiet', 'ground'],
    ['ink-quiet', 'surface'],
    ['accent', 'right-wash'],
    ['accent', 'ground'],
    ['accent', 'surface'],
    ['accent-strong', 'ground'],
    ['on-accent', 'accent'],
    ['on-accent', 'accent-strong'],
    ['on-wrong', 'wrong'],
    ['wrong', 'ground'],
    ['wrong', 'surface'],
    ['wrong', 'wrong-wash'],
  ])('lets %s be read on %s [WCAG 1.4.3]', (ink, ground) => {
    expect(contrast(colour(ink), colour(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(['ground', 'surface'])('shows the edges of controls on %s [WCAG 1.4.11]', (ground) => {
    expect(contrast(colour('control-line'), colour(ground))).toBeGreaterThanOrEqual(3);
    expect(contrast(colour('accent'), colour(ground))).toBeGreaterThanOrEqual(3);
  });
});
