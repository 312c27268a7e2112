import Bowser from 'bowser';

/** What a browser says of itself, in the words of a list of sessions. */
export interface UserAgent {
  readonly browser: string | null;
  readonly system: string | null;
}

const CHARACTERS_MAX = 512;
const KNOWN_BROWSERS: ReadonlySet<string> = new Set(Object.values(Bowser.BROWSER_MAP));
const KNOWN_SYSTEMS: ReadonlySet<string> = new Set(Object.values(Bowser.OS_MAP));

/**
 * For the owner's eyes only: anybody can send any User-Agent, so nothing is decided by it. Only
 * names that are known are taken over: whoever signed in with a stolen password would else write
 * what the owner reads in the list (CWE-451).
 */
export function describeUserAgent(header: string | undefined): UserAgent {
  const text = header?.slice(0, CHARACTERS_MAX).trim();
  if (!text) return { browser: null, system: null };
  const { browser, os } = Bowser.parse(text);
  const [major] = /^\d{1,4}(?!\d)/.exec(browser.version ?? '') ?? [];
  const known = browser.name !== undefined && KNOWN_BROWSERS.has(browser.name);
  const named = known ? [browser.name, major].filter(Boolean).join(' ') : null;
  return { browser: named, system: KNOWN_SYSTEMS.has(os.name ?? '') ? (os.name ?? null) : null };
}
