import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signInPage } from '../../src/pages/sign-in.tsx';
import { english } from '../../src/pages/texts.ts';
import { byId, fieldValues, openTags, visibleText } from './html.ts';
import { hostileText } from './samples.ts';

const passkeyOptions = { challenge: 'challenge' };
const fresh = signInPage(english, { csrfToken: 'csrf', passkeyOptions, failed: false });
const failed = signInPage(english, {
  csrfToken: 'csrf',
  passkeyOptions,
  email: 'ada@example.com',
  failed: true,
});

describe('the sign-in page', () => {
  it('posts address and password to /sign-in', () => {
    expect(openTags(fresh, 'form').map((tag) => tag.attributes.get('action'))).toEqual([
      '/sign-in/with-passkey',
      '/sign-in',
    ]);
    const names = openTags(fresh, 'input').map((tag) => tag.attributes.get('name'));
    expect(names).toEqual(['_csrf', 'passkey', '_csrf', 'email', 'password']);
  });

  it('lets password managers fill it, and refuses no old password [ASVS 6.2.7]', () => {
    expect(byId(fresh, 'email').attributes.get('autocomplete')).toBe('username webauthn');
    const password = byId(fresh, 'password').attributes;
    expect(password.get('autocomplete')).toBe('current-password');
    expect(password.has('minlength')).toBe(false);
    expect(password.has('maxlength')).toBe(false);
  });

  it('has one message for every failure, announced and tied to both fields [ASVS 6.3.8]', () => {
    expect(openTags(failed).filter((tag) => tag.attributes.get('role') === 'alert')).toEqual([
      byId(failed, 'failed'),
    ]);
    expect(visibleText(failed).split(english.signIn.failed)).toHaveLength(2);
    for (const id of ['email', 'password']) {
      const { attributes } = byId(failed, id);
      expect(attributes.get('aria-describedby')).toBe('failed');
      expect(attributes.get('aria-invalid')).toBe('true');
    }
    expect(failed).toContain('<title>Error: Sign in · Sallyport</title>');
  });

  it('after a failure keeps the address, not the password, and waits at the password', () => {
    fc.assert(
      fc.property(hostileText, (email) => {
        const html = signInPage(english, {
          csrfToken: 'csrf',
          passkeyOptions,
          email,
          failed: true,
        });
        expect(fieldValues(html, 'email')).toEqual([email]);
        expect(fieldValues(html, 'password')).toEqual([undefined]);
        expect(byId(html, 'password').attributes.has('autofocus')).toBe(true);
      }),
    );
  });

  it('accuses nobody on the first visit', () => {
    for (const word of ['role="alert"', 'aria-invalid', 'autofocus', 'Error:']) {
      expect(fresh).not.toContain(word);
    }
  });

  it('hands on where to go afterwards, if it was told, and makes no link of it [CWE-601]', () => {
    expect(fieldValues(fresh, 'return_to')).toEqual([]);
    fc.assert(
      fc.property(hostileText, (returnTo) => {
        const html = signInPage(english, {
          csrfToken: 'csrf',
          passkeyOptions,
          failed: false,
          returnTo,
        });
        expect(fieldValues(html, 'return_to')).toEqual([returnTo, returnTo]);
        const links = openTags(html, 'a').map((tag) => tag.attributes.get('href'));
        expect(links).toEqual(['#content', '/', '/forgot-password', '/sign-up']);
      }),
    );
  });

  it('leads to the sign-up page', () => {
    expect(fresh).toContain('<a href="/sign-up">Create an account</a>');
  });
});
