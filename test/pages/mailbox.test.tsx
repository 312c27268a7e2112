import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mailboxPage } from '../../src/pages/mailbox.tsx';
import { english, languages } from '../../src/pages/texts.ts';
import { openTags, shape, visibleText } from './html.ts';
import { hostileText } from './samples.ts';

const link = 'http://127.0.0.1:4000/confirm-email?token=a&b=c';
const mail = { to: 'ada@example.com', subject: 'Confirm', text: 'One.\n\nTwo.', links: [link] };

describe('the development mailbox', () => {
  it('shows each message in the order that it was given, with links to follow', () => {
    const html = mailboxPage(english, { mails: [mail, { ...mail, subject: 'Older', links: [] }] });
    const text = visibleText(html);
    expect(text.indexOf('Confirm')).toBeLessThan(text.indexOf('Older'));
    const links = openTags(html, 'a').filter((tag) => tag.attributes.get('rel') === 'noreferrer');
    expect(links.map((tag) => tag.attributes.get('href'))).toEqual([link]);
    expect(html).toContain('href="/development/mailbox.json"');
  });

  it.each(Object.values(languages))('says in $language that nothing was sent, and why', (texts) => {
    const empty = visibleText(mailboxPage(texts, { mails: [] }));
    const full = visibleText(mailboxPage(texts, { mails: [mail] }));
    expect(empty).toContain(texts.mailbox.lead);
    expect(empty).toContain(texts.mailbox.empty.title);
    expect(full).toContain(texts.mailbox.lead);
    expect(full).not.toContain(texts.mailbox.empty.title);
  });

  it('shows whatever a message says as text [CWE-79]', () => {
    const expected = shape(mailboxPage(english, { mails: [mail] }));
    fc.assert(
      fc.property(hostileText, hostileText, hostileText, (to, subject, text) => {
        const html = mailboxPage(english, { mails: [{ to, subject, text, links: [link] }] });
        expect(shape(html)).toEqual(expected);
        for (const shown of [to, subject, text]) {
          expect(visibleText(html)).toContain(shown.replaceAll(/\s+/g, ' ').trim());
        }
      }),
    );
  });

  it('makes no link of what is not http or https [ASVS 1.2.2]', () => {
    const hostile = { ...mail, links: ['javascript:alert(1)'] };
    expect(() => mailboxPage(english, { mails: [hostile] })).toThrow(TypeError);
  });
});
