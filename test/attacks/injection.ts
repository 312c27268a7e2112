import type { InjectionTarget } from './injection-target.ts';

/** What is injected, and how it must end: its SQLSTATE, or `ran` where it runs and gets nothing. */
export interface Injection {
  readonly name: string;
  readonly sql: (target: InjectionTarget) => string;
  readonly ends: string;
}

/** Ends with permission denied. */
export const DENIED = '42501';

export function injection(name: string, ends: string, sql: string | Injection['sql']): Injection {
  return { name, ends, sql: typeof sql === 'string' ? () => sql : sql };
}
