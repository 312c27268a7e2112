import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROBLEMS } from '../../src/http/problem.ts';
import { problemPage, signedOutPage } from '../../src/pages/problem.tsx';
import { english, languages } from '../../src/pages/texts.ts';
import type { Texts } from '../../src/pages/texts.ts';
import { openTags, shape, visibleText } from './html.ts';
import { hostileText } from './samples.ts';

const codes = Object.keys(PROBLEMS);

function explanation(status: number, code: string, texts: Texts = english): string {
  return visibleText(problemPage(texts, { status, code, requestId: 'request-1' }));
}

describe('the problem page', () => {
  it.each(codes)('explains %s in words of its own', (code) => {
    const own = explanation(500, code);
    expect(explanation(400, code)).toBe(own);
    expect(own).not.toBe(explanation(400, 'never-heard-of'));
    expect(own === explanation(500, 'never-heard-of')).toBe(code === 'internal');
    const inGerman = explanation(500, code, languages.de);
    expect(inGerman).not.toBe(own);
    expect(inGerman).not.toBe(explanation(400, 'never-heard-of', languages.de));
  });

  it('explains an unknown code by whose fault the status says it is', () => {
    fc.assert(
      fc.property(hostileText, fc.integer({ min: 400, max: 599 }), (code, status) => {
        fc.pre(!Object.keys(english.problems).includes(code));
        const general = status >= 500 ? 'internal' : 'refused';
        expect(explanation(status, code)).toContain(english.problems[general].explanation);
      }),
    );
  });

  it('shows the reference and neither code nor status [ASVS 16.5.1] [CWE-209]', () => {
    for (const code of codes.filter((name) => name.includes('-'))) {
      const html = problemPage(english, { status: 418, code, requestId: 'request-1' });
      expect(html).toContain('<code>request-1</code>');
      expect(html).not.toContain('418');
      expect(html).not.toContain(code);
    }
  });

  it('shows any reference as text [CWE-79]', () => {
    const expected = shape(problemPage(english, { status: 404, code: 'busy', requestId: 'a' }));
    fc.assert(
      fc.property(hostileText, (requestId) => {
        const html = problemPage(english, { status: 404, code: 'busy', requestId });
        expect(shape(html)).toEqual(expected);
        expect(visibleText(html)).toContain(requestId.replaceAll(/\s+/g, ' ').trim());
      }),
    );
  });

  it('tells the sender of an old form to reload, and leads on', () => {
    const code = 'synchronizer-token-mismatch';
    const html = problemPage(english, { status: 403, code, requestId: 'request-1' });
    expect(visibleText(html)).toContain('reload the page');
    expect(html).toContain('<a class="button primary" href="/">');
  });

  it.each([
    ['not-signed-in', '/sign-in'],
    ['forbidden', '/account'],
    ['step-up-required', '/re-authenticate'],
    ['not-found', '/'],
  ])('leads from %s to %s', (code, href) => {
    const html = problemPage(english, { status: 400, code, requestId: 'request-1' });
    const buttons = openTags(html, 'a').filter((tag) =>
      tag.attributes.get('class')?.includes('button'),
    );
    expect(buttons.map((tag) => tag.attributes.get('href'))).toEqual([href]);
  });
});

describe('the page after signing out', () => {
  it('says so and leads back in, and has no form left [ASVS 7.4.4]', () => {
    const html = signedOutPage(english);
    expect(visibleText(html)).toContain('You are signed out');
    expect(html).toContain('href="/sign-in"');
    expect(openTags(html, 'form')).toEqual([]);
  });
});
