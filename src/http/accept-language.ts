import { headerValues, type RequestHead } from './request-head.ts';

/**
 * The best of our languages for the reader, by Accept-Language: the highest weight wins, the
 * earlier of two equals, and `de-AT` is content with `de` (RFC 9110 12.5.4, RFC 4647 3.4). The
 * first of ours where the header says nothing that we have or cannot be read.
 */
export function chooseLanguage<Language extends string>(
  head: RequestHead,
  ours: readonly [Language, ...Language[]],
): Language {
  const [header, ...more] = headerValues(head, 'accept-language');
  if (header === undefined || more.length > 0 || header.length > 1_000) return ours[0];
  const wanted = header.split(',').map(parseRange);
  const byWeight = wanted.toSorted((a, b) => b.weight - a.weight);
  for (const { language, weight } of byWeight) {
    if (weight <= 0) continue;
    const found = ours.find((each) => language === each || language === '*');
    if (found !== undefined) return found;
  }
  return ours[0];
}

function parseRange(text: string): { readonly language: string; readonly weight: number } {
  const [range = '', ...parameters] = text.split(';');
  const [language = ''] = range.trim().toLowerCase().split('-');
  const quality = parameters.map((each) => each.trim()).find((each) => each.startsWith('q='));
  const weight = quality === undefined ? 1 : Number(quality.slice(2));
  return { language, weight: Number.isFinite(weight) ? weight : 0 };
}
