import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accountDeletionMail,
  emailChangeMail,
  emailChangeNoticeMail,
  passwordChangedMail,
  passwordCompromisedMail,
  passwordRecoveredMail,
  passwordRecoveryMail,
} from '../../../src/pages/mail/account.tsx';
import { tenantDeletionMail, tenantRestoredMail } from '../../../src/pages/mail/tenant.tsx';
import {
  authenticatorClosedMail,
  guessesLimitedMail,
  newDeviceMail,
} from '../../../src/pages/mail/guesses.tsx';
import type { Mail } from '../../../src/pages/mail/mail.tsx';
import { existingAccountMail, signUpMail } from '../../../src/pages/mail/sign-up.tsx';
import { english, languages } from '../../../src/pages/texts.ts';
import type { Texts } from '../../../src/pages/texts.ts';
import { openTags, shape, visibleText } from '../html.ts';
import { hostileText } from '../samples.ts';

const link = 'https://accounts.example/revert-email?token=a-_b&x=1';
const newAddressMasked = 'a\u2026@example.com';
const factors = ['password', 'one-time-password', 'recovery-code'] as const;
const deletesAt = new Date('2026-03-15T12:00:00Z');

function everyMail(texts: Texts, to: string): [string, Mail][] {
  return [
    ['to confirm an address', signUpMail(texts, { link: to, expiresInHours: 24 })],
    ['to the owner of an account', existingAccountMail(texts, { signInLink: to })],
    ['to a new address', emailChangeMail(texts, { link: to, expiresInHours: 24 })],
    [
      'to the old address',
      emailChangeNoticeMail(texts, { revertLink: to, newAddressMasked, expiresInDays: 7 }),
    ],
    ['about a new password', passwordChangedMail(texts, { accountLink: to })],
    ['about a deletion', accountDeletionMail(texts, { signInLink: to, deletesAt })],
    ['about a forgotten password', passwordRecoveryMail(texts, { link: to, expiresInMinutes: 15 })],
    ['about a recovered password', passwordRecoveredMail(texts, { link: to })],
    ['about a compromised password', passwordCompromisedMail(texts, { link: to })],
    ['about a new browser', newDeviceMail(texts, { link: to, browser: 'Firefox', system: null })],
    ['about wrong guesses', guessesLimitedMail(texts, { link: to })],
    ['about a tenant', tenantDeletionMail(texts, { slug: 'acme', tenantsLink: to, deletesAt })],
    ['about a tenant again', tenantRestoredMail(texts, { slug: 'acme', tenantsLink: to })],
    ...factors.map((factor): [string, Mail] => [
      `about wrong guesses at the ${factor}`,
      authenticatorClosedMail(texts, { factor, link: to }),
    ]),
  ];
}

const languageMails = Object.values(languages).flatMap((texts) =>
  everyMail(texts, link).map(([name, mail]): [string, Texts, Mail] => [
    `${name}, in ${texts.language}`,
    texts,
    mail,
  ]),
);

describe.each(languageMails)('the mail %s', (_, texts, mail) => {
  it('has the same link in text and HTML, and no other', () => {
    expect(mail.text.match(/\S*:\/\/\S*/g)).toEqual([link]);
    const links = openTags(mail.html, 'a').map((tag) => tag.attributes.get('href'));
    expect(links).toEqual([link, link]);
  });

  it('says the same in text and HTML, in its language', () => {
    const html = visibleText(mail.html);
    const lines = mail.text.split('\n').filter((line) => line !== '' && line !== '-- ');
    expect(lines.map((line) => html.indexOf(line.replace(/:$/, '')))).not.toContain(-1);
    expect(openTags(mail.html, 'html')[0]?.attributes.get('lang')).toBe(texts.language);
    expect(mail.text.endsWith(`${texts.footer}\n`)).toBe(true);
  });

  it('has a subject of one short line [ASVS 1.3.11] [CWE-93]', () => {
    expect(mail.subject).toMatch(/^[^\p{Cc}]{10,64}$/u);
  });

  it('says what to do for a reader who did not ask for it', () => {
    expect(mail.text).toMatch(/If it was not you|Wenn Sie es nicht waren/);
  });

  it('fetches nothing, so that opening it tells nobody', () => {
    expect(mail.html).not.toMatch(/<(?:script|link|iframe|object|img)|url\(|@import|\ssrc=/);
  });
});

describe('the mails of an account', () => {
  it('never have a link that is not http or https [ASVS 1.2.2]', () => {
    const script = 'javascript:alert(1)';
    expect(() => emailChangeMail(english, { link: script, expiresInHours: 24 })).toThrow(TypeError);
    expect(() =>
      emailChangeNoticeMail(english, { revertLink: script, newAddressMasked, expiresInDays: 7 }),
    ).toThrow(TypeError);
    expect(() => passwordChangedMail(english, { accountLink: script })).toThrow(TypeError);
    expect(() => accountDeletionMail(english, { signInLink: script, deletesAt })).toThrow(
      TypeError,
    );
  });

  it('tell the old address the masked new one, and for how long it can be kept', () => {
    const values = { revertLink: link, newAddressMasked, expiresInDays: 7 };
    expect(emailChangeNoticeMail(english, values).text).toContain(`to ${newAddressMasked}.`);
    expect(emailChangeNoticeMail(english, values).text).toContain('for 7 days.');
    const oneDay = { ...values, expiresInDays: 1 };
    expect(emailChangeNoticeMail(languages.de, oneDay).text).toContain('einen Tag lang.');
  });

  it('take from a masked address no line, no link and no markup [CWE-79] [CWE-93]', () => {
    const plain = emailChangeNoticeMail(english, {
      revertLink: link,
      newAddressMasked,
      expiresInDays: 7,
    });
    fc.assert(
      fc.property(hostileText, (words) => {
        const masked = `a\u2026@${words}\r\n\u202ehttps://evil.example/`;
        const mail = emailChangeNoticeMail(english, {
          revertLink: link,
          newAddressMasked: masked,
          expiresInDays: 7,
        });
        expect(mail.subject).toBe(plain.subject);
        expect(mail.text.split('\n')).toHaveLength(plain.text.split('\n').length);
        expect(mail.text.match(/\S*:\/\/\S*/g)).toEqual([link]);
        expect(mail.text).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
        expect(shape(mail.html)).toEqual(shape(plain.html));
      }),
    );
  });

  it('tell in UTC until when signing in keeps the account', () => {
    const values = { signInLink: link, deletesAt };
    expect(accountDeletionMail(english, values).text).toContain('March 15, 2026 at 12:00 UTC');
    expect(accountDeletionMail(languages.de, values).text).toContain(
      'Am 15. März 2026 um 12:00 UTC wird',
    );
  });
});
