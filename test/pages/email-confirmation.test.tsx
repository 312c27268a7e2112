import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  emailConfirmationPage,
  emailConfirmedPage,
  invalidLinkPage,
} from '../../src/pages/email-confirmation.tsx';
import { english } from '../../src/pages/texts.ts';
import { fieldValues, openTags, visibleText } from './html.ts';
import { hostileText } from './samples.ts';

describe('the page that a confirmation link opens', () => {
  it('does nothing until its one button posts the token [ASVS 3.5.3]', () => {
    const html = emailConfirmationPage(english, { csrfToken: 'csrf', token: 'one-time' });
    const forms = openTags(html, 'form').map((tag) => Object.fromEntries(tag.attributes));
    expect(forms).toEqual([{ method: 'post', action: '/confirm-email' }]);
    expect(openTags(html, 'button')).toHaveLength(1);
    expect(html).not.toMatch(/http-equiv|autofocus/);
  });

  it('holds the token in a hidden field only, exactly as it came [CWE-79] [ASVS 14.2.1]', () => {
    fc.assert(
      fc.property(hostileText, (suffix) => {
        const token = `one-time-${suffix}`;
        const html = emailConfirmationPage(english, { csrfToken: 'csrf', token });
        expect(fieldValues(html, 'token')).toEqual([token]);
        expect(html.split('one-time-')).toHaveLength(2);
      }),
    );
  });

  it('tells no later request its address, yet lets the form prove its origin [ASVS 14.2.1]', () => {
    const html = emailConfirmationPage(english, { csrfToken: 'csrf', token: 'one-time' });
    const policy = openTags(html).findIndex((tag) => tag.attributes.get('name') === 'referrer');
    expect(openTags(html)[policy]?.attributes.get('content')).toBe('strict-origin');
    expect(policy).toBeLessThan(openTags(html).findIndex((tag) => tag.name === 'link'));
  });

  it('warns a reader who did not sign up: the password is not theirs', () => {
    const html = emailConfirmationPage(english, { csrfToken: 'csrf', token: 'one-time' });
    expect(visibleText(html)).toContain(
      'Go on only if you have just signed up, or changed your address, yourself.',
    );
  });
});

describe('the same page in another browser than that of the sign-up', () => {
  const values = { csrfToken: 'csrf', token: 'one-time' };
  const address = 'ada@example.com';

  it('asks for the password of then, which nobody else can know [R-43]', () => {
    const html = emailConfirmationPage(english, {
      ...values,
      asked: { passwordProblem: 'required', address },
    });
    const input = openTags(html, 'input').find((tag) => tag.attributes.get('name') === 'password');
    expect(Object.fromEntries(input?.attributes ?? [])).toMatchObject({
      type: 'password',
      autocomplete: 'current-password',
    });
    expect(input?.attributes.has('value')).toBe(false);
    expect(fieldValues(html, 'token')).toEqual(['one-time']);
    expect(visibleText(html)).toContain('If you have not signed up, somebody else has typed');
    expect(html).not.toContain('aria-invalid');
  });

  it('says so beside the field where it was not the one, and in the title', () => {
    const html = emailConfirmationPage(english, {
      ...values,
      asked: { passwordProblem: 'wrong-password', address },
    });
    expect(html).toMatch(/id="password-error"><p>This is not your password/);
    expect(html).toContain('aria-invalid="true"');
    expect(html).toContain(`<title>${english.errorTitle(english.emailConfirmation.title)}`);
  });
});

describe('after the link', () => {
  it('a confirmed reader is led to the sign-in page', () => {
    expect(emailConfirmedPage(english)).toMatch(/<a class="button primary" href="\/sign-in">/);
  });

  it('a reader of a dead link learns what to do, not what became of it [CWE-204]', () => {
    const html = invalidLinkPage(english);
    expect(visibleText(html)).toContain('expired, been used already, or been copied only in part');
    expect(html).toContain('href="/sign-in"');
    expect(html).toContain('href="/sign-up"');
  });
});
