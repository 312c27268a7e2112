import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  newSecret,
  type Secret,
  secretText,
  synchronizerTokenOf,
  visitorTokenOf,
} from '../core/secret.ts';
import type { RotatedSecret } from '../core/session-rotation.ts';
import type { Principal } from '../db/authorization.ts';
import {
  clearCookie,
  COOKIE_AGE_SECONDS_MAX as DEVICE_SECONDS,
  DEVICE_COOKIE,
  FLOW_COOKIE,
  PRESESSION_COOKIE,
  SESSION_COOKIE,
  setCookie,
  SIGN_IN_COOKIE,
  SYNCHRONIZER_COOKIE,
} from '../http/cookies.ts';
import { maskToken } from '../http/synchronizer-token.ts';
import { principalOf, readPresessionSecret } from './access.ts';

/**
 * Hands a new session, or one with a new secret, to the browser: the secret in a cookie that no
 * script reads, and a masked synchronizer token in one that ours may. The visitor's cookie goes,
 * and with it every token minted before sign-in. A browser where this person has not signed
 * in before is given a secret to be known by.
 */
export function startBrowserSession(
  reply: FastifyReply,
  session: RotatedSecret & { readonly device?: Secret | null },
): string {
  const csrfToken = maskedToken(
    synchronizerTokenOf(session.secret, session.synchronizerGeneration),
  );
  reply.header('set-cookie', [
    setCookie(SESSION_COOKIE, secretText(session.secret), {}),
    setCookie(SYNCHRONIZER_COOKIE, csrfToken, { readable: true }),
    clearCookie(PRESESSION_COOKIE),
    ...(session.device
      ? [setCookie(DEVICE_COOKIE, secretText(session.device), { maxAgeSeconds: DEVICE_SECONDS })]
      : []),
  ]);
  return csrfToken;
}

/** As long as the database keeps a sign-in whose second factor is to come. */
const SIGN_IN_SECONDS = 300;

/**
 * Hands a sign-in under way to this browser: its secret, which is nobody's session, and a new one
 * for the forms that follow, so that no token of before the password is good for them.
 */
export function startBrowserSignIn(reply: FastifyReply, flow: Secret): string {
  const presession = newSecret();
  reply.header('set-cookie', [
    setCookie(SIGN_IN_COOKIE, secretText(flow), { maxAgeSeconds: SIGN_IN_SECONDS }),
    setCookie(PRESESSION_COOKIE, secretText(presession), {}),
  ]);
  return maskedToken(visitorTokenOf(presession));
}

/** The sign-in is complete, or over: its cookie goes. */
export function endBrowserSignIn(reply: FastifyReply): void {
  reply.header('set-cookie', clearCookie(SIGN_IN_COOKIE));
}

/** As long as the database keeps a visit to a provider. */
const FLOW_SECONDS = 600;

/** Hands a visit to a provider to this browser; one that it had begun before is over. */
export function startBrowserVisit(reply: FastifyReply, flow: Secret): void {
  reply.header(
    'set-cookie',
    setCookie(FLOW_COOKIE, secretText(flow), { maxAgeSeconds: FLOW_SECONDS }),
  );
}

/** The visit has ended, well or not: its cookie goes. */
export function endBrowserVisit(reply: FastifyReply): void {
  reply.header('set-cookie', clearCookie(FLOW_COOKIE));
}

/**
 * The session has ended: the browser forgets it, and all that it kept of this site but the secret
 * that it is known by. So the cookies go one by one: Clear-Site-Data would take all of them.
 */
export function endBrowserSession(reply: FastifyReply): void {
  const cookies = [SESSION_COOKIE, SYNCHRONIZER_COOKIE, PRESESSION_COOKIE, SIGN_IN_COOKIE] as const;
  reply.header(
    'set-cookie',
    cookies.map((name) => clearCookie(name)),
  );
  reply.header('clear-site-data', '"cache", "storage"');
}

/** The synchronizer token for the session of an authorized request, freshly masked. */
export function csrfTokenFor(request: FastifyRequest): string {
  const { sessionSecret } = request;
  if (!sessionSecret) throw new Error('the request has no session cookie');
  return csrfTokenOf(sessionSecret, principalOf(request));
}

/** The same for a session whose request was not let through to its route. */
export function csrfTokenOf(
  secret: Secret,
  { synchronizerGeneration }: Pick<Principal, 'synchronizerGeneration'>,
): string {
  return maskedToken(synchronizerTokenOf(secret, synchronizerGeneration));
}

/** The token for a visitor's form, bound to a cookie that is set where there is none yet. */
export function visitorFormToken(request: FastifyRequest, reply: FastifyReply): string {
  return visitorForm(request, reply).csrfToken;
}

/** The same, with the secret of that cookie. */
export function visitorForm(
  request: FastifyRequest,
  reply: FastifyReply,
): { readonly csrfToken: string; readonly secret: Secret } {
  const known = readPresessionSecret(request);
  const secret = known ?? newSecret();
  if (!known) reply.header('set-cookie', setCookie(PRESESSION_COOKIE, secretText(secret), {}));
  return { csrfToken: maskedToken(visitorTokenOf(secret)), secret };
}

/**
 * A fresh mask each time, so that compression tells nothing of the token (BREACH, CVE-2013-3587).
 */
function maskedToken(token: Buffer): string {
  return maskToken(token, nextMask());
}

/**
 * Masks are drawn from the system's generator many at a time: one draw costs about the same however
 * long it is, and every answer that shows a token needs one. A mask is no secret, since the token
 * is sent together with it; it must only be new.
 */
const MASK_BYTES = 32;
let masks = Buffer.alloc(0);

function nextMask(): Buffer {
  if (masks.length === 0) masks = randomBytes(128 * MASK_BYTES);
  const mask = masks.subarray(0, MASK_BYTES);
  masks = masks.subarray(MASK_BYTES);
  return mask;
}
