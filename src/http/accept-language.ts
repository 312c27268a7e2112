import { headerValues, type RequestHead } from './request-head.ts';

/**
 * The best of our languages for the reader, by Accept-Language: the highest weight wins, the
 * earlier of two equals, `de-AT` is content with `de`, and `*` stands for what is not named beside
 * it (RFC 9110 12.5.4, RFC 4647 3.4). The first of ours where the header says nothing that we have
 * or cannot be read.
 */
export function chooseLanguage<Language extends string>(
  head: RequestHead,
  ours: readonly [Language, ...Language[]],
): Language {
  const [header, ...more] = headerValues(head, 'accept-language');
  if (header === undefined || more.length > 0 || header.length > 1_000) return ours[0];
  const wanted = header.split(',').map(parseRange);
  const unnamed = ours.find((each) => wanted.every(({ language }) => language !== each));
  const byWeight = wanted.toSorted((a, b) => b.weight - a.weight);
  for (const { language, weight } of byWeight) {
    if (weight <= 0) continue;
    const found = language === '*' ? unnamed : ours.find((each) => each === language);
    if (found !== undefined) return found;
  }
  return ours[0];
}

function parseRange(text: string): { readonly language: string; readonly weight: number } {
  const [range = '', ...parameters] = text.split(';');
  const [language = ''] = range.trim().toLowerCase().split('-');
  const quality = parameters
    .map((each) => each.trim().toLowerCase())
    .find((each) => each.startsWith('q='));
  if (quality === undefined) return { language, weight: 1 };
  return { language, weight: WEIGHT.test(quality) ? Number(quality.slice(2)) : 0 };
}

/** 0 to 1 with up to three digits behind the point (RFC 9110 12.4.2). */
const WEIGHT = /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;
