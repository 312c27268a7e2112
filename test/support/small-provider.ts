import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { ProviderAccount } from './providers.ts';

/** A provider in this process, for tests of what happens here: nobody has to sign in there. */
export interface SmallProvider {
  readonly id: string;
  readonly issuer: string;
  readonly host: string;
  /** What it sends a browser back with that was sent there, whose account this is. */
  answer(url: string, account: ProviderAccount): Readonly<Record<'state' | 'code' | 'iss', string>>;
}

let started: Promise<SmallProvider> | null = null;

/** One for all tests of a file; it goes with the process. */
export function smallProvider(): Promise<SmallProvider> {
  return (started ??= start());
}

async function start(): Promise<SmallProvider> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'only', alg: 'ES256', use: 'sig' };
  const visits = new Map<string, { query: URLSearchParams; account: ProviderAccount }>();

  async function token(body: URLSearchParams): Promise<object | null> {
    const code = body.get('code') ?? '';
    const visit = visits.get(code);
    visits.delete(code);
    const challenge = createHash('sha256')
      .update(body.get('code_verifier') ?? '')
      .digest('base64url');
    if (visit?.query.get('code_challenge') !== challenge) return null;
    const now = Math.floor(Date.now() / 1000);
    const claims = { ...visit.account, nonce: visit.query.get('nonce'), auth_time: now };
    const idToken = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'only' })
      .setIssuer(issuer)
      .setAudience('sallyport')
      .setIssuedAt(now)
      .setExpirationTime(now + 300)
      .sign(privateKey);
    return { access_token: randomUUID(), token_type: 'bearer', id_token: idToken };
  }

  const server = createServer((request, response) => {
    const documents: Readonly<Record<string, object>> = {
      '/.well-known/openid-configuration': {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/keys`,
        id_token_signing_alg_values_supported: ['ES256'],
        authorization_response_iss_parameter_supported: true,
      },
      '/keys': { keys: [jwk] },
    };
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void (async () => {
        const sent = new URLSearchParams(Buffer.concat(chunks).toString());
        const found = documents[request.url ?? ''] ?? (await token(sent));
        response.writeHead(found ? 200 : 400, { 'content-type': 'application/json' });
        response.end(JSON.stringify(found ?? { error: 'invalid_grant' }));
      })();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  const issuer = `http://${host}`;
  return {
    id: 'small',
    issuer,
    host,
    answer(url, account) {
      const query = new URL(url).searchParams;
      const code = randomBytes(16).toString('hex');
      visits.set(code, { query, account });
      return { state: query.get('state') ?? '', code, iss: issuer };
    },
  };
}
