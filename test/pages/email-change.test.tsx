import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  emailChangedPage,
  emailPage,
  emailRevertedPage,
  emailRevertPage,
} from '../../src/pages/email-change.tsx';
import { english, languages } from '../../src/pages/texts.ts';
import { byId, fieldValues, openTags, visibleText } from './html.ts';
import { hostileText } from './samples.ts';

const values = { csrfToken: 'csrf', email: 'ada@example.com', errors: [] };
const pending = { address: 'new@example.com', expiresAt: new Date('2026-03-02T09:05:00Z') };

describe.each(Object.values(languages))('the page for the address in $language', (texts) => {
  it('says where the link and the notice go, beside the field', () => {
    const html = emailPage(texts, values);
    expect(openTags(html, 'form').map((tag) => tag.attributes.get('action'))).toEqual([
      '/sign-out',
      '/account/email',
    ]);
    expect(visibleText(html)).toContain(texts.emailChange.lead);
    expect(byId(html, 'email').attributes.get('aria-describedby')).toBe('email-hint');
    expect(html).toContain(`<label for="email">${texts.emailChange.fieldLabel}</label>`);
    expect(fieldValues(html, 'email')).toEqual([undefined]);
  });

  it('shows a change that waits for its link, and until when', () => {
    const html = emailPage(texts, { ...values, pending });
    expect(visibleText(html)).toContain(pending.address);
    expect(visibleText(html)).toContain(texts.emailChange.pendingTitle);
    expect(openTags(html, 'time').map((tag) => tag.attributes.get('datetime'))).toEqual([
      '2026-03-02T09:05:00.000Z',
    ]);
    expect(visibleText(emailPage(texts, values))).not.toContain(texts.emailChange.pendingTitle);
  });
});

describe('the page for the address', () => {
  it('gives a refused address back exactly, and shows all others as text [CWE-79]', () => {
    fc.assert(
      fc.property(hostileText, hostileText, hostileText, (email, address, value) => {
        const errors = [{ field: 'email', reason: 'malformed-address' }];
        const waiting = { ...pending, address };
        const html = emailPage(english, { ...values, email, pending: waiting, value, errors });
        expect(fieldValues(html, 'email')).toEqual([value]);
        for (const shown of [email, address]) {
          expect(visibleText(html)).toContain(shown.replaceAll(/\s+/g, ' ').trim());
        }
      }),
    );
  });

  it('says what was wrong, beside the field and on top', () => {
    const errors = [{ field: 'email', reason: 'same-address' }];
    const html = emailPage(english, { ...values, value: 'ada@example.com', errors });
    expect(visibleText(html).split(english.errors['same-address'])).toHaveLength(3);
    expect(byId(html, 'email').attributes.get('aria-invalid')).toBe('true');
    expect(html).toContain('<title>Error: Email address · Sallyport</title>');
  });

  it('does not offer the address that is replaced: that is what it asks to change', () => {
    expect(byId(emailPage(english, values), 'email').attributes.get('autocomplete')).toBe('email');
  });
});

describe('the page that the link in the notice opens', () => {
  it('does nothing until its one button posts the token [ASVS 3.5.3]', () => {
    const html = emailRevertPage(english, { csrfToken: 'csrf', token: 'one-time' });
    const forms = openTags(html, 'form').map((tag) => Object.fromEntries(tag.attributes));
    expect(forms).toEqual([{ method: 'post', action: '/revert-email' }]);
    expect(openTags(html, 'button')).toHaveLength(1);
    expect(html).not.toMatch(/http-equiv|autofocus|<script/);
  });

  it('holds the token in a hidden field only, exactly as it came [CWE-79] [ASVS 14.2.1]', () => {
    fc.assert(
      fc.property(hostileText, (suffix) => {
        const token = `one-time-${suffix}`;
        const html = emailRevertPage(english, { csrfToken: 'csrf', token });
        expect(fieldValues(html, 'token')).toEqual([token]);
        expect(html.split('one-time-')).toHaveLength(2);
      }),
    );
  });

  it('tells no later request its address [ASVS 14.2.1]', () => {
    const html = emailRevertPage(english, { csrfToken: 'csrf', token: 'one-time' });
    const policy = openTags(html).find((tag) => tag.attributes.get('name') === 'referrer');
    expect(policy?.attributes.get('content')).toBe('strict-origin');
  });
});

describe('after a change of address', () => {
  it('leads to the account once it is confirmed', () => {
    expect(emailChangedPage(english)).toMatch(/<a class="button primary" href="\/account">/);
  });

  it('asks whoever took it back to sign in and choose another password', () => {
    const html = emailRevertedPage(english);
    expect(html).toMatch(/<a class="button primary" href="\/sign-in">/);
    expect(visibleText(html)).toContain('choose a new password');
    expect(visibleText(html)).toContain('all sessions have ended');
  });
});
