import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openOutbound } from '../../src/outbound.ts';
import { openCore } from '../../src/server/opening.ts';
import { ask } from '../support/client.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { signToken } from '../support/signed-tokens.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

test('another party verifies what a second process signed, with the keys that it fetches', async () => {
  const second = await openCore(server.config);
  const token = await signToken(second.core, {
    type: 'identity-assertion+jwt',
    issuer: server.origin,
    audience: 'https://api.example.com',
    subject: 'ada',
    claims: {},
    seconds: 60,
  });
  await second.close();
  const outbound = openOutbound({ insecureLoopbackHosts: [new URL(server.origin).host] });
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', server.origin), {
    [customFetch]: async (url, { headers, signal }) =>
      await outbound.fetch(url, { headers, signal }),
  });
  const { payload } = await jwtVerify(token, keys, { audience: 'https://api.example.com' });
  expect(payload.sub).toBe('ada');
  await outbound.close();
});

test('the set holds public halves alone, may be kept for five minutes, and is there to read only', async () => {
  const answer = await ask(server.origin, '/.well-known/jwks.json');
  expect(answer.status).toBe(200);
  expect(answer.headers['cache-control']).toBe('public, max-age=300');
  const [key] = answer.json().keys;
  expect(Object.keys(key).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  expect((await ask(server.origin, '/.well-known/jwks.json', { method: 'POST' })).status).toBe(405);
});
