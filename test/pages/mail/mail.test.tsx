import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { renderMail } from '../../../src/pages/mail/mail.tsx';
import { english } from '../../../src/pages/texts.ts';
import { shape, visibleText } from '../html.ts';
import { hostileText } from '../samples.ts';

const content = {
  subject: 'A subject',
  before: ['Before.'],
  action: 'Act',
  link: 'https://accounts.example/act',
  after: ['After.'],
};

it('escapes whatever stands in a paragraph of the HTML version [CWE-79]', () => {
  const expected = shape(renderMail(english, content).html);
  fc.assert(
    fc.property(hostileText, (words) => {
      const { html } = renderMail(english, { ...content, before: [words], action: words });
      expect(shape(html)).toEqual(expected);
      expect(visibleText(html)).toContain(words.replaceAll(/\s+/g, ' ').trim());
    }),
  );
});

it.each(['\r\nBcc: all@example.com', '\nX', '\rX', '\0', '\u0085'])(
  'refuses a subject with a control character: %j [ASVS 1.3.11] [CWE-93]',
  (end) => {
    const subject = `A subject${end}`;
    expect(() => renderMail(english, { ...content, subject })).toThrow(TypeError);
  },
);
