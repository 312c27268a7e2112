// Writes vectors.json, the cases that the verifiers in both languages are held to:
//   node test/assertion/make-vectors.ts
// Everything in it is fixed, keys and nonces too, so that it comes out the same each time.
import { createHmac, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type AssertionClaims, assertionClaims, bodyDigest } from '../../src/assertion/claims.ts';
import type { AssertionRejection } from '../../src/assertion/rejected.ts';

export const VECTORS = fileURLToPath(new URL('vectors.json', import.meta.url));

export interface VectorCase {
  readonly name: string;
  /** What it must be refused with; null where it is to be taken. */
  readonly code: AssertionRejection | null;
  readonly assertion: string | null;
  readonly method: string;
  readonly path: string;
  /** ASGI cannot tell a target that ends in `?` from one without: there '' also stands for null. */
  readonly query: string | null;
  /** Base64url. */
  readonly body: string;
  /** Whether the operation takes bodies that are not bound. */
  readonly unbound: boolean;
  /** Seconds since 1970. */
  readonly now: number;
  readonly principal?: {
    readonly identityId: string;
    readonly tenantId: string | null;
    readonly permissions: readonly string[];
    readonly proof: string | null;
  } | null;
  /** What a verifier says that sees an ASGI scope, where that is something else. */
  readonly asgi?: AssertionRejection | null;
}

export interface Vectors {
  readonly issuer: string;
  readonly audience: string;
  readonly keys: { readonly keys: readonly object[] };
  readonly cases: readonly VectorCase[];
}

const NOW = 1_790_000_000;
const ISSUER = 'https://app.example.com';
const AUDIENCE = 'invoices';

const ours = keyOf(1);
const second = keyOf(2);
const strangers = keyOf(3);

/** An Ed25519 key whose seed is this byte 32 times (RFC 8410 section 7). */
function keyOf(seed: number): KeyObject {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  const der = Buffer.concat([prefix, Buffer.alloc(32, seed)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function publicJwk(key: KeyObject, kid: string): Record<string, unknown> {
  const jwk = createPublicKey(key).export({ format: 'jwk' });
  return { ...jwk, kid, alg: 'EdDSA', use: 'sig' };
}

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const HEADER = { alg: 'EdDSA', kid: 'first', typ: 'sallyport-assertion+jwt' };
type Claims = Readonly<Record<string, unknown>>;

function compact(header: unknown, claims: unknown, key: KeyObject = ours): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`;
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: string | null;
  readonly body: string;
}

const READ: Request = { method: 'GET', path: '/invoices', query: 'limit=10&after=', body: '' };
const WRITE: Request = { method: 'POST', path: '/invoices', query: null, body: '{"total":100}' };

const ADA = {
  identityId: '5f0c7b0e-6a4e-4a86-9f0e-0c6d6b8b8a01',
  tenantId: '0d3f5a52-6a3a-4e5f-8b59-0a7c1d2e3f02',
  permissions: ['invoices:read', 'invoices:write'],
};

let nonces = 0;
/** What the gateway would say of a request, but with a nonce that is always the same. */
function claimsOf(request: Request, over: Claims = {}, principal: typeof ADA | null = ADA): Claims {
  const { method, path, query, body } = request;
  const claims: AssertionClaims = assertionClaims(
    {
      issuer: ISSUER,
      audience: AUDIENCE,
      principal,
      method,
      target: query === null ? path : `${path}?${query}`,
      body: Buffer.from(body),
    },
    new Date(NOW * 1000),
  );
  nonces += 1;
  return { ...claims, jti: bodyDigest(Buffer.from(`${nonces}`)).slice(0, 22), ...over };
}

const without = (claims: Claims, name: string): Claims =>
  Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));

const cases: VectorCase[] = [];

interface More {
  readonly unbound?: boolean;
  readonly now?: number;
  readonly asgi?: AssertionRejection | null;
}

function add(
  code: AssertionRejection | null,
  name: string,
  assertion: string | null,
  { method, path, query, body }: Request = READ,
  { unbound = false, now = NOW, ...more }: More = {},
): void {
  const request = { method, path, query, body: Buffer.from(body).toString('base64url') };
  cases.push({ name, code, assertion, ...request, unbound, now, ...more });
}

function taken(name: string, request: Request, claims: Claims, more: More = {}): void {
  const { sub, tenant, permissions, proof = null } = claims;
  add(null, name, compact(HEADER, claims), request, more);
  const added = cases.pop();
  const principal =
    sub === undefined ? null : { identityId: sub, tenantId: tenant, permissions, proof };
  if (added) cases.push({ ...added, principal } as VectorCase);
}

// What is to be taken.
taken('a read', READ, claimsOf(READ));
taken('a write with its body', WRITE, claimsOf(WRITE));
taken('nobody signed in', READ, claimsOf(READ, {}, null));
taken('somebody in no tenant', READ, claimsOf(READ, { tenant: null, permissions: [] }));
taken('a proof', READ, claimsOf(READ, { proof: 'transaction 0123456789abcdef' }));
taken('a claim that nobody knows', READ, claimsOf(READ, { color: 'green' }));
taken('the last second', READ, claimsOf(READ), { now: NOW + 10 });
taken('a clock that is behind by the skew', READ, claimsOf(READ), { now: NOW - 2 });
taken('a clock that is ahead by less than the skew', READ, claimsOf(READ), { now: NOW + 11 });
taken('an unbound body where that is taken', WRITE, claimsOf(WRITE, { body: 'unbound' }), {
  unbound: true,
});
for (const path of ['/', '/a%2Fb', '/a%2fb', '/%E2%82%AC', '/a;b=1', "/a~!$&'()*+,=:@-._b"]) {
  taken(`the path ${path}`, { ...READ, path }, claimsOf({ ...READ, path }));
}
for (const query of ['', '?', 'a=1&a=2', 'a=%20+b', 'a=1;b=2', '=&=', 'a[]=1', 'next=/a?b']) {
  taken(`the query ${query}`, { ...READ, query }, claimsOf({ ...READ, query }));
}
for (const method of ['HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
  taken(`the method ${method}`, { ...WRITE, method }, claimsOf({ ...WRITE, method }));
}
add(null, 'the other published key', compact({ ...HEADER, kid: 'second' }, claimsOf(READ), second));
cases.push({ ...(cases.pop() as VectorCase), principal: { ...ADA, proof: null } });

// What has no form.
const good = () => compact(HEADER, claimsOf(READ));
const [head = '', payload = '', signature = ''] = good().split('.');
add('missing', 'no assertion', null);
for (const [name, text] of Object.entries({
  'an empty one': '',
  'no signature': `${head}.${payload}.`,
  'two parts': `${head}.${payload}`,
  'four parts': `${good()}.e30`,
  'five parts, as a JWE has': `${head}.${payload}.${signature}.e30.e30`,
  'two in one header': `${good()}, ${good()}`,
  'a scheme before it': `Bearer ${good()}`,
  'a space before it': ` ${good()}`,
  'a space behind it': `${good()} `,
  'padding in the signature': `${good()}==`,
  'padding in the header': `${head}=.${payload}.${signature}`,
  'the other alphabet': `${head}.${payload}.${'+/'.repeat(43)}`,
  'a signature that is too short': good().slice(0, -1),
  'a signature that is too long': `${good()}A`,
  'a signature with spare bits set': `${good().slice(0, -1)}B`,
  'a letter that only looks like one': good().replace('.', '\u3002'),
  'JSON serialisation': JSON.stringify({ protected: head, payload, signature }),
  'a header that is no JSON': `${encode('{"alg"')}.${payload}.${signature}`,
  'a header that is an array': compact([HEADER], claimsOf(READ)),
  'a header that is null': compact('null', claimsOf(READ)),
  'a header that is no UTF-8': `${Buffer.from([0xff, 0xfe]).toString('base64url')}.${payload}.${signature}`,
  'longer than any head': compact(HEADER, claimsOf(READ, { color: 'x'.repeat(20_000) })),
})) {
  add('malformed', name, text);
}
// A header that says more than it may (RFC 7515 section 4.1).
const publicKey = publicJwk(strangers, 'first');
for (const [name, more] of Object.entries({
  'a key of its own': { jwk: publicKey },
  'an address of keys': { jku: 'https://evil.example/jwks.json' },
  'an address of certificates': { x5u: 'https://evil.example/x5u' },
  'a certificate': { x5c: ['AAAA'] },
  'something that must be understood': { crit: ['exp'], exp: NOW },
  'a payload that is not encoded': { crit: ['b64'], b64: false },
  compression: { zip: 'DEF' },
  'a content type': { cty: 'JWT' },
})) {
  add('malformed', `a header with ${name}`, compact({ ...HEADER, ...more }, claimsOf(READ)));
}

// Of another kind, with another algorithm, with another key.
for (const typ of [
  undefined,
  'JWT',
  'at+jwt',
  'identity-assertion+jwt',
  'SALLYPORT-ASSERTION+JWT',
  'application/sallyport-assertion+jwt',
  ['sallyport-assertion+jwt'],
]) {
  add('type', `the type ${JSON.stringify(typ)}`, compact({ ...HEADER, typ }, claimsOf(READ)));
}
const hmac = (alg: string, key: string | Buffer) => {
  const signed = `${encode({ ...HEADER, alg })}.${encode(claimsOf(READ))}`;
  const mac = createHmac(alg === 'HS512' ? 'sha512' : 'sha256', key)
    .update(signed)
    .digest();
  return `${signed}.${Buffer.concat([mac, mac]).subarray(0, 64).toString('base64url')}`;
};
const x = String(publicJwk(ours, 'first')['x']);
const pem = createPublicKey(ours).export({ format: 'pem', type: 'spki' });
add('algorithm', 'HS512 with the public key as secret', hmac('HS512', Buffer.from(x, 'base64url')));
add('algorithm', 'HS512 with the public key as PEM', hmac('HS512', pem));
add('algorithm', 'HS256 with no secret', hmac('HS256', ''));
for (const alg of ['none', 'None', '', 'eddsa', 'Ed25519', 'ES256', 'RS256', 'PS256', null, 8]) {
  add('algorithm', `the algorithm ${alg}`, compact({ ...HEADER, alg }, claimsOf(READ)));
}
add('algorithm', 'no algorithm', compact(without(HEADER, 'alg'), claimsOf(READ)));
for (const kid of ['third', 'FIRST', 'first ', '', null, 1, ['first'], '../first', "' OR '1'='1"]) {
  add('key', `the key ${JSON.stringify(kid)}`, compact({ ...HEADER, kid }, claimsOf(READ)));
}
add('key', 'no key named', compact(without(HEADER, 'kid'), claimsOf(READ)));
for (const kid of ['twice', 'encryption', 'elliptic', 'private', 'otherwise']) {
  const header = { ...HEADER, kid };
  add('key', `a published key that is none for this: ${kid}`, compact(header, claimsOf(READ)));
}
add('signature', 'a key of a stranger', compact(HEADER, claimsOf(READ), strangers));
add('signature', 'the other published key than it names', compact(HEADER, claimsOf(READ), second));
add('signature', 'a signature of zeros', `${head}.${payload}.${'A'.repeat(86)}`);
add('signature', 'a signature of other claims', `${head}.${encode(claimsOf(READ))}.${signature}`);
add(
  'signature',
  'a header that was changed',
  `${encode({ typ: HEADER.typ, alg: HEADER.alg, kid: HEADER.kid })}.${payload}.${signature}`,
);
add(
  'signature',
  'claims that were changed',
  `${head}.${encode({ ...claimsOf(READ), permissions: ['invoices:delete'] })}.${signature}`,
);

// Claims that have no form, though we have signed them.
for (const name of Object.keys(claimsOf(READ))) {
  if (name === 'sub') continue;
  add('claims', `no ${name}`, compact(HEADER, without(claimsOf(READ), name)));
}
const wrong: readonly [string, unknown][] = [
  ['iss', [ISSUER]],
  ['aud', [AUDIENCE]],
  ['aud', [AUDIENCE, 'payments']],
  ['sub', null],
  ['sub', ''],
  ['sub', 7],
  ['tenant', ''],
  ['tenant', 7],
  ['permissions', null],
  ['permissions', 'invoices:read invoices:write'],
  ['permissions', ['invoices:read', 7]],
  ['permissions', { 'invoices:read': true }],
  ['iat', `${NOW}`],
  ['nbf', `${NOW}`],
  ['exp', `${NOW + 10}`],
  ['exp', null],
  ['exp', NOW + 9.5],
  ['iat', true],
  ['jti', ''],
  ['jti', 7],
  ['method', ['GET']],
  ['path', ''],
  ['query', 7],
  ['body', ''],
  ['body', null],
  ['proof', ''],
  ['proof', 7],
];
for (const [name, value] of wrong) {
  const claims = claimsOf(READ, { [name]: value });
  add('claims', `${name} is ${JSON.stringify(value)}`, compact(HEADER, claims));
}
add('claims', 'nobody, but permissions', compact(HEADER, without(claimsOf(READ), 'sub')));
add('claims', 'claims that are no JSON', compact(HEADER, '{"iss"'));
add('claims', 'claims that are an array', compact(HEADER, [claimsOf(READ)]));
add('claims', 'claims that are null', compact(HEADER, 'null'));

// For another upstream, of another gateway, at another time.
for (const iss of [
  'http://app.example.com',
  `${ISSUER}/`,
  'https://evil.example',
  `${ISSUER}:443`,
]) {
  add('issuer', `the issuer ${iss}`, compact(HEADER, claimsOf(READ, { iss })));
}
for (const aud of ['payments', 'Invoices', 'invoices ', 'invoice', 'invoices2']) {
  add('audience', `the audience ${aud}`, compact(HEADER, claimsOf(READ, { aud })));
}
add('lifetime', 'valid for 11 seconds', compact(HEADER, claimsOf(READ, { exp: NOW + 11 })));
add('lifetime', 'valid for ever', compact(HEADER, claimsOf(READ, { exp: 9_007_199_254_740_991 })));
add('lifetime', 'ends when it begins', compact(HEADER, claimsOf(READ, { exp: NOW })));
add('lifetime', 'ends before it begins', compact(HEADER, claimsOf(READ, { exp: NOW - 5 })));
add('expired', 'twelve seconds later', good(), READ, { now: NOW + 12 });
add('expired', 'a day later', good(), READ, { now: NOW + 86_400 });
add('not-yet-valid', 'three seconds earlier', good(), READ, { now: NOW - 3 });
add('not-yet-valid', 'not before later', compact(HEADER, claimsOf(READ, { nbf: NOW + 3 })));

// Of another request.
for (const method of ['HEAD', 'get', 'POST', 'GET ', 'DELETE']) {
  add('method', `a GET as ${method}`, good(), { ...READ, method });
}
for (const path of [
  '/',
  '/invoices/',
  '//invoices',
  '/Invoices',
  '/invoices/1',
  '/%69nvoices',
  '/invoices%2F',
  '/invoices%3Flimit=10&after=',
  '/./invoices',
  '/x/../invoices',
  '/invoices;a=1',
  '/invoices%00',
  '/invoices%20',
]) {
  add('path', `/invoices as ${path}`, good(), { ...READ, path });
}
for (const query of [
  null,
  '',
  'limit=10',
  'limit=10&after',
  'after=&limit=10',
  'limit=100&after=',
  'limit=10&after=&limit=1000',
  'limit=10&after=&',
  '&limit=10&after=',
  'limit=1%30&after=',
  'LIMIT=10&after=',
  'limit=10;after=',
]) {
  add('query', `limit=10&after= as ${query}`, good(), { ...READ, query });
}
add('query', 'a query where there was none', compact(HEADER, claimsOf(WRITE)), {
  ...WRITE,
  query: 'force=1',
});
add(
  'query',
  'a question mark where there was none',
  compact(HEADER, claimsOf(WRITE)),
  { ...WRITE, query: '' },
  { asgi: null },
);
add(
  'query',
  'no question mark where there was one',
  compact(HEADER, claimsOf({ ...WRITE, query: '' })),
  WRITE,
  { asgi: null },
);
for (const body of ['', '{"total":1000}', '{"total":100}\n', '{"total": 100}', ' ']) {
  add('body', `another body ${JSON.stringify(body)}`, compact(HEADER, claimsOf(WRITE)), {
    ...WRITE,
    body,
  });
}
add('body', 'a body where there was none', good(), { ...READ, body: '{}' });
const digest = bodyDigest(Buffer.from(WRITE.body));
for (const [name, body] of Object.entries({
  'a digest in hex': Buffer.from(digest, 'base64url').toString('hex'),
  'a digest with padding': `${digest}=`,
  'the beginning of a digest': digest.slice(0, 42),
  'unbound in capitals': 'UNBOUND',
})) {
  add('body', name, compact(HEADER, claimsOf(WRITE, { body })), WRITE);
}
add('unbound', 'an unbound body', compact(HEADER, claimsOf(WRITE, { body: 'unbound' })), WRITE);
add('unbound', 'an unbound body of a GET', compact(HEADER, claimsOf(READ, { body: 'unbound' })));
add('body', 'a bound body that nobody would compare', compact(HEADER, claimsOf(WRITE)), WRITE, {
  unbound: true,
  asgi: null,
});

const vectors: Vectors = {
  issuer: ISSUER,
  audience: AUDIENCE,
  keys: {
    keys: [
      publicJwk(ours, 'first'),
      publicJwk(second, 'second'),
      publicJwk(ours, 'twice'),
      publicJwk(second, 'twice'),
      { ...publicJwk(ours, 'encryption'), use: 'enc' },
      { ...publicJwk(ours, 'otherwise'), alg: 'ES256' },
      { ...publicJwk(ours, 'private'), d: Buffer.alloc(32, 1).toString('base64url') },
      { kty: 'EC', crv: 'P-256', x, y: x, kid: 'elliptic', alg: 'ES256', use: 'sig' },
    ],
  },
  cases,
};

export const vectorsText: string = `${JSON.stringify(vectors, null, 2)}\n`;

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(VECTORS, vectorsText);
