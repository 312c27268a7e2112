import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accountPage } from '../../src/pages/account.tsx';
import { english } from '../../src/pages/texts.ts';
import { byId, fieldValues, openTags, visibleText } from './html.ts';
import { hostileText } from './samples.ts';

const values = {
  csrfToken: 'csrf',
  displayName: 'Ada Lovelace',
  email: 'ada@example.com',
  authenticatedAt: new Date('2026-03-01T09:05:00Z'),
  expiresAt: new Date('2026-03-08T21:30:00Z'),
  errors: [],
};
const page = accountPage(english, values);

describe('the account page', () => {
  it('has a way out and a form for the profile [ASVS 7.4.4]', () => {
    expect(openTags(page, 'form').map((tag) => tag.attributes.get('action'))).toEqual([
      '/sign-out',
      '/account',
    ]);
    expect(page).toMatch(/<header.*action="\/sign-out".*Sign out<\/button>.*<\/header>/s);
    expect(fieldValues(page, '_csrf')).toEqual(['csrf', 'csrf']);
    expect(fieldValues(page, 'displayName')).toEqual(['Ada Lovelace']);
  });

  it('shows when the session began and ends, for machines and for people, in UTC', () => {
    const times = openTags(page, 'time').map((tag) => tag.attributes.get('datetime'));
    expect(times).toEqual(['2026-03-01T09:05:00.000Z', '2026-03-08T21:30:00.000Z']);
    expect(visibleText(page)).toMatch(/Signed in March 1, 2026 at 09:05 UTC/);
    expect(visibleText(page)).toMatch(/Ends March 8, 2026 at 21:30 UTC/);
  });

  it('gives the name back exactly, and shows the address as text [CWE-79]', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (displayName, email) => {
        const html = accountPage(english, { ...values, displayName, email });
        expect(fieldValues(html, 'displayName')).toEqual([displayName]);
        expect(visibleText(html)).toContain(email.replaceAll(/\s+/g, ' ').trim());
      }),
    );
  });

  it('says that changes are saved only when they are', () => {
    expect(page).not.toContain(english.account.saved);
    const saved = accountPage(english, { ...values, notice: 'saved' });
    expect(saved).toMatch(/role="status"[^>]*><p>Your changes are saved\.<\/p>/);
  });

  it('says what was wrong with the name, on top and beside it', () => {
    const errors = [{ field: 'displayName', reason: 'required' }];
    const html = accountPage(english, { ...values, displayName: '', errors });
    expect(visibleText(html).split(english.fields.displayName.errors.required ?? '')).toHaveLength(
      3,
    );
    expect(byId(html, 'displayName').attributes.get('aria-describedby')).toBe('displayName-error');
    expect(html).toContain('href="#displayName"');
    expect(html).toContain('<title>Error: Your account · Sallyport</title>');
  });
});
