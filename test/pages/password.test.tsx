import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { passwordPage } from '../../src/pages/password.tsx';
import { reauthenticationPage } from '../../src/pages/reauthentication.tsx';
import { english, languages } from '../../src/pages/texts.ts';
import { byId, fieldValues, openTags, visibleText } from './html.ts';
import { hostileText } from './samples.ts';

const values = { csrfToken: 'csrf', email: 'ada@example.com', errors: [], hasPassword: true };
const page = passwordPage(english, values);

const onlyPassword = { hasPassword: true, secondFactor: false, passkeyOptions: null } as const;

describe('the page to change the password', () => {
  it('posts the current and the new one, and nothing else [ASVS 6.2.3]', () => {
    expect(openTags(page, 'form').map((tag) => tag.attributes.get('action'))).toEqual([
      '/sign-out',
      '/account/password',
    ]);
    const names = openTags(page, 'input').flatMap((tag) => tag.attributes.get('name') ?? []);
    expect(names).toEqual(['_csrf', '_csrf', 'currentPassword', 'newPassword']);
  });

  it('welcomes password managers, and masks what is typed [ASVS 6.2.6] [ASVS 6.2.7]', () => {
    const username = byId(page, 'username').attributes;
    expect(Object.fromEntries(username)).toEqual({
      id: 'username',
      type: 'text',
      autocomplete: 'username',
      value: 'ada@example.com',
      readonly: '',
      hidden: '',
    });
    const fields = ['currentPassword', 'newPassword'].map((id) => byId(page, id).attributes);
    expect(fields.map((attributes) => attributes.get('type'))).toEqual(['password', 'password']);
    expect(fields.map((attributes) => attributes.get('autocomplete'))).toEqual([
      'current-password',
      'new-password',
    ]);
  });

  it('never cuts a password, and refuses no old one [ASVS 6.2.8] [ASVS 6.2.9]', () => {
    expect(byId(page, 'newPassword').attributes.get('minlength')).toBe('15');
    expect(byId(page, 'currentPassword').attributes.has('minlength')).toBe(false);
    expect(page).not.toMatch(/maxlength|pattern=/);
  });

  it.each(Object.values(languages))('says in $language that other sessions end', (texts) => {
    expect(visibleText(passwordPage(texts, values))).toContain(texts.passwordChange.lead);
  });

  it('says beside each field what was wrong with it', () => {
    const errors = [
      { field: 'currentPassword', reason: 'wrong-password' },
      { field: 'newPassword', reason: 'password-common' },
    ];
    const html = passwordPage(english, { ...values, errors });
    for (const { field, reason } of errors) {
      const text = english.errors[reason as 'wrong-password' | 'password-common'];
      expect(html).toContain(`id="${field}-error"><p>${text}</p>`);
      expect(byId(html, field).attributes.get('aria-describedby')).toContain(`${field}-error`);
      expect(html).toContain(`href="#${field}"`);
    }
    expect(html).toContain('<title>Error: Password · Sallyport</title>');
  });
});

describe('the page that asks for the password again', () => {
  const asked = { csrfToken: 'csrf', email: 'ada@example.com', returnTo: '/account/email' };
  const fresh = reauthenticationPage(english, { ...onlyPassword, ...asked, failed: false });
  const failed = reauthenticationPage(english, { ...onlyPassword, ...asked, failed: true });

  it('posts the password and where to go on', () => {
    expect(openTags(fresh, 'form').map((tag) => tag.attributes.get('action'))).toEqual([
      '/sign-out',
      '/re-authenticate',
    ]);
    const names = openTags(fresh, 'input').flatMap((tag) => tag.attributes.get('name') ?? []);
    expect(names).toEqual(['_csrf', '_csrf', 'return_to', 'password']);
    expect(byId(fresh, 'password').attributes.get('autocomplete')).toBe('current-password');
    expect(byId(fresh, 'username').attributes.get('value')).toBe('ada@example.com');
  });

  it('only hands on where to go, and makes no link of it [CWE-79] [CWE-601]', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (email, returnTo) => {
        const html = reauthenticationPage(english, {
          ...onlyPassword,
          ...asked,
          email,
          returnTo,
          failed: false,
        });
        expect(fieldValues(html, 'return_to')).toEqual([returnTo]);
        expect(visibleText(html)).toContain(email.replaceAll(/\s+/g, ' ').trim());
        const links = openTags(html, 'a').map((tag) => tag.attributes.get('href'));
        expect(links).toEqual(['#content', '/', '/account']);
      }),
    );
  });

  it.each(Object.values(languages))('says in $language why it asks', (texts) => {
    const html = reauthenticationPage(texts, { ...onlyPassword, ...asked, failed: false });
    expect(visibleText(html)).toContain(texts.reauthentication.lead);
  });

  it('tells a failure, announced and tied to the field', () => {
    expect(byId(failed, 'failed').attributes.get('role')).toBe('alert');
    expect(byId(failed, 'password').attributes.get('aria-describedby')).toBe('failed');
    expect(byId(failed, 'password').attributes.get('aria-invalid')).toBe('true');
    expect(fresh).not.toMatch(/role="alert"|aria-invalid|Error:/);
  });
});
