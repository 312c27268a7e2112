import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldErrorText } from '../../src/pages/form.tsx';
import { signUpPage } from '../../src/pages/sign-up.tsx';
import { english, languages } from '../../src/pages/texts.ts';
import { byId, openTags, shape, visibleText } from './html.ts';
import { hostileText } from './samples.ts';

const reasons = [
  'required',
  'malformed-address',
  'too-long',
  'too-short',
  'invisible-characters',
  'not-text',
  'unknown-field',
  'password-too-short',
  'password-too-long',
  'password-common',
  'password-personal',
  'password-repeated',
  'password-sequence',
  'wrong-password',
  'same-address',
];
const fields = ['email', 'password', 'displayName', 'currentPassword', 'newPassword', 'confirm'];

function pageWith(...errors: readonly { field: string; reason: string }[]): string {
  return signUpPage(english, { csrfToken: 'csrf', errors });
}

describe('an error of a field', () => {
  it.each(reasons)('has a text of its own in each language for the reason %s', (reason) => {
    for (const texts of Object.values(languages)) {
      for (const field of [...fields, 'nothing']) {
        expect(fieldErrorText(texts, { field, reason })).not.toBe(texts.errors.other);
      }
    }
  });

  it('has the general text for any other reason, whatever it is called', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (field, reason) => {
        fc.pre(!reasons.includes(reason));
        expect(fieldErrorText(english, { field, reason })).toBe(english.errors.other);
      }),
    );
  });

  it('stands beside its field, which is marked and described by it', () => {
    const html = pageWith({ field: 'password', reason: 'password-common' });
    const { attributes } = byId(html, 'password');
    expect(attributes.get('aria-invalid')).toBe('true');
    expect(attributes.get('aria-describedby')).toBe('password-hint password-error');
    expect(html).toContain(`id="password-error"><p>${english.errors['password-common']}</p>`);
    expect(byId(html, 'email').attributes.has('aria-invalid')).toBe(false);
  });

  it('shows every reason of one field', () => {
    const html = pageWith(
      { field: 'password', reason: 'password-common' },
      { field: 'password', reason: 'password-personal' },
    );
    const text = visibleText(html);
    expect(text.split(english.errors['password-common'])).toHaveLength(3);
    expect(text.split(english.errors['password-personal'])).toHaveLength(3);
  });
});

describe('the summary of errors', () => {
  it('is an alert that has the focus and links to each field in turn', () => {
    const html = pageWith(
      { field: 'email', reason: 'required' },
      { field: 'password', reason: 'required' },
    );
    const alert = openTags(html).find((tag) => tag.attributes.get('role') === 'alert');
    expect(alert?.attributes.has('autofocus')).toBe(true);
    expect(alert?.attributes.get('tabindex')).toBe('-1');
    const links = openTags(html, 'a').map((tag) => tag.attributes.get('href'));
    expect(links.filter((href) => href?.startsWith('#'))).toEqual([
      '#content',
      '#email',
      '#password',
    ]);
  });

  it('tells an error of a field that the page does not have, without its name [CWE-79]', () => {
    const expected = shape(pageWith({ field: 'nothing', reason: 'unknown-field' }));
    fc.assert(
      fc.property(hostileText, (name) => {
        const html = pageWith({ field: `nothing-${name}`, reason: 'unknown-field' });
        expect(shape(html)).toEqual(expected);
        expect(visibleText(html)).toContain(english.errors['unknown-field']);
        expect(html).not.toContain('nothing-');
      }),
    );
  });

  it('is absent when nothing was wrong', () => {
    expect(pageWith()).not.toContain('role="alert"');
    expect(pageWith()).not.toContain('autofocus');
    expect(pageWith()).not.toContain('Error:');
  });
});
