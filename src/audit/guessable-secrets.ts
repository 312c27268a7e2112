import { createHmac } from 'node:crypto';
import { hashOf, type Token } from './token.ts';

/** Words that people leave where a signing key belongs: of documentation, tutorials and habit. */
const WORDS = `secret secretkey secret_key secret-key mysecret mysecretkey my_secret_key my-secret-key
my_secret supersecret super_secret super-secret supersecretkey super_secret_key super-secret-key
topsecret top_secret jwt jwtsecret jwt_secret jwt-secret jwt_secret_key jwtkey jwt_key yoursecret
your_secret your-secret yoursecretkey your_secret_key your-secret-key your-256-bit-secret
your-384-bit-secret your-512-bit-secret your_jwt_secret your-jwt-secret yourjwtsecret key private
privatekey private_key private-key public shared sharedsecret shared_secret token tokensecret
token_secret access accesstoken access_token access_token_secret refresh refreshtoken
refresh_token refresh_token_secret login signin session sessionsecret auth
authsecret auth_secret app appsecret app_secret app_secret_key api apikey api_key apisecret
api_secret api_secret_key changeme change_me change-me changethis change-this change_this
changeit please_change_me pleasechangeme change-me-in-production changeme-in-production
change_this_in_production dev devsecret dev_secret dev-secret dev-secret-key dev_secret_key
development development_secret test testing test_secret testsecret test-secret test-key testkey
example example_secret example_key sample demo demo_secret local localhost default default_secret
default-secret none null undefined nil true false string random randomsecret random_secret
password password1 password123 passw0rd p@ssw0rd pass admin administrator root user guest qwerty
qwerty123 qwertyuiop letmein welcome welcome1 iloveyou monkey dragon football baseball sunshine
princess master abc123 abcdef abcdefg abcdefgh asdf asdfgh asdfghjkl zxcvbn zxcvbnm hello
helloworld hello-world world foo bar baz foobar foobarbaz thisisasecret this_is_a_secret
this-is-a-secret thisismysecret this_is_my_secret thisismysecretkey this-is-my-secret-key
itsasecret keepitsecret keep_it_secret donttellanyone shhh shhhhh shhhhhh very-secret
verysecret very_secret verysecretkey very_secret_key notsecret not-so-secret insecure
insecure-secret unsafe hs256 hs256-secret hmac hmackey hmac_secret signature signingkey
signing_key signing-key encryptionkey cookiesecret cookie_secret cookie-secret csrf salt pepper
django django-insecure flask fastapi express node nodejs nestjs nest spring springboot laravel
rails symfony phoenix golang go java python javascript typescript react angular vue mongodb
postgres mysql redis docker kubernetes company mycompany acme corp internal server backend
service microservice gateway web website webapp myapp my_app my-app app123 secret1 secret12
secret123 secret1234 secret12345 secret123456 secret! secret? s3cr3t s3cret sekret geheim
passwort contrasena motdepasse kennwort hemmelig segreto segredo token123 key123 jwt123
0123456789 1234567890 0123456789abcdef deadbeef a aa aaa aaaa aaaaaaaa x xx xxx xxxx xyz`;

/** Keys that documentation prints in full, and that applications were shipped with. */
const PRINTED = [
  '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
  'my-32-character-ultra-secure-and-ultra-long-secret',
  'secret-key-for-jwt',
  'the-secret-key',
  'GQDstcKsx0NHjPOuXOYg5MbeJ1XT0uFiwDVvVBrk',
  'myjwts3cr3t',
  'keyboard cat',
];

/** MACs computed before others get a turn: some milliseconds. */
const CHUNK = 5_000;

/** What a search may take where a check may wait for nothing: words, and numbers of five digits. */
const SEARCH_SECONDS_MIN = 2;

/**
 * The key of a MAC that is a common word, a word of the target's own, or a number of up to so many
 * digits; null where it is none of these, or the token has no MAC. It needs no request. Six digits
 * take some seconds of one core, and the search no more than the run may wait for anything.
 */
export async function guessSecret(
  token: Token,
  words: readonly string[],
  digitsMax: number,
  secondsMax: number,
): Promise<string | null> {
  const { text, algorithm } = token;
  if (!/^HS(256|384|512)$/.test(algorithm)) return null;
  const end = text.lastIndexOf('.');
  const input = text.slice(0, end);
  const wanted = Buffer.from(text.slice(end + 1), 'base64url');
  const hash = hashOf(algorithm);
  const started = performance.now();
  let tried = 0;
  for (const candidate of candidatesOf(words, digitsMax)) {
    if (createHmac(hash, candidate).update(input).digest().equals(wanted)) return candidate;
    tried += 1;
    if (tried % CHUNK !== 0) continue;
    const seconds = (performance.now() - started) / 1_000;
    if (seconds > Math.max(secondsMax, SEARCH_SECONDS_MIN)) return null;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return null;
}

function* candidatesOf(words: readonly string[], digitsMax: number): Generator<string> {
  const own = words.flatMap((word) => [word, word.toLowerCase()]).filter((word) => word !== '');
  for (const word of new Set([...WORDS.split(/\s+/), ...own])) {
    yield word;
    yield word.toUpperCase();
    yield `${word[0]?.toUpperCase() ?? ''}${word.slice(1)}`;
    for (const suffix of ['1', '123', '1234', '!', '_key', '-key', '_secret', '-secret']) {
      yield `${word}${suffix}`;
    }
    yield Buffer.from(word).toString('base64');
  }
  yield* PRINTED;
  for (let digits = 1; digits <= digitsMax; digits += 1) {
    for (let number = 0; number < 10 ** digits; number += 1) {
      yield String(number).padStart(digits, '0');
    }
  }
}
