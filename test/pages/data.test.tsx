import { describe, expect, it } from 'vitest';
import { dataPage } from '../../src/pages/data.tsx';
import { deletionPage, deletionRequestedPage } from '../../src/pages/deletion.tsx';
import { english, languages } from '../../src/pages/texts.ts';
import { byId, openTags, visibleText } from './html.ts';
import { deletesAt } from './samples.ts';

const values = { csrfToken: 'csrf' };
const form = { csrfToken: 'csrf', graceDays: 14, errors: [] };

describe.each(Object.values(languages))('the page of the own data in $language', (texts) => {
  const html = dataPage(texts, values);

  it('lets the data be downloaded by a link, which changes nothing', () => {
    const link = openTags(html, 'a').find((tag) => tag.attributes.has('download'));
    expect(link?.attributes.get('href')).toBe('/account/export');
    expect(visibleText(html)).toContain(texts.data.exportLead);
  });

  it('has no form that deletes, but the way to the page that has', () => {
    expect(html).toContain('href="/account/delete"');
    expect(html).not.toContain('action="/account/delete"');
  });

  it('does not offer twice what was asked for already', () => {
    const again = dataPage(texts, { ...values, deletesAt });
    expect(again).not.toContain('/account/delete');
    expect(visibleText(again)).toContain(texts.data.alreadyRequested);
  });
});

describe.each(Object.values(languages))('the page of the deletion in $language', (texts) => {
  const html = deletionPage(texts, form);

  it('deletes only after a box was ticked, and says for how long one can turn back', () => {
    const box = byId(html, 'confirm').attributes;
    expect(box.get('type')).toBe('checkbox');
    expect(box.get('name')).toBe('confirm');
    expect(box.get('value')).toBe('yes');
    expect(box.has('required')).toBe(true);
    expect(box.has('checked')).toBe(false);
    expect(html).toContain('action="/account/delete"');
    for (const step of texts.data.deletionSteps(14)) expect(visibleText(html)).toContain(step);
    expect(visibleText(html)).toContain('14');
  });

  it('has the box ticked for whoever had ticked it before they proved who they are', () => {
    const ticked = deletionPage(texts, { ...form, confirmed: true });
    expect(byId(ticked, 'confirm').attributes.has('checked')).toBe(true);
  });

  it('after the request tells until when to sign in, and is no page of somebody signed in', () => {
    const after = deletionRequestedPage(texts, { deletesAt });
    expect(openTags(after, 'time')[0]?.attributes.get('datetime')).toBe(deletesAt.toISOString());
    expect(visibleText(after)).toContain(texts.deletionRequested.keep);
    expect(openTags(after, 'form')).toEqual([]);
    expect(after).toContain('<a class="button primary" href="/sign-in">');
  });
});

it('says beside the box that it must be ticked', () => {
  const errors = [{ field: 'confirm', reason: 'required' }];
  const html = deletionPage(english, { ...form, errors });
  expect(byId(html, 'confirm').attributes.get('aria-describedby')).toBe('confirm-error');
  expect(html).toContain('href="#confirm"');
});

it('counts one day as one day', () => {
  expect(visibleText(deletionPage(english, { ...form, graceDays: 1 }))).toContain('For 1 day you');
  const german = visibleText(deletionPage(languages.de, { ...form, graceDays: 1 }));
  expect(german).toContain('einen Tag Zeit');
});
