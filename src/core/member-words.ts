import type { Statement } from '../db/batch.ts';
import { renameOwnMemberships } from '../db/member-words.ts';

/** As much of it as lists are sorted by; the identity decides among those that begin alike. */
const CODE_POINTS_MAX = 100;
const WORDS_MAX = 12;
const SEARCHED_MAX = 4;

/** The diacritics of Latin, Greek and Cyrillic; marks of other scripts are letters of theirs. */
const DIACRITICS = /[\u0300-\u036f]/g;

/** A name as members are sorted and found by it: without capitals and accents, in one form. */
export function sortNameOf(displayName: string): string {
  const plain = displayName.normalize('NFKD').replace(DIACRITICS, '').toLowerCase();
  return [...plain.normalize('NFKC')].slice(0, CODE_POINTS_MAX).join('');
}

/** The words by which a name is found, as bytes. */
export function wordsOfName(displayName: string): readonly Buffer[] {
  return inBytes(wordsIn(sortNameOf(displayName)));
}

/** The whole address, and the words before its @: what stands behind it, many have in common. */
export function wordsOfAddress(folded: string): readonly Buffer[] {
  const [local = ''] = folded.split('@');
  return inBytes([folded, ...wordsIn(local)]);
}

/** What somebody types to find a member; null where there is no word in it. */
export function searchedWords(text: string): readonly [Buffer, ...Buffer[]] | null {
  const folded = sortNameOf(text.trim());
  const words = folded
    .split(/\s+/)
    .flatMap((part) => (part.includes('@') ? [part] : wordsIn(part)));
  const [first, ...others] = inBytes(words).slice(0, SEARCHED_MAX);
  return first ? [first, ...others] : null;
}

/** Has the request's own memberships follow its new name, in the batch that changes the name. */
export function followOwnName(displayName: string): Statement {
  return renameOwnMemberships(sortNameOf(displayName), wordsOfName(displayName));
}

function wordsIn(folded: string): readonly string[] {
  return folded.split(/[^\p{L}\p{N}\p{M}]+/u).filter((word) => word !== '');
}

function inBytes(words: readonly string[]): readonly Buffer[] {
  return [...new Set(words)].slice(0, WORDS_MAX).map((word) => Buffer.from(word));
}
