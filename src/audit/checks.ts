import type { Check } from './check.ts';

/** Every check, in any order: the phases order them. */
export const CHECKS: readonly Check[] = [];
