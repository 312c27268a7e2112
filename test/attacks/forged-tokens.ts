// Tokens that are not what they claim to be, each with one thing wrong, by name.
import { createHmac, createPublicKey, generateKeyPairSync, KeyObject, sign } from 'node:crypto';
import type { JWK } from 'jose';
import { AUDIENCE, type TestIssuer } from '../support/issuers.ts';

type Json = Readonly<Record<string, unknown>>;

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token of these very bytes. */
function raw(header: unknown, payload: unknown, signer: (input: string) => Buffer): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${signer(input).toString('base64url')}`;
}

export interface Forgeries {
  /** The claims of a right token. */
  readonly claims: Json;
  readonly issuer: TestIssuer;
  /** One that is trusted too. */
  readonly other: TestIssuer;
  /** Something that we have signed ourselves, for others. */
  readonly assertion: string;
}

export async function forgedTokens({ claims, issuer, other, assertion }: Forgeries) {
  const now = Math.floor(Date.now() / 1000);
  const payload: Json = { iss: issuer.issuer, aud: AUDIENCE, iat: now, exp: now + 300, ...claims };
  const header = { alg: 'EdDSA', kid: 'ed', typ: 'at+jwt' };
  const attacker = generateKeyPairSync('ed25519');
  const attackerJwk = attacker.publicKey.export({ format: 'jwk' });
  const byAttacker = (input: string) => sign(null, Buffer.from(input), attacker.privateKey);
  const none = () => Buffer.alloc(0);
  const right = await issuer.sign(claims);
  const [head = '', body = '', signature = ''] = right.split('.');
  const signed = async (changed: object, parameters: object = {}, kid = 'ed') =>
    await issuer.sign({ ...claims, ...changed }, parameters, kid);
  const without = async (...names: readonly string[]) =>
    await signed(Object.fromEntries(names.map((name) => [name, undefined])));
  const withAll = async (name: string, values: readonly unknown[]) =>
    await Promise.all(
      values.map(
        async (value) =>
          [`${name} ${JSON.stringify(value)}`, await signed({ [name]: value })] as const,
      ),
    );

  const tokens = new Map<string, string>();
  const add = (entries: Iterable<readonly [string, string]>) => {
    for (const [name, token] of entries) tokens.set(name, token);
  };

  // Algorithm: none, in every spelling; those of other keys; what is no algorithm (RFC 8725 3.1).
  for (const alg of [
    'none',
    'None',
    'NONE',
    'nOnE',
    'none ',
    '',
    'null',
    'eddsa',
    'EDDSA',
    'ES256',
    'ES384',
    'RS256',
    'PS256',
    'ES256K',
    'dir',
    'HS256 ',
  ]) {
    add([
      [`algorithm ${alg}, not signed`, raw({ ...header, alg }, payload, none)],
      [
        `algorithm ${alg}, with the signature of another`,
        raw({ ...header, alg }, payload, () => Buffer.from(signature, 'base64url')),
      ],
    ]);
  }
  for (const alg of [null, 1, true, ['EdDSA'], { EdDSA: 1 }]) {
    add([[`algorithm ${JSON.stringify(alg)}`, raw({ ...header, alg }, payload, byAttacker)]]);
  }
  add([['no algorithm', raw({ kid: 'ed', typ: 'at+jwt' }, payload, byAttacker)]]);

  // HMAC with what everybody knows as the secret, and with nothing (R-58, R-59).
  for (const jwk of issuer.keys.slice(0, 3)) {
    for (const [name, secret] of publicSecrets(jwk)) {
      for (const [alg, digest] of [
        ['HS256', 'sha256'],
        ['HS384', 'sha384'],
        ['HS512', 'sha512'],
      ] as const) {
        const hmac = (input: string) => createHmac(digest, secret).update(input).digest();
        add([
          [
            `${alg} with ${name} of ${String(jwk.kid)}`,
            raw({ ...header, alg, kid: jwk.kid }, payload, hmac),
          ],
        ]);
      }
    }
  }

  // Key: whose, and named or brought by whom.
  const brought: readonly (readonly [string, object])[] = [
    ['jwk', { jwk: attackerJwk }],
    ['jwk and no kid', { jwk: attackerJwk, kid: undefined }],
    ['jku', { jku: `${other.issuer}/keys` }],
    ['x5u', { x5u: `${other.issuer}/keys` }],
    ['x5c', { x5c: ['MIIB'] }],
    ['crit that is unknown', { crit: ['x-unknown'], 'x-unknown': 1 }],
    ['crit that is known', { crit: ['exp'], exp: now + 300 }],
    ['crit twice', { crit: ['b64', 'b64'], b64: true }],
    ['crit that is empty', { crit: [] }],
    ['crit that is no list', { crit: 'b64' }],
    ['b64', { b64: false, crit: ['b64'] }],
    ['b64 without crit', { b64: false }],
    ['zip', { zip: 'DEF' }],
    ['cty of a nested one', { cty: 'JWT' }],
  ];
  const named = [
    '',
    'unknown',
    '../../../dev/null',
    "ed' OR '1'='1",
    'https://evil.example/key',
    'ed\0',
    'ED',
    'ed ',
    'oct',
    'enc',
    'twice',
    'private',
    'without-verify',
    ['ed'],
    1,
    null,
    {},
    'a'.repeat(3000),
  ];
  add([
    ...brought.map(
      ([name, more]) =>
        [`${name}, by an attacker`, raw({ ...header, ...more }, payload, byAttacker)] as const,
    ),
    ...brought.map(
      ([name, more]) =>
        [
          `${name}, rightly signed`,
          raw({ ...header, ...more }, payload, signerOf(issuer)),
        ] as const,
    ),
    ...named.map(
      (kid) =>
        [
          `kid ${JSON.stringify(kid).slice(0, 40)}`,
          raw({ ...header, kid }, payload, signerOf(issuer)),
        ] as const,
    ),
    ['no kid', raw({ alg: 'EdDSA', typ: 'at+jwt' }, payload, signerOf(issuer))],
    ['the kid of another algorithm', raw({ ...header, kid: 'ec' }, payload, signerOf(issuer))],
    ["an attacker's key under a known name", raw(header, payload, byAttacker)],
    ["the other issuer's key", await other.sign({ ...claims, iss: issuer.issuer })],
    ['PS256 with a key for RS256', raw({ ...header, alg: 'PS256', kid: 'rsa' }, payload, none)],
  ]);

  // Signature.
  const bits = Buffer.from(signature, 'base64url');
  const flipped = Buffer.from(bits);
  flipped[10] = (flipped[10] ?? 0) ^ 1;
  const ec = await issuer.sign(claims, {}, 'ec');
  const [ecHead = '', ecBody = ''] = ec.split('.');
  add([
    ['no signature', `${head}.${body}.`],
    ['a bit of the signature', `${head}.${body}.${flipped.toString('base64url')}`],
    ['half a signature', `${head}.${body}.${bits.subarray(0, 32).toString('base64url')}`],
    [
      'a signature and more',
      `${head}.${body}.${Buffer.concat([bits, bits]).toString('base64url')}`,
    ],
    ['a signature of zeros', `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`],
    [
      'ECDSA with r and s zero (CVE-2022-21449)',
      `${ecHead}.${ecBody}.${Buffer.alloc(64).toString('base64url')}`,
    ],
    [
      'ECDSA in DER',
      `${ecHead}.${ecBody}.${Buffer.from('3006020101020101', 'hex').toString('base64url')}`,
    ],
    [
      'the signature of another token',
      `${encode({ ...header })}.${encode({ ...payload, admin: true })}.${signature}`,
    ],
    ['a changed payload', `${head}.${encode({ ...payload, sub: 'root' })}.${signature}`],
  ]);

  // Type: an ID token, a logout token, a proof, and our own assertion are no access tokens (R-64).
  for (const typ of [
    undefined,
    'JWT',
    'jwt',
    'id+jwt',
    'logout+jwt',
    'dpop+jwt',
    'at+jwt2',
    'identity-assertion+jwt',
    1,
    null,
    ['at+jwt'],
    '',
  ]) {
    add([[`type ${JSON.stringify(typ)}`, raw({ ...header, typ }, payload, signerOf(issuer))]]);
  }
  add([['what we sign ourselves', assertion]]);

  // Claims.
  add([
    ...(await withAll('iss', [
      '',
      'https://evil.example',
      `${issuer.issuer}/`,
      issuer.issuer.toUpperCase(),
      [issuer.issuer],
      1,
      null,
      other.issuer,
    ])),
    ...(await withAll('aud', [
      '',
      'https://evil.example',
      `${AUDIENCE}/`,
      AUDIENCE.toUpperCase(),
      AUDIENCE.slice(0, -1),
      [],
      ['https://evil.example'],
      1,
      null,
      { [AUDIENCE]: 1 },
      issuer.issuer,
    ])),
    ...(await withAll('exp', [
      now - 31,
      0,
      -1,
      now + 86_400,
      1e308,
      String(now + 300),
      null,
      [now + 300],
      now - 1_000,
    ])),
    ...(await withAll('iat', [now + 120, now + 86_400, now - 3_700, String(now), null, 0])),
    ...(await withAll('nbf', [now + 120, now + 86_400, String(now), [now]])),
    ...(await withAll('sub', [
      '',
      1,
      null,
      [claims['sub']],
      'root',
      "' OR 1=1",
      'a'.repeat(256),
      '00000000-0000-4000-8000-000000000000',
      `${String(claims['sub'])} `,
      `${String(claims['sub'])}\0`,
    ])),
    ...(await withAll('tenant', [
      '',
      1,
      null,
      [claims['tenant']],
      'acme',
      '00000000-0000-4000-8000-000000000000',
      `${String(claims['tenant'])}\n`,
    ])),
    ...(await Promise.all(
      ['iss', 'aud', 'exp', 'iat', 'sub', 'tenant'].map(
        async (name) => [`no ${name}`, await without(name)] as const,
      ),
    )),
  ]);

  // Encoding: another form of a token would be another token (CWE-180).
  const tail = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = tail[tail.indexOf(signature.at(-1) ?? '') ^ 1] ?? '';
  add([
    ['padding', `${right}=`],
    ['padding twice', `${right}==`],
    ['a last character with other unused bits', `${right.slice(0, -1)}${last}`],
    ['base64 in place of base64url', right.replaceAll('-', '+').replaceAll('_', '/').concat('/+')],
    ['two parts', `${head}.${body}`],
    ['four parts', `${right}.${signature}`],
    ['five parts, as of a JWE', `${right}.${signature}.${signature}`],
    ['a dot before', `.${right}`],
    ['a dot behind', `${right}.`],
    ['an empty header', `.${body}.${signature}`],
    ['an empty payload', `${head}..${signature}`],
    ['a header that is no JSON', `${Buffer.from('{').toString('base64url')}.${body}.${signature}`],
    ['a header that is a list', raw([header], payload, signerOf(issuer))],
    ['a header that is a text', raw('header', payload, signerOf(issuer))],
    ['a header that is null', raw(null, payload, signerOf(issuer))],
    ['a payload that is a list', raw(header, [payload], signerOf(issuer))],
    ['a payload that is a text', raw(header, 'payload', signerOf(issuer))],
    ['a payload that is null', raw(header, null, signerOf(issuer))],
    ['a token in a token', raw(header, right, signerOf(issuer))],
    [
      'a header with a byte order mark',
      `${Buffer.from(`\ufeff${JSON.stringify(header)}`).toString('base64url')}.${body}.${signature}`,
    ],
    ['the token in base64url once more', Buffer.from(right).toString('base64url')],
    [
      '__proto__ in place of a header',
      raw(
        JSON.parse('{"__proto__":{"alg":"EdDSA","kid":"ed","typ":"at+jwt"}}'),
        payload,
        signerOf(issuer),
      ),
    ],
  ]);
  return tokens;
}

function signerOf({ privateKeys }: TestIssuer): (input: string) => Buffer {
  const { ed } = privateKeys;
  if (!ed) throw new Error('there is no such key');
  const key = KeyObject.from(ed);
  return (input) => sign(null, Buffer.from(input), key);
}

/** The forms in which a careless verifier may have a public key at hand, and nothing at all. */
function publicSecrets(jwk: JWK): ReadonlyArray<readonly [string, Buffer]> {
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const pem = String(key.export({ type: 'spki', format: 'pem' }));
  return [
    ['the PEM', Buffer.from(pem)],
    ['the PEM and a blank before', Buffer.from(` ${pem}`)],
    ['the PEM without its last line break', Buffer.from(pem.trimEnd())],
    ['the DER', key.export({ type: 'spki', format: 'der' })],
    ['the JWK', Buffer.from(JSON.stringify(jwk))],
    ['the public value', Buffer.from(jwk.x ?? jwk.n ?? '', 'base64url')],
    ['nothing', Buffer.alloc(0)],
  ];
}
