import type { Check } from './check.ts';
import { missingAuthentication } from './checks/missing-authentication.ts';

/** Every check, in any order: the phases order them. */
export const CHECKS: readonly Check[] = [missingAuthentication];
