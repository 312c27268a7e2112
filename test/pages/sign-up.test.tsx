import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkMailPage, signUpPage } from '../../src/pages/sign-up.tsx';
import { english, languages } from '../../src/pages/texts.ts';
import { byId, fieldValues, openTags, visibleText } from './html.ts';
import { hostileText } from './samples.ts';

const empty = signUpPage(english, { csrfToken: 'csrf', errors: [] });

describe('the sign-up page', () => {
  it('posts name, address and password to /sign-up', () => {
    expect(openTags(empty, 'form').map((tag) => tag.attributes.get('action'))).toEqual([
      '/sign-up',
    ]);
    const names = openTags(empty, 'input').map((tag) => tag.attributes.get('name'));
    expect(names).toEqual(['_csrf', 'displayName', 'email', 'password']);
  });

  it('welcomes password managers, and masks what is typed [ASVS 6.2.6] [ASVS 6.2.7]', () => {
    const password = byId(empty, 'password').attributes;
    expect(password.get('type')).toBe('password');
    expect(password.get('autocomplete')).toBe('new-password');
    expect(byId(empty, 'email').attributes.get('autocomplete')).toBe('username');
  });

  it('never cuts a password that is too long [ASVS 6.2.8] [ASVS 6.2.9]', () => {
    const password = byId(empty, 'password').attributes;
    expect(password.get('minlength')).toBe('15');
    expect(password.has('maxlength')).toBe(false);
    expect(password.has('pattern')).toBe(false);
  });

  it('gives name and address back exactly as they came, after an error [CWE-79]', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (displayName, email) => {
        const errors = [{ field: 'password', reason: 'required' }];
        const html = signUpPage(english, { csrfToken: 'csrf', displayName, email, errors });
        expect(fieldValues(html, 'displayName')).toEqual([displayName]);
        expect(fieldValues(html, 'email')).toEqual([email]);
        expect(fieldValues(html, 'password')).toEqual([undefined]);
      }),
    );
  });

  it('says in its title that something was wrong', () => {
    const errors = [{ field: 'email', reason: 'required' }];
    const html = signUpPage(english, { csrfToken: 'csrf', errors });
    expect(html).toContain('<title>Error: Create your account · Sallyport</title>');
  });

  it.each(Object.values(languages))(
    'offers each provider, and nothing where there is none: %#',
    (texts) => {
      const providers = [
        { id: 'acme', name: 'Acme' },
        { id: 'other', name: 'Other' },
      ];
      const html = signUpPage(texts, { csrfToken: 'csrf', errors: [], providers });
      const forms = openTags(html, 'form').map((tag) => tag.attributes.get('action'));
      expect(forms).toEqual(['/sign-up', '/sign-in/provider', '/sign-in/provider']);
      expect(fieldValues(html, 'provider')).toEqual(['acme', 'other']);
      expect(fieldValues(html, '_csrf')).toEqual(['csrf', 'csrf', 'csrf']);
      for (const { name } of providers) {
        expect(visibleText(html)).toContain(texts.providers.signUp(name));
      }
      expect(fieldValues(empty, 'provider')).toEqual([]);
    },
  );

  it('offers none on the host of a tenant, where no visit can begin', () => {
    const providers = [{ id: 'acme', name: 'Acme' }];
    const texts = {
      ...english,
      otherHosts: { main: 'https://accounts.example.com', tenant: () => '' },
    };
    const html = signUpPage(texts, { csrfToken: 'csrf', errors: [], providers });
    expect(fieldValues(html, 'provider')).toEqual([]);
  });

  it('leads to the sign-in page', () => {
    expect(empty).toContain('<a href="/sign-in">Sign in</a>');
  });
});

describe('the page after signing up', () => {
  it('differs between two addresses in nothing but the address [ASVS 6.3.8] [CWE-204]', () => {
    const one = checkMailPage(english, { csrfToken: 'csrf', email: 'new@example.com' });
    const other = checkMailPage(english, { csrfToken: 'csrf', email: 'known@example.com' });
    expect(one.replaceAll('new@example.com', 'known@example.com')).toBe(other);
  });

  it('shows the address, isolated from the direction of the text around it [CWE-79]', () => {
    fc.assert(
      fc.property(hostileText, (email) => {
        const html = checkMailPage(english, { csrfToken: 'csrf', email });
        expect(visibleText(html)).toContain(email.replaceAll(/\s+/g, ' ').trim());
        expect(openTags(html, 'bdi')).toHaveLength(1);
      }),
    );
  });

  it('says what to do when no message comes', () => {
    const html = checkMailPage(english, { csrfToken: 'csrf', email: 'ada@example.com' });
    expect(visibleText(html)).toContain('junk mail');
    expect(html).toContain('href="/sign-up"');
  });
});
