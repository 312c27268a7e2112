import type { Core } from './core.ts';
import { decrypt, encrypt } from './encryption.ts';

/**
 * What a page of a list ends with, sealed for the tenant and the query that `context` names:
 * brought to another one it opens nothing, and nobody can make one up (CWE-639, CWE-565).
 */
export function sealCursor(core: Core, context: string, after: unknown): string {
  return encrypt(core.encryptionKey, `cursor ${context}`, JSON.stringify(after));
}

export function openCursor<After>(core: Core, context: string, text: string): After | 'malformed' {
  try {
    return JSON.parse(decrypt(core.encryptionKey, `cursor ${context}`, text)) as After;
  } catch {
    return 'malformed';
  }
}
