import Bowser from 'bowser';

/** What a browser says of itself, in the words of a list of sessions. */
export interface UserAgent {
  readonly browser: string | null;
  readonly system: string | null;
}

const CHARACTERS_MAX = 512;

/** For the owner's eyes only: anybody can send any User-Agent, so nothing is decided by it. */
export function describeUserAgent(header: string | undefined): UserAgent {
  const text = header?.slice(0, CHARACTERS_MAX).trim();
  if (!text) return { browser: null, system: null };
  const { browser, os } = Bowser.parse(text);
  const [major] = (browser.version ?? '').split('.');
  const named = browser.name ? [browser.name, major].filter(Boolean).join(' ') : null;
  return { browser: named, system: os.name ?? null };
}
