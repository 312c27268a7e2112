import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  openProviders,
  type Provider,
  ProviderAnswerError,
  ProviderUnreachableError,
  type Visit,
} from '../../src/core/providers.ts';
import { openOutbound, type Outbound } from '../../src/outbound.ts';
import { smallProvider, type SmallProvider } from '../support/small-provider.ts';

/** A listener whose documents a test writes. */
let host: string;
let issuer: string;
let documents: Record<string, object>;
let asked: string[];
const server = createServer((request, response) => {
  asked.push(request.url ?? '');
  const found = documents[request.url ?? ''];
  response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(found ?? {}));
});
let small: SmallProvider;
let outbound: Outbound;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `localhost:${(server.address() as AddressInfo).port}`;
  issuer = `http://${host}`;
  small = await smallProvider();
  outbound = openOutbound({ insecureLoopbackHosts: [host, small.host] });
});
afterAll(async () => {
  await outbound.close();
  server.close();
});
beforeEach(() => {
  asked = [];
  documents = { [DISCOVERY]: documentOf({}) };
});

const DISCOVERY = '/.well-known/openid-configuration';
const documentOf = (changed: object) => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/keys`,
  ...changed,
});

const VISIT: Visit = {
  state: 'state',
  nonce: 'nonce',
  verifier: 'v'.repeat(43),
  redirectUri: 'https://app.example.com/sign-in/providers/one/callback',
  anew: false,
};
const providerOf = (changed: Partial<Provider> = {}): Provider => ({
  id: 'one',
  name: 'One',
  issuer,
  clientId: 'sallyport',
  clientSecret: 'secret',
  scopes: ['openid', 'email'],
  ...changed,
});

describe('what a provider says about itself', () => {
  const leave = async (provider = providerOf()) =>
    await openProviders([provider], outbound).authorizationUrl(provider, VISIT);

  test('leads to where it says, with what ties the answer to this visit [ASVS 10.2.1]', async () => {
    const url = new URL(await leave());
    expect(url.origin + url.pathname).toBe(`${issuer}/authorize`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: 'sallyport',
      redirect_uri: VISIT.redirectUri,
      scope: 'openid email',
      state: 'state',
      nonce: 'nonce',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
  });

  test.each([
    ['is about another issuer', { issuer: 'https://id.example.com' }],
    ['is about almost the same issuer', { issuer: 'http://LOCALHOST' }],
    ['names none', { issuer: undefined }],
    ['sends browsers to a script', { authorization_endpoint: 'javascript:alert(1)' }],
    ['sends browsers to a file', { authorization_endpoint: 'file:///etc/passwd' }],
    ['sends browsers nowhere', { authorization_endpoint: undefined }],
  ])('and %s is refused [ASVS 10.5.3] [CWE-345]', async (_, changed) => {
    documents[DISCOVERY] = documentOf(changed);
    await expect(leave()).rejects.toThrow(ProviderAnswerError);
  });

  test('and writes its issuer in another way is refused: what ID tokens say is compared as it stands [ASVS 10.5.3]', async () => {
    documents[DISCOVERY] = documentOf({ issuer: `${issuer}/` });
    await expect(leave()).rejects.toThrow(ProviderAnswerError);
  });

  test.each(['no-tls.example.com', '127.0.0.1:8080', '169.254.169.254'])(
    'is not asked of http://%s: the guard lets nothing inside [R-95] [CWE-918]',
    async (inside) => {
      await expect(leave(providerOf({ issuer: `http://${inside}` }))).rejects.toThrow(
        ProviderUnreachableError,
      );
    },
  );

  test('is asked for once, by any number of visits, and not again at once where it failed', async () => {
    const provider = providerOf();
    const providers = openProviders([provider], outbound);
    await Promise.all(
      Array.from({ length: 50 }, async () => await providers.authorizationUrl(provider, VISIT)),
    );
    expect(asked).toEqual([DISCOVERY]);
    documents = {};
    const failing = openProviders([provider], outbound);
    await expect(failing.authorizationUrl(provider, VISIT)).rejects.toThrow(ProviderAnswerError);
    await expect(failing.authorizationUrl(provider, VISIT)).rejects.toThrow(ProviderAnswerError);
    expect(asked).toEqual([DISCOVERY, DISCOVERY]);
  });

  test.each([
    ['the token endpoint', { token_endpoint: 'http://127.0.0.1:9/token' }],
    ['the token endpoint', { token_endpoint: 'http://169.254.169.254/latest/meta-data' }],
  ])('cannot send the code and our secret inside, as %s [R-95] [CWE-918]', async (_, changed) => {
    documents[DISCOVERY] = documentOf(changed);
    const provider = providerOf();
    const answer = { code: 'code', iss: issuer };
    await expect(
      openProviders([provider], outbound).redeem(provider, VISIT, answer),
    ).rejects.toThrow(ProviderUnreachableError);
    expect(asked).toEqual([DISCOVERY]);
  });
});

describe('an answer', () => {
  const account = { sub: 'ada', email: 'ada@example.com', email_verified: true, name: 'Ada' };

  async function comeBack(changed: Partial<Provider> = {}, visit: Partial<Visit> = {}) {
    const provider = providerOf({ issuer: small.issuer, ...changed });
    const providers = openProviders([provider], outbound);
    const url = await providers.authorizationUrl(provider, VISIT);
    const { code, iss } = small.answer(url, account);
    return await providers.redeem(provider, { ...VISIT, ...visit }, { code, iss });
  }

  test('says whose account it is', async () => {
    const found = await comeBack();
    expect(found.subject).toBe('ada');
    expect(await found.profile()).toEqual({
      proved: { address: account.email, folded: account.email },
      name: 'Ada',
    });
  });

  test.each([
    ['whose ID token is for another client [ASVS 10.5.4]', { clientId: 'somebody-else' }, {}],
    ['of another visit, by its nonce [ASVS 10.5.1]', {}, { nonce: 'another' }],
    ['of another visit, by its verifier [ASVS 10.2.1]', {}, { verifier: 'w'.repeat(43) }],
  ])('%s is refused', async (_, changed, visit) => {
    await expect(comeBack(changed, visit)).rejects.toThrow(ProviderAnswerError);
  });
});
