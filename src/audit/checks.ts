import type { Check } from './check.ts';
import { accessMatrix } from './checks/access-matrix.ts';
import { accountEnumeration } from './checks/account-enumeration.ts';
import { cookieAttributes } from './checks/cookie-attributes.ts';
import { cors } from './checks/cors.ts';
import { guessingLimit } from './checks/guessing-limit.ts';
import { jwtConfusion } from './checks/jwt-confusion.ts';
import { jwtExpiry } from './checks/jwt-expiry.ts';
import { jwtSecret } from './checks/jwt-secret.ts';
import { jwtSignature } from './checks/jwt-signature.ts';
import { missingAuthentication } from './checks/missing-authentication.ts';
import { objectLevel } from './checks/object-level.ts';
import { openRedirect } from './checks/open-redirect.ts';
import { secretFields } from './checks/secret-fields.ts';
import { serverSideRequestForgery } from './checks/server-side-request-forgery.ts';
import { sessionFixation } from './checks/session-fixation.ts';
import { sqlInjection } from './checks/sql-injection.ts';

/** Every check, in any order: the phases order them. */
export const CHECKS: readonly Check[] = [
  accessMatrix,
  accountEnumeration,
  cookieAttributes,
  cors,
  guessingLimit,
  jwtConfusion,
  jwtExpiry,
  jwtSecret,
  jwtSignature,
  missingAuthentication,
  objectLevel,
  openRedirect,
  secretFields,
  serverSideRequestForgery,
  sessionFixation,
  sqlInjection,
];
