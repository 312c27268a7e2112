import * as oidc from 'openid-client';
import { OutboundError } from '../outbound/error.ts';
import type { Outbound } from '../outbound/outbound.ts';
import { type EmailAddress, parseEmailAddress } from './email-address.ts';

/** Somebody else who says who a person is, as configured. */
export interface Provider {
  /** Names it in our addresses. */
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  /** Exactly what `iss` says. */
  readonly issuer: string;
  readonly clientId: string;
  /** Null of a public client, which PKCE alone protects. */
  readonly clientSecret: string | null;
  readonly scopes: readonly string[];
}

/** What ties an answer to the browser that was sent there, and to this one visit. */
export interface Visit {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** Where the provider sends the browser back to: an address of its own for each provider. */
  readonly redirectUri: string;
  /** Whether the person must prove to the provider again who they are. */
  readonly anew: boolean;
}

/** What the browser brought back. */
export interface ProviderAnswer {
  readonly code: string;
  readonly iss?: string | undefined;
}

/** Whose account at the provider it is. */
export interface ProviderIdentity {
  readonly subject: string;
  /** Asked for only where it is needed. @throws ProviderUnreachableError, ProviderAnswerError */
  profile(): Promise<ProviderProfile>;
}

export interface ProviderProfile {
  /** The address that the provider has proved; null where it says of none that it has. */
  readonly proved: EmailAddress | null;
  readonly name: string | null;
}

/** The provider cannot be asked. */
export class ProviderUnreachableError extends Error {
  override readonly name = 'ProviderUnreachableError';
}

/** What the provider has answered is not in every way what it must be. */
export class ProviderAnswerError extends Error {
  override readonly name = 'ProviderAnswerError';
}

export interface Providers {
  readonly all: readonly Provider[];
  byId(id: string): Provider | undefined;
  byIssuer(issuer: string): Provider | undefined;
  /** Where the browser is sent. @throws ProviderUnreachableError, ProviderAnswerError */
  authorizationUrl(provider: Provider, visit: Visit): Promise<string>;
  /** Redeems the code. @throws ProviderUnreachableError, ProviderAnswerError */
  redeem(provider: Provider, visit: Visit, answer: ProviderAnswer): Promise<ProviderIdentity>;
}

/** How long what a provider says about itself is kept. */
const KEPT_MILLISECONDS = 10 * 60_000;
/** How long a provider that could not be asked is not asked again. */
const COOLDOWN_MILLISECONDS = 5_000;
/** As old as a proof may be that the provider was asked for anew, as in a session of ours. */
const ANEW_SECONDS = 300;
const SUBJECT = /^[ -~]{1,255}$/;

/**
 * Sign-in with OpenID Connect: code flow with PKCE (S256), a nonce, the issuer in the answer where
 * the provider sends it (RFC 9207), and an ID token whose signature is verified although it comes
 * over TLS. Everything that is fetched goes through the outbound guard; the tokens end here, and
 * reach neither the browser nor the database (ASVS 10.1.1, 10.5).
 */
export function openProviders(all: readonly Provider[], outbound: Outbound): Providers {
  const known = new Map(all.map((provider) => [provider.id, keptClient(provider, outbound)]));
  const clientOf = async (provider: Provider) => {
    const client = known.get(provider.id);
    if (!client) throw new Error('this provider is not configured');
    return await client(performance.now());
  };
  return {
    all,
    byId: (id) => all.find((provider) => provider.id === id),
    byIssuer: (issuer) => all.find((provider) => provider.issuer === issuer),
    authorizationUrl: async (provider, visit) =>
      await translating(async () => {
        const client = await clientOf(provider);
        return oidc.buildAuthorizationUrl(client, {
          redirect_uri: visit.redirectUri,
          scope: provider.scopes.join(' '),
          state: visit.state,
          nonce: visit.nonce,
          code_challenge: await oidc.calculatePKCECodeChallenge(visit.verifier),
          code_challenge_method: 'S256',
          ...(visit.anew ? { prompt: 'login', max_age: String(ANEW_SECONDS) } : {}),
        }).href;
      }),
    redeem: async (provider, visit, answer) =>
      await translating(async () => await redeem(await clientOf(provider), visit, answer)),
  };
}

async function redeem(
  client: oidc.Configuration,
  visit: Visit,
  { code, iss }: ProviderAnswer,
): Promise<ProviderIdentity> {
  const answered = new URL(visit.redirectUri);
  answered.search = new URLSearchParams({
    code,
    state: visit.state,
    ...(iss === undefined ? {} : { iss }),
  }).toString();
  const tokens = await oidc.authorizationCodeGrant(client, answered, {
    expectedState: visit.state,
    expectedNonce: visit.nonce,
    pkceCodeVerifier: visit.verifier,
    idTokenExpected: true,
    ...(visit.anew ? { maxAge: ANEW_SECONDS } : {}),
  });
  const claims = tokens.claims();
  if (!claims || !SUBJECT.test(claims.sub)) throw new ProviderAnswerError('there is no subject');
  return {
    subject: claims.sub,
    profile: async () =>
      await translating(async () => {
        // Many providers tell more than the subject only where they are asked for it.
        const asks = claims['email'] === undefined && client.serverMetadata().userinfo_endpoint;
        const more = asks
          ? await oidc.fetchUserInfo(client, tokens.access_token, claims.sub)
          : claims;
        return profileOf(more);
      }),
  };
}

function profileOf(claims: Readonly<Record<string, unknown>>): ProviderProfile {
  const { email, email_verified: verified, name } = claims;
  // Exactly true: a text that says so is of a provider that does not know its own claims.
  const parsed = verified === true && typeof email === 'string' ? parseEmailAddress(email) : null;
  return {
    proved: parsed && 'email' in parsed ? parsed.email : null,
    name: typeof name === 'string' ? name : null,
  };
}

/** What a provider says about itself, and how we prove to it who asks. */
function keptClient(provider: Provider, outbound: Outbound) {
  let kept: { readonly client: Promise<oidc.Configuration>; readonly until: number } | null = null;
  return async (now: number): Promise<oidc.Configuration> => {
    if (kept && now < kept.until) return await kept.client;
    const client = discover(provider, outbound);
    const current = { client, until: now + KEPT_MILLISECONDS };
    kept = current;
    try {
      return await client;
    } catch (error) {
      if (kept === current) kept = { client, until: now + COOLDOWN_MILLISECONDS };
      throw error;
    }
  };
}

async function discover(provider: Provider, outbound: Outbound): Promise<oidc.Configuration> {
  const { issuer, clientId, clientSecret } = provider;
  // Where the guard lets plain HTTP through, on this machine, the library has to as well.
  const insecure = issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : [];
  const client = await oidc.discovery(
    new URL(issuer),
    clientId,
    { redirect_uris: [] },
    clientSecret === null ? oidc.None() : proving(clientSecret),
    {
      [oidc.customFetch]: guarded(outbound),
      timeout: 10,
      execute: [oidc.enableNonRepudiationChecks, ...insecure],
    },
  );
  if (client.serverMetadata().issuer !== issuer) {
    throw new ProviderAnswerError('the discovery document is not of this issuer');
  }
  return client;
}

/** By the header, which every provider must take, unless it names other ways only. */
function proving(secret: string): oidc.ClientAuth {
  const basic = oidc.ClientSecretBasic(secret);
  const post = oidc.ClientSecretPost(secret);
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    return (methods.includes('client_secret_basic') ? basic : post)(server, ...rest);
  };
}

function guarded(outbound: Outbound): oidc.CustomFetch {
  return async (url, { method, headers, body, signal }) => {
    if (body !== null && body !== undefined && !(body instanceof URLSearchParams)) {
      throw new TypeError('a provider is sent forms only');
    }
    return await outbound.fetch(url, { method, headers, body, ...(signal ? { signal } : {}) });
  };
}

/** What a provider cannot do is one error, and what it does wrong another. */
async function translating<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ProviderAnswerError || error instanceof ProviderUnreachableError) {
      throw error;
    }
    if (isOutage(error)) {
      throw new ProviderUnreachableError('the provider cannot be asked', { cause: error });
    }
    if (error instanceof TypeError && !('code' in error)) throw error;
    throw new ProviderAnswerError('the provider has not answered as it must', { cause: error });
  }
}

function isOutage(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof OutboundError) return true;
  }
  return false;
}
