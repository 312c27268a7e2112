import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assets, favicon, localTime, revealPassword, stylesheet } from '../../src/pages/assets.ts';
import { Document, renderDocument } from '../../src/pages/document.tsx';
import { english, languages } from '../../src/pages/texts.ts';
import { openTags, shape, tokenize, visibleText } from './html.ts';
import { everyPage, hostileValues, plainValues } from './samples.ts';

const pages = Object.values(languages).flatMap((texts) =>
  Object.entries(everyPage(plainValues, texts)).map(([name, html]): [string, string] => [
    `${name} (${texts.language})`,
    html,
  ]),
);
const routes = [
  '/',
  '/account',
  '/account/authenticators',
  '/account/authenticators/passkeys',
  '/account/authenticators/passkeys/new',
  '/account/authenticators/passkeys/remove',
  '/account/authenticators/passkeys/remove?id=passkey-id',
  '/account/authenticators/passkeys/rename',
  '/account/authenticators/passkeys/rename?id=passkey-id',
  '/account/authenticators/providers',
  '/account/authenticators/providers/acme/link',
  '/account/authenticators/providers/unlink',
  '/account/authenticators/providers/unlink?id=link-id',
  '/account/authenticators/recovery-codes',
  '/account/authenticators/totp',
  '/account/authenticators/totp/confirm',
  '/account/authenticators/totp/remove',
  '/account/data',
  '/account/delete',
  '/account/email',
  '/account/events',
  '/account/events/export',
  '/account/export',
  '/account/keep',
  '/account/password',
  '/account/password/remove',
  '/account/sessions',
  '/account/sessions/end',
  '/account/sessions/end-others',
  '/account?notice=saved',
  '/confirm-email',
  '/confirm-email/with-passkey',
  '/development/mailbox.json',
  '/forgot-password',
  '/re-authenticate',
  '/re-authenticate/provider',
  '/re-authenticate/with-passkey',
  '/resend-confirmation',
  '/reset-password',
  '/join',
  '/join/accept',
  '/join/accept?token=token',
  '/join/with-passkey',
  '/join/with-passkey?token=token',
  '/join?token=token',
  '/revert-email',
  '/sign-in',
  '/sign-in/passkey',
  '/sign-in/provider',
  '/sign-in/providers/acme/callback',
  '/sign-in/recovery-code',
  '/sign-in/second-factor',
  '/sign-in/with-passkey',
  '/sign-out',
  '/sign-up',
  '/reset-factors',
  '/sign-up/with-passkey',
  '/tenant',
  '/tenant/delete',
  '/tenant/keys',
  '/tenant/keys/revoke',
  '/tenant/keys/revoke?id=5b0e6f3a-52f5-4c5e-9c6e-0d7a3f1b2c4d',
  '/tenant/policy',
  '/tenant/leave',
  '/tenant/events',
  '/tenant/events/export',
  '/tenant/members',
  '/tenant/members/remove',
  '/tenant/members/reset',
  '/tenant/members/reset?id=5b0e6f3a-52f5-4c5e-9c6e-0d7a3f1b2c4d',
  '/tenant/members/remove?id=5b0e6f3a-52f5-4c5e-9c6e-0d7a3f1b2c4d',
  '/tenant/members?cursor=a',
  '/tenant/roles',
  '/tenant/roles/delete',
  '/tenant/roles/new',
  '/tenant/invitations',
  '/tenant/invitations?cursor=a',
  '/tenant/invitations/resend',
  '/tenant/invitations/withdraw',
  '/tenant/teams',
  '/tenant/teams?cursor=a',
  '/tenant/teams/sales',
  '/tenant/teams/support',
  '/tenant/teams/support/delete',
  '/tenant/teams/support/members',
  '/tenants',
  '/tenants/enter',
  '/tenants/new',
  '/tenants/restore',
];

function shapes(documents: Record<string, string>): [string, string[]][] {
  return Object.entries(documents).map(([name, html]) => [name, shape(html)]);
}

function inputs(type: string): Map<string, string>[] {
  const fields = pages.flatMap(([, html]) => openTags(html, 'input'));
  return fields
    .map((field) => field.attributes)
    .filter((attributes) => attributes.get('type') === type);
}

describe('every page', () => {
  it('keeps its tags and attributes whatever its values are [CWE-79] [ASVS 1.2.1] [ASVS 1.1.2] [CWE-116]', () => {
    for (const texts of Object.values(languages)) {
      const plain = shapes(everyPage(plainValues, texts));
      fc.assert(
        fc.property(hostileValues, (values) => {
          expect(shapes(everyPage(values, texts))).toEqual(plain);
        }),
        { numRuns: 50 },
      );
    }
  });

  it.each(pages)(
    'needs no inline style or script: %s [CWE-79] [ASVS 3.4.3] [ASVS 1.2.3]',
    (_, html) => {
      for (const tag of openTags(html)) {
        expect(['style', 'base', 'iframe', 'object', 'embed']).not.toContain(tag.name);
        for (const attribute of tag.attributes.keys()) {
          expect(attribute).not.toMatch(/^(on.*|style|srcdoc|formaction|target)$/);
        }
      }
      const scripts = html.match(/<script.*?<\/script>/gs) ?? [];
      expect(scripts).toHaveLength(openTags(html, 'script').length);
      for (const script of scripts) {
        expect(script).toMatch(/^<script type="module" src="\/assets\/[a-z0-9-]+\.js"><\/script>$/);
      }
    },
  );

  it.each(pages)('has the scripts that it needs and no other: %s', (_, html) => {
    const scripts = openTags(html, 'script').map((tag) => tag.attributes.get('src'));
    const passwords = openTags(html, 'input').some((tag) => tag.attributes.has('data-show'));
    const account = html.includes('class="account-navigation"');
    const times = openTags(html, 'time').length > 0;
    expect(scripts.includes(revealPassword.path)).toBe(passwords);
    expect(scripts.includes(localTime.path)).toBe(times || account);
    expect(new Set(scripts).size).toBe(scripts.length);
  });

  it.each(pages)('refers to this origin only, by known paths: %s [ASVS 14.2.3]', (_, html) => {
    // The links in the development mailbox are complete, as they stand in the mails; and the way to
    // a provider leads elsewhere.
    const own = html.replaceAll('http://127.0.0.1:4000/', '/');
    expect(own).not.toMatch(/\b(?:https?:|data:|javascript:)|=["']?\/\//i);
    const known = [...routes, ...assets.map((asset) => asset.path)];
    for (const tag of openTags(html)) {
      for (const name of ['href', 'src', 'action']) {
        const target = tag.attributes.get(name);
        if (target === undefined || target.startsWith('#')) continue;
        if (target.startsWith('http://127.0.0.1:4000/')) continue;
        // Of a list, the address says which part of it is shown.
        const [path = ''] = target.split('?');
        expect(known).toContain(/^\/(?:account|tenant)\/events/.test(path) ? path : target);
      }
    }
  });

  it.each(pages)('has a language, a title, one main heading and landmarks: %s', (name, html) => {
    expect(name).toContain(`(${openTags(html, 'html')[0]?.attributes.get('lang')})`);
    expect(html).toMatch(/<title>[^<]+ · Sallyport<\/title>/);
    const names = openTags(html).map((tag) => tag.name);
    const landmarks = names.filter((tag) => /^(header|main|h1|footer)$/.test(tag));
    expect(landmarks).toEqual(['header', 'main', 'h1', 'footer']);
    const headings = names.filter((tag) => /^h[1-6]$/.test(tag));
    expect(headings.join(' ')).toMatch(/^h1( h2( h3)*)*$/);
  });

  it.each(pages)('labels every field, and every reference to an id is met: %s', (_, html) => {
    const tags = openTags(html);
    const ids = tags.flatMap((tag) => tag.attributes.get('id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    const labelled = openTags(html, 'label').map((tag) => tag.attributes.get('for'));
    for (const tag of openTags(html, 'input')) {
      if (tag.attributes.get('type') === 'hidden' || tag.attributes.has('hidden')) continue;
      expect(labelled).toContain(tag.attributes.get('id'));
    }
    const references = tags.flatMap(({ attributes }) => [
      attributes.get('for') ?? [],
      attributes.get('href')?.match(/^#(.*)$/)?.[1] ?? [],
      attributes.get('aria-describedby')?.split(' ') ?? [],
      attributes.get('aria-labelledby')?.split(' ') ?? [],
    ]);
    expect(references.flat().filter((id) => !ids.includes(id))).toEqual([]);
  });

  it.each(pages)('posts its forms, each with one synchronizer token: %s [CWE-352]', (_, html) => {
    const forms = html.match(/<form.*?<\/form>/gs) ?? [];
    expect(forms).toHaveLength(openTags(html, 'form').length);
    // A search changes nothing, and its fields stand in the address: no token may be among them.
    const searches = forms.filter((form) =>
      /^<form[^>]* method="get"[^>]* role="search"/.test(form),
    );
    expect(searches.filter((form) => form.includes('_csrf'))).toEqual([]);
    for (const form of forms.filter((each) => !searches.includes(each))) {
      expect(form).toMatch(/^<form[^>]* method="post"/);
      expect(form.match(/<input type="hidden" name="_csrf" value="csrf"/g)).toHaveLength(1);
    }
  });

  it('lets no reload keep an old hidden value', () => {
    const hidden = inputs('hidden');
    expect(hidden.length).toBeGreaterThan(0);
    expect(hidden.filter((field) => field.get('autocomplete') !== 'off')).toEqual([]);
  });

  it('never sends a password back', () => {
    const passwords = inputs('password');
    expect(passwords.length).toBeGreaterThan(0);
    expect(passwords.filter((field) => field.has('value'))).toEqual([]);
  });
});

describe('the document', () => {
  it('escapes children and title, and closes everything that it opens [CWE-79] [CWE-116]', () => {
    const html = renderDocument(
      <Document texts={english} title="</title><b>" shape="panel">
        {'<i>&"'}
      </Document>,
    );
    expect(openTags(html, 'b')).toEqual([]);
    expect(visibleText(html)).toContain('<i>&"');
    const names = tokenize(html).filter((token) => token.kind === 'close');
    const opened = openTags(html).filter((tag) => !/^(meta|link|input)$/.test(tag.name));
    expect(names.map((tag) => tag.name).toSorted()).toEqual(
      opened.map((tag) => tag.name).toSorted(),
    );
  });

  it('has one stylesheet and one icon', () => {
    const html = renderDocument(
      <Document texts={english} title="Title" shape="wide">
        text
      </Document>,
    );
    const links = openTags(html, 'link').map((tag) => Object.fromEntries(tag.attributes));
    expect(links).toEqual([
      { rel: 'stylesheet', href: stylesheet.path },
      { rel: 'icon', type: 'image/svg+xml', href: favicon.path },
    ]);
  });
});
