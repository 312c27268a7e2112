import type { FastifyRequest } from 'fastify';
import {
  ASSERTION_HEADER,
  type Assertable,
  assertionClaims,
  UNBOUND,
} from '../assertion/claims.ts';
import { assertionSigner } from '../assertion/signer.ts';
import { TRANSACTION_PROOF } from '../fastify/access.ts';
import type { SigningKey } from '../core/signing-keys.ts';
import type { GatePolicy } from '../fastify/head-checks.ts';
import { forwardedHeaders } from '../http/forwarded-head.ts';
import { tenantOfHost } from '../http/host.ts';
import { isTrustedPeer } from '../http/source.ts';
import { isTraced, traceHeaders } from './observation.ts';

/** What is the same for every request. */
export interface Forwarding {
  /** With the gateway's own origin, as browsers see it. */
  readonly policy: GatePolicy;
  readonly audience: string;
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
  const trusted = isTrustedPeer(request.socket.remoteAddress, forwarding.policy.trustedProxies);
  const { host, protocol } = addressed(request, forwarding.policy);
  const traced = isTraced(request);
  const lines = forwardedHeaders(raw, { trace: trusted && !traced });
  if (traced) lines.push(...traceHeaders(request));
  lines.push('host', host);
  const { address } = request.source;
  if (address !== null) lines.push('x-forwarded-for', address);
  lines.push('x-forwarded-host', host, 'x-forwarded-proto', protocol);
  lines.push('x-request-id', request.id);
  if (key) lines.push(ASSERTION_HEADER, assertionOf(request, forwarding, key, body));
  return lines;
}

/** The name that was asked for, where it is a tenant's; else the gateway's own. */
function addressed(request: FastifyRequest, policy: GatePolicy) {
  const [protocol = '', own = ''] = policy.origin.split('://');
  const isTenants = tenantOfHost(request.raw, policy) !== null;
  return { host: isTenants ? (request.headers.host ?? own) : own, protocol };
}

const signers = new WeakMap<SigningKey, ReturnType<typeof assertionSigner>>();

function assertionOf(
  request: FastifyRequest,
  { audience, policy }: Forwarding,
  key: SigningKey,
  body: Buffer | null,
): string {
  const { principal } = request;
  const assertable: Assertable = {
    issuer: policy.origin,
    audience,
    principal: principal && {
      identityId: principal.identityId,
      tenantId: principal.tenantId,
      permissions: principal.permissions ?? [],
    },
    method: request.method,
    target: request.raw.url ?? '',
    body: body ?? UNBOUND,
    proof: request[TRANSACTION_PROOF] ?? undefined,
  };
  const signer = signers.get(key) ?? assertionSigner(key);
  signers.set(key, signer);
  return signer(assertionClaims(assertable, new Date()));
}
