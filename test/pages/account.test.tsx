import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authenticatorsPage } from '../../src/pages/authenticators.tsx';
import { accountPage } from '../../src/pages/account.tsx';
import { dataPage } from '../../src/pages/data.tsx';
import { emailPage } from '../../src/pages/email-change.tsx';
import { ownEventsPage } from '../../src/pages/events.tsx';
import { passwordPage } from '../../src/pages/password.tsx';
import { sessionsPage } from '../../src/pages/sessions.tsx';
import { english, languages } from '../../src/pages/texts.ts';
import type { AccountNotice, Texts } from '../../src/pages/texts.ts';
import { byId, fieldValues, openTags, visibleText } from './html.ts';
import { deletesAt, hostileText } from './samples.ts';

const values = {
  csrfToken: 'csrf',
  displayName: 'Ada Lovelace',
  email: 'ada@example.com',
  errors: [],
};
const page = accountPage(english, values);

interface Common {
  readonly deletesAt?: Date;
  readonly notice?: AccountNotice;
}

/** The pages of an account, with what all of them take. */
function accountPages(texts: Texts, common: Common = {}): [string, string][] {
  const all = { ...values, ...common };
  return [
    ['/account', accountPage(texts, all)],
    ['/account/email', emailPage(texts, all)],
    ['/account/password', passwordPage(texts, { ...all, hasPassword: true })],
    [
      '/account/authenticators',
      authenticatorsPage(texts, { ...all, totp: null, passkeys: [], recoveryCodesLeft: 0 }),
    ],
    ['/account/sessions', sessionsPage(texts, { ...all, sessions: [] })],
    [
      '/account/events',
      ownEventsPage(texts, { ...all, events: [], filter: {}, next: null, older: false }),
    ],
    ['/account/data', dataPage(texts, all)],
  ];
}

const paths = accountPages(english).map(([path]) => path);

describe.each(Object.values(languages))('each page of the account in $language', (texts) => {
  it.each(accountPages(texts))('leads to all others and marks itself: %s', (path, html) => {
    const navigation = /<nav.*<\/nav>/s.exec(html)?.[0] ?? '';
    const links = openTags(`<!doctype html>${navigation}`, 'a').map((tag) => tag.attributes);
    expect(links.map((attributes) => attributes.get('href'))).toEqual([...paths, '/tenants']);
    const current = links.filter((attributes) => attributes.get('aria-current') === 'page');
    expect(current.map((attributes) => attributes.get('href'))).toEqual([path]);
    expect(navigation).toContain(`aria-label="${texts.account.title}"`);
  });

  it.each(accountPages(texts))('has one way out, in the header: %s [ASVS 7.4.4]', (_, html) => {
    expect(html.split('action="/sign-out"')).toHaveLength(2);
    const header = /<header.*<\/header>/s.exec(html)?.[0];
    expect(header).toContain('action="/sign-out"');
    expect(header).toContain(`${texts.actions.signOut}</button>`);
  });

  it.each(accountPages(texts, { deletesAt }))(
    'tells that the account will be deleted, and lets it be kept: %s',
    (_, html) => {
      const [before = 'missing', after = 'missing'] =
        texts.account.deletion.deletesAt.split('{time}');
      const main = visibleText(html);
      expect(main).toContain(before.trim());
      expect(main).toContain(after.trim());
      expect(openTags(html, 'time')[0]?.attributes.get('datetime')).toBe(deletesAt.toISOString());
      expect(html).toMatch(
        /<form method="post" action="\/account\/keep"><input type="hidden" name="_csrf" value="csrf"/,
      );
    },
  );

  it.each(accountPages(texts))('speaks of no deletion when there is none: %s', (_, html) => {
    expect(html).not.toContain('/account/keep');
    expect(openTags(html, 'time')).toEqual([]);
  });

  it.each(Object.keys(texts.account.notices) as AccountNotice[])(
    'says once, focused and announced, what was done: %s',
    (notice) => {
      for (const [, html] of accountPages(texts, { notice })) {
        const status = openTags(html).filter((tag) => tag.attributes.get('role') === 'status');
        expect(status).toHaveLength(1);
        expect(status[0]?.attributes.has('autofocus')).toBe(true);
        expect(visibleText(html).split(texts.account.notices[notice])).toHaveLength(2);
      }
      for (const [, html] of accountPages(texts)) {
        expect(visibleText(html)).not.toContain(texts.account.notices[notice]);
      }
    },
  );
});

describe('the account page', () => {
  it('has a form for the profile', () => {
    expect(openTags(page, 'form').map((tag) => tag.attributes.get('action'))).toEqual([
      '/sign-out',
      '/account',
    ]);
    expect(fieldValues(page, '_csrf')).toEqual(['csrf', 'csrf']);
    expect(fieldValues(page, 'displayName')).toEqual(['Ada Lovelace']);
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

  it('says what was wrong with the name, on top and beside it', () => {
    const errors = [{ field: 'displayName', reason: 'required' }];
    const html = accountPage(english, { ...values, displayName: '', errors });
    const text = english.fields.displayName.errors.required ?? 'missing';
    expect(visibleText(html).split(text)).toHaveLength(3);
    const described = byId(html, 'displayName').attributes.get('aria-describedby');
    expect(described).toBe('displayName-hint displayName-error');
    expect(html).toContain('href="#displayName"');
    expect(html).toContain('<title>Error: Profile · Sallyport</title>');
  });
});
