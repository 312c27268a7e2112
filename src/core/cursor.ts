import type { Core } from './core.ts';
import { decrypt, encrypt } from './encryption.ts';

/**
 * What a page of a list ends with, sealed for the tenant and the query that `context` names:
 * brought to another one it opens nothing, and nobody can make one up (CWE-639, CWE-565).
 */
export function sealCursor(core: Core, context: string, after: unknown): string {
  return encrypt(core.encryptionKey, `cursor ${context}`, JSON.stringify(after));
}

/** What the page before ended with, as it was sealed. */
export function openCursor(
  core: Core,
  context: string,
  text: string,
): { readonly after: unknown } | 'malformed' {
  try {
    return { after: JSON.parse(decrypt(core.encryptionKey, `cursor ${context}`, text)) as unknown };
  } catch {
    return 'malformed';
  }
}
