export type DisplayNameProblem = 'required' | 'too-long' | 'invisible-characters';

/** Matches the column's constraint. */
const CODE_POINTS_MAX = 100;

/** Trimmed and in NFC. Any script is fine; what shows nothing or turns text around is not. */
export function parseDisplayName(
  text: string,
): { readonly displayName: string } | { readonly problem: DisplayNameProblem } {
  const displayName = text.trim().normalize('NFC');
  if (displayName === '') return { problem: 'required' };
  if ([...displayName].length > CODE_POINTS_MAX) return { problem: 'too-long' };
  const seen = displayName.replace(JOINERS, '').trim();
  if (seen === '' || INVISIBLE.test(seen)) return { problem: 'invisible-characters' };
  return { displayName };
}

/** Zero-width joiners belong to emoji and to several scripts. */
const JOINERS = /\u200c|\u200d|\ufe0f/g;
/** A lone surrogate (Cs) has no form in UTF-8: what is stored would not be what was sent. */
const INVISIBLE = /\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point}/u;
