import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export interface TestIssuer {
  /** Its `iss`, and where its documents are. */
  readonly issuer: string;
  /** What insecureLoopbackHosts must name. */
  readonly host: string;
  /** The set that it publishes; tests may add to it. */
  readonly keys: JWK[];
  readonly privateKeys: Readonly<Record<string, CryptoKey>>;
  /** How often its set of keys was fetched. */
  fetches: number;
  /** A token as it should be, or with these claims and header parameters instead. */
  sign(claims?: object, header?: object, kid?: string): Promise<string>;
  close(): void;
}

export const AUDIENCE = 'https://api.example.com';

/** An issuer on loopback, with a key of each kind: `ed`, `ec` and `rsa`. */
export async function startIssuer(): Promise<TestIssuer> {
  const keys: JWK[] = [];
  const privateKeys: Record<string, CryptoKey> = {};
  for (const [kid, alg] of Object.entries(ALGORITHMS)) {
    const pair = await generateKeyPair(alg, { extractable: true });
    keys.push({ ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' });
    privateKeys[kid] = pair.privateKey;
  }
  const server = createServer((request, response) => {
    const found =
      request.url === '/keys' ? { keys } : { issuer: own.issuer, jwks_uri: `${own.issuer}/keys` };
    if (request.url === '/keys') own.fetches++;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(found));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  const own: TestIssuer = {
    issuer: `http://${host}`,
    host,
    keys,
    privateKeys,
    fetches: 0,
    async sign(claims = {}, header = {}, kid = 'ed') {
      const key = privateKeys[kid];
      if (!key) throw new Error(`there is no key ${kid}`);
      const now = Math.floor(Date.now() / 1000);
      const standard = { iss: own.issuer, aud: AUDIENCE, iat: now, exp: now + 300 };
      return await new SignJWT({ ...standard, ...claims })
        .setProtectedHeader({ alg: ALGORITHMS[kid] ?? '', kid, typ: 'at+jwt', ...header })
        .sign(key);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return own;
}

const ALGORITHMS: Readonly<Record<string, string>> = { ed: 'EdDSA', ec: 'ES256', rsa: 'RS256' };
