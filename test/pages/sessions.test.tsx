import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sessionsPage } from '../../src/pages/sessions.tsx';
import { english, languages } from '../../src/pages/texts.ts';
import { byId, fieldValues, openTags, visibleText } from './html.ts';
import { hostileText, plainValues, sessions } from './samples.ts';

const all = sessions(plainValues);
const page = sessionsPage(english, { csrfToken: 'csrf', sessions: all });
const onlyThis = sessionsPage(english, { csrfToken: 'csrf', sessions: all.slice(0, 1) });

describe('the page of sessions', () => {
  it('lets each session but this one be ended, and all of them at once [ASVS 7.5.2]', () => {
    expect(openTags(page, 'form').map((tag) => tag.attributes.get('action'))).toEqual([
      '/sign-out',
      '/account/sessions/end',
      '/account/sessions/end',
      '/account/sessions/end',
      '/account/sessions/end',
      '/account/sessions/end-others',
    ]);
    expect(fieldValues(page, 'id')).toEqual(all.slice(1).map(({ id }) => id));
    expect(page).not.toContain('session-id-1');
  });

  it('marks this session and no other', () => {
    const items = page.match(/<li><div class="session">.*?<\/li>/gs) ?? [];
    expect(items).toHaveLength(5);
    const marked = items.filter((item) => item.includes(english.sessions.current));
    expect(marked).toEqual([items[0]]);
  });

  it('has nothing to end where there is only this one, and says so', () => {
    expect(openTags(onlyThis, 'form')).toHaveLength(1);
    expect(visibleText(onlyThis)).toContain(english.sessions.onlyThis);
    expect(visibleText(page)).not.toContain(english.sessions.onlyThis);
  });

  it('names what each button ends for those who do not see the page', () => {
    const buttons = openTags(page, 'button').filter((tag) => tag.attributes.has('aria-labelledby'));
    expect(buttons).toHaveLength(4);
    for (const { attributes } of buttons) {
      const [own = '', device = ''] = attributes.get('aria-labelledby')?.split(' ') ?? [];
      expect(own).toBe(attributes.get('id'));
      expect(byId(page, device).name).toBe('bdi');
    }
  });

  it('says in words what a browser did not tell', () => {
    for (const text of [
      'Firefox 140 on Linux',
      'Firefox 140 on an unknown system',
      'Unknown browser on Linux',
      'Unknown browser and system',
    ]) {
      expect(visibleText(page)).toContain(text);
    }
    const german = visibleText(sessionsPage(languages.de, { csrfToken: 'csrf', sessions: all }));
    expect(german).toContain('Firefox 140 unter Linux');
    expect(german).toContain('Browser und System unbekannt');
    expect(page + german).not.toMatch(/>[^<]*\bnull\b/);
  });

  it('tells both moments for machines and for people, in UTC', () => {
    const times = openTags(onlyThis, 'time').map((tag) => tag.attributes.get('datetime'));
    expect(times).toEqual(['2026-03-01T10:06:00.000Z', '2026-03-01T09:05:00.000Z']);
    expect(visibleText(onlyThis)).toMatch(/Last seen March 1, 2026 at 10:06 UTC/);
    expect(visibleText(onlyThis)).toMatch(/Signed in March 1, 2026 at 09:05 UTC/);
  });

  it('shows what browsers say of themselves as text, and ids as they are [CWE-79]', () => {
    fc.assert(
      fc.property(hostileText, hostileText, hostileText, (browser, system, id) => {
        const hostile = sessions({ browser, system }).map((session) => ({ ...session, id }));
        const html = sessionsPage(english, { csrfToken: 'csrf', sessions: hostile });
        const device = `${browser} on ${system}`.replaceAll(/\s+/g, ' ').trim();
        expect(visibleText(html)).toContain(device);
        expect(fieldValues(html, 'id')).toEqual([id, id, id, id]);
      }),
    );
  });
});
