import type { Check } from './check.ts';
import { accessMatrix } from './checks/access-matrix.ts';
import { accountEnumeration } from './checks/account-enumeration.ts';
import { cookieAttributes } from './checks/cookie-attributes.ts';
import { cors } from './checks/cors.ts';
import { crossSiteRequestForgery } from './checks/cross-site-request-forgery.ts';
import { foreignSelector } from './checks/foreign-selector.ts';
import { functionLevel } from './checks/function-level.ts';
import { guessingLimit } from './checks/guessing-limit.ts';
import { jwtConfusion } from './checks/jwt-confusion.ts';
import { jwtExpiry } from './checks/jwt-expiry.ts';
import { jwtSecret } from './checks/jwt-secret.ts';
import { jwtSignature } from './checks/jwt-signature.ts';
import { massAssignment } from './checks/mass-assignment.ts';
import { missingAuthentication } from './checks/missing-authentication.ts';
import { objectLevel } from './checks/object-level.ts';
import { openRedirect } from './checks/open-redirect.ts';
import { passwordRules } from './checks/password-rules.ts';
import { recovery } from './checks/recovery.ts';
import { secretFields } from './checks/secret-fields.ts';
import { serverSideRequestForgery } from './checks/server-side-request-forgery.ts';
import { sessionFixation } from './checks/session-fixation.ts';
import { sqlInjection } from './checks/sql-injection.ts';
import { staleAuthority } from './checks/stale-authority.ts';
import { unappliedWrite } from './checks/unapplied-write.ts';
import { unsafeGet } from './checks/unsafe-get.ts';

/** Every check, in any order: the phases order them. */
export const CHECKS: readonly Check[] = [
  accessMatrix,
  accountEnumeration,
  cookieAttributes,
  cors,
  crossSiteRequestForgery,
  foreignSelector,
  functionLevel,
  guessingLimit,
  jwtConfusion,
  jwtExpiry,
  jwtSecret,
  jwtSignature,
  massAssignment,
  missingAuthentication,
  objectLevel,
  openRedirect,
  passwordRules,
  recovery,
  secretFields,
  serverSideRequestForgery,
  sessionFixation,
  sqlInjection,
  staleAuthority,
  unappliedWrite,
  unsafeGet,
];
