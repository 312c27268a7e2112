import { expect, it } from 'vitest';
import { homePage } from '../../src/pages/home.tsx';
import { english } from '../../src/pages/texts.ts';
import { openTags } from './html.ts';

function buttons(html: string): (string | undefined)[] {
  return openTags(html, 'a')
    .filter((tag) => tag.attributes.get('class')?.includes('button'))
    .map((tag) => tag.attributes.get('href'));
}

it('leads a visitor to sign in or up', () => {
  expect(buttons(homePage(english, { signedIn: false }))).toEqual(['/sign-in', '/sign-up']);
});

it('leads somebody signed in to their account, not to another sign-in', () => {
  expect(buttons(homePage(english, { signedIn: true }))).toEqual(['/account']);
});
