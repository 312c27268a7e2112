import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Mail } from '../../../src/pages/mail/mail.tsx';
import { existingAccountMail, signUpMail } from '../../../src/pages/mail/sign-up.tsx';
import { english } from '../../../src/pages/texts.ts';
import { openTags, visibleText } from '../html.ts';
import { hostileText } from '../samples.ts';

const link = 'https://accounts.example/confirm-email?token=a-_b&x=1';
const signUp = signUpMail(english, { link, expiresInHours: 24 });
const existing = existingAccountMail(english, { signInLink: link });
const mails: [string, Mail][] = [
  ['to confirm an address', signUp],
  ['to the owner of an account', existing],
];

describe.each(mails)('the mail %s', (_, mail) => {
  it('has the same link in text and HTML, and no other', () => {
    expect(mail.text.match(/\S*:\/\/\S*/g)).toEqual([link]);
    const links = openTags(mail.html, 'a').map((tag) => tag.attributes.get('href'));
    expect(links).toEqual([link, link]);
    expect(visibleText(mail.html)).toContain(link);
  });

  it('says the same in text and HTML', () => {
    const [, ...signature] = mail.text.split('\n-- \n');
    expect(signature).toEqual([
      'Sallyport\nNobody who works here will ever ask for your password.\n',
    ]);
    const html = visibleText(mail.html);
    const lines = mail.text.split('\n').filter((line) => line !== '' && line !== '-- ');
    const said = lines.map((line) => html.indexOf(line.replace(/:$/, '')));
    expect(said).not.toContain(-1);
    expect(html.length).toBeLessThanOrEqual(lines.join(' ').length);
  });

  it('has a subject of one line [ASVS 1.3.11] [CWE-93]', () => {
    expect(mail.subject).toMatch(/^[ -~]{10,60}$/);
  });

  it('says what to do for a reader who did not ask for it', () => {
    expect(mail.text).toContain('If it was not you');
  });

  it('fetches nothing, so that opening it tells nobody', () => {
    expect(openTags(mail.html).map((tag) => tag.name)).not.toContain('img');
    expect(mail.html).not.toMatch(/<(?:script|link|iframe|object)|url\(|@import|\ssrc=/);
  });
});

describe('mail to an address that somebody has typed', () => {
  it('has no words of theirs in it, even if they are handed over [CWE-79] [CWE-93]', () => {
    fc.assert(
      fc.property(hostileText, (words) => {
        const values = { link, expiresInHours: 24, displayName: `Ada ${words}`, email: words };
        expect(signUpMail(english, values)).toEqual(signUp);
      }),
    );
  });

  it('never has a link that is not http or https [ASVS 1.2.2]', () => {
    const script = 'javascript:alert(1)';
    expect(() => signUpMail(english, { link: script, expiresInHours: 24 })).toThrow(TypeError);
    expect(() => existingAccountMail(english, { signInLink: script })).toThrow(TypeError);
  });

  it('tells a reader who did not sign up to leave the link alone, and that nothing follows', () => {
    expect(signUp.text).toContain('do not follow the link');
    expect(signUp.text).toContain('Without it nobody can sign in with your address.');
  });

  it('says beforehand that another browser is asked for the password [R-43]', () => {
    expect(signUp.text).toContain('In another browser it also asks for the password');
  });

  it('tells only the owner of the mailbox that an account exists [ASVS 6.3.8]', () => {
    expect(existing.text).toContain('already has an account');
    expect(signUp.text).not.toContain('already');
  });
});
