import { parseTrustedProxy, type TrustedProxies } from '../http/source.ts';

export function readTrustedProxies(text: string | undefined, problems: string[]): TrustedProxies {
  return (text?.split(',') ?? []).flatMap((each) => {
    const proxy = parseTrustedProxy(each.trim());
    if (proxy) return [proxy];
    problems.push(
      'SALLYPORT_TRUSTED_PROXIES must be addresses or networks, such as 127.0.0.1,10.0.0.0/8.',
    );
    return [];
  });
}

export function readRangesUrl(text: string | undefined, problems: string[]): string | null {
  if (text === undefined) return null;
  if (/^https:\/\/[^?#]+\/$/.test(text) && URL.canParse(text)) return text;
  problems.push(
    'SALLYPORT_COMPROMISED_PASSWORDS_URL must be an https URL that ends with a slash, such as https://api.pwnedpasswords.com/range/.',
  );
  return null;
}
