// A real OpenID Connect provider as a process of its own (oidc-provider). Whoever the header
// `x-account` names, as JSON in base64url, is signed in there at once and agrees to everything;
// `x-account: none` refuses. What it signs and checks is its own.
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

const { issuer, clients } = JSON.parse(process.argv[2] ?? '');
const { privateKey } = await generateKeyPair('RS256', { extractable: true });
const key = { ...(await exportJWK(privateKey)), kid: 'first', alg: 'RS256', use: 'sig' };

/** What is known of each account, by its subject: what it was signed in with last. */
const accounts = new Map();

const provider = new Provider(issuer, {
  clients,
  jwks: { keys: [key] },
  cookies: { keys: ['for a test'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  findAccount: (_context, id) => ({ accountId: id, claims: () => accounts.get(id) }),
});

const handle = provider.callback();

async function interact(request, response) {
  const { prompt, params, grantId } = await provider.interactionDetails(request, response);
  const given = String(request.headers['x-account']);
  const finish = (result) =>
    provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
  if (given === 'none') {
    return await finish({ error: 'access_denied', error_description: 'not today' });
  }
  const claims = JSON.parse(Buffer.from(given, 'base64url').toString());
  const accountId = claims.sub;
  accounts.set(accountId, claims);
  if (prompt.name === 'login') return await finish({ login: { accountId } });
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope('openid email profile');
  return await finish({ consent: { grantId: await grant.save() } });
}

const server = createServer((request, response) => {
  if (!request.url?.startsWith('/interaction/')) return handle(request, response);
  interact(request, response).catch((error) => response.writeHead(500).end(String(error)));
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`ready at ${server.address().port}\n`));
