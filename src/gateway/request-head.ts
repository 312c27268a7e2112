import type { FastifyRequest } from 'fastify';
import {
  ASSERTION_HEADER,
  type Assertable,
  assertionClaims,
  UNBOUND,
} from '../assertion/claims.ts';
import { assertionSigner } from '../assertion/signer.ts';
import type { SigningKey } from '../core/signing-keys.ts';
import { forwardedHeaders } from '../http/forwarded-head.ts';
import { isTrustedPeer, type TrustedProxies } from '../http/source.ts';
import { isTraced, traceHeaders } from './observation.ts';

/** What is the same for every request. */
export interface Forwarding {
  /** The gateway's own origin, as browsers see it. */
  readonly origin: () => string;
  readonly audience: string;
  readonly trustedProxies: TrustedProxies;
  /** The key that signs; null where nothing is asserted. */
  readonly signingKey: ((now: Date) => Promise<SigningKey>) | null;
}

/**
 * What leaves for the upstream with a request: its own header lines that may go on, and behind them
 * what we say: for whom we are, where it comes from, and the assertion.
 */
export function upstreamHead(
  request: FastifyRequest,
  forwarding: Forwarding,
  key: SigningKey | null,
  body: Buffer | null,
): string[] {
  const { raw } = request;
  const trusted = isTrustedPeer(request.socket.remoteAddress, forwarding.trustedProxies);
  const origin = forwarding.origin();
  const { host, protocol } = new URL(origin);
  const traced = isTraced(request);
  const lines = forwardedHeaders(raw, { trace: trusted && !traced });
  if (traced) lines.push(...traceHeaders(request));
  lines.push('host', host);
  const { address } = request.source;
  if (address !== null) lines.push('x-forwarded-for', address);
  lines.push('x-forwarded-host', host, 'x-forwarded-proto', protocol.slice(0, -1));
  lines.push('x-request-id', request.id);
  if (key) lines.push(ASSERTION_HEADER, assertionOf(request, forwarding, key, body));
  return lines;
}

const signers = new WeakMap<SigningKey, ReturnType<typeof assertionSigner>>();

function assertionOf(
  request: FastifyRequest,
  { audience, origin }: Forwarding,
  key: SigningKey,
  body: Buffer | null,
): string {
  const { principal } = request;
  const assertable: Assertable = {
    issuer: origin(),
    audience,
    principal: principal && {
      identityId: principal.identityId,
      tenantId: principal.tenantId,
      permissions: principal.permissions ?? [],
    },
    method: request.method,
    target: request.raw.url ?? '',
    body: body ?? UNBOUND,
  };
  const signer = signers.get(key) ?? assertionSigner(key);
  signers.set(key, signer);
  return signer(assertionClaims(assertable, new Date()));
}
