import { type Field, bodyFieldsOf, fieldsOf } from './fields.ts';
import { needsInput } from './dangers.ts';
import type { Chosen, Purpose } from './knowledge.ts';
import type { Operation } from './operation.ts';
import { isConfirmation, isNameField, isPasswordField, snake, wordsOf } from './words.ts';

/** An operation seen from outside: the words of its path and name, and what it takes. */
interface Sight {
  readonly operation: Operation;
  /** Words of the path, in order, joined by spaces; `sign in` is `signin`. */
  readonly path: string;
  readonly words: string;
  readonly fields: readonly Field[];
  readonly passwords: readonly Field[];
  readonly names: readonly Field[];
}

type Signal = readonly [points: number, says: string, holds: (sight: Sight) => boolean];

const SIGN_IN =
  /\b(log ?ins?|sign ?ins?|tokens?|sessions?|authenticate|authentications?|jwt|auth)\b/;
const REGISTER = /\b(register|registrations?|sign ?ups?|create (user|account)|join|enroll|enrol)\b/;
const RECOVER = /\b(forgot|forgotten|recover|recovery|reset|lost)\b/;
const CHANGE = /\b(change|update|set|edit|modify)\b/;

/** What speaks for and against each purpose. One below `LEAST` is no candidate. */
const SIGNALS: Readonly<Record<Purpose, readonly Signal[]>> = {
  'sign-in': [
    [100, 'tokenUrl of the document', ({ operation }) => isTokenUrl(operation)],
    [30, 'words of its path or name', ({ words }) => SIGN_IN.test(words)],
    [
      10,
      'last word of its path',
      ({ path }) => /(log ?in|sign ?in|token|authenticate)$/.test(path),
    ],
    [
      30,
      'takes a name and a password',
      ({ names, passwords }) => names.length > 0 && passwords.length === 1,
    ],
    [15, 'takes a password', ({ passwords }) => passwords.length > 0],
    [5, 'needs no credential', ({ operation }) => operation.security !== 'required'],
    [
      -200,
      '',
      ({ operation }) =>
        operation.method === 'DELETE' || operation.method === 'PUT' || operation.method === 'PATCH',
    ],
    [-20, '', ({ operation }) => operation.method === 'GET'],
    [-60, '', ({ words }) => REGISTER.test(words) || RECOVER.test(words)],
    [
      -60,
      '',
      ({ words }) => /\b(refresh|log ?out|sign ?out|revoke|verify|introspect|change)\b/.test(words),
    ],
    [
      -30,
      '',
      ({ words }) =>
        /\b(otp|2fa|mfa|totp|callback|google|github|facebook|oauth2? ?authorize|magic|webauthn|passkey|recovery code)\b/.test(
          words,
        ),
    ],
    [-40, '', ({ passwords }) => passwords.length > 1],
    [-10, '', ({ fields, passwords }) => passwords.length > 0 && fields.length > 7],
  ],
  'who-am-i': [
    [
      40,
      'last word of its path',
      ({ path }) =>
        /\b(me|whoami|who am i|self|current|current user|userinfo|user info)$/.test(path),
    ],
    [
      25,
      'words of its path or name',
      ({ words }) =>
        /\b(me|whoami|profile|current user|userinfo|current|self|account|session)\b/.test(words),
    ],
    [10, 'names a user', ({ words }) => /\b(user|account|profile)\b/.test(words)],
    [10, 'asks for a credential', ({ operation }) => operation.security === 'required'],
    [-200, '', ({ operation }) => operation.method !== 'GET'],
    [-200, '', ({ operation }) => needsInput(operation)],
    [-30, '', ({ words }) => /\b(log ?out|sign ?out|delete|export|reset)\b/.test(words)],
  ],
  'sign-out': [
    [
      60,
      'words of its path or name',
      ({ words }) => /\b(log ?out|sign ?out|end session)\b/.test(words),
    ],
    [
      40,
      'ends the session',
      ({ operation, path }) =>
        operation.method === 'DELETE' &&
        /\b(session|log ?in|sign ?in|sessions current|sessions)$/.test(path) &&
        !operation.path.includes('{'),
    ],
    [
      25,
      'revokes a token',
      ({ path, operation }) => /\brevoke$/.test(path) && !operation.path.includes('{'),
    ],
    [5, 'POST', ({ operation }) => operation.method === 'POST'],
    [-30, '', ({ words }) => /\b(all|everywhere|others)\b/.test(words)],
    [-30, '', ({ operation }) => operation.path.includes('{')],
  ],
  registration: [
    [50, 'words of its path or name', ({ words }) => REGISTER.test(words)],
    [
      25,
      'POST on users',
      ({ operation, path }) =>
        operation.method === 'POST' &&
        /\b(users?|accounts?|register|signup|sign up|customers?|members?)$/.test(path),
    ],
    [
      20,
      'takes a name and a password',
      ({ names, passwords }) => names.length > 0 && passwords.length > 0,
    ],
    [10, 'needs no credential', ({ operation }) => operation.security !== 'required'],
    [-200, '', ({ operation }) => operation.method !== 'POST' && operation.method !== 'PUT'],
    [
      -80,
      '',
      ({ operation, passwords }) =>
        operation.bodies.length > 0 && bodyFieldsOf(operation).length > 0 && passwords.length === 0,
    ],
    [
      -60,
      '',
      ({ words }) =>
        RECOVER.test(words) ||
        /\b(log ?in|sign ?in|token|confirm|verify|resend|device|webhook)\b/.test(words),
    ],
    [-40, '', ({ operation }) => operation.path.includes('{')],
    [-25, '', ({ operation }) => operation.security === 'required'],
  ],
  'password-change': [
    [
      40,
      'words of its path or name',
      ({ words }) => /\bpassword\b/.test(words) && (CHANGE.test(words) || !RECOVER.test(words)),
    ],
    [
      40,
      'takes the old and a new password',
      ({ passwords }) => passwords.some(isOld) && passwords.some((one) => !isOld(one)),
    ],
    [15, 'takes a password', ({ passwords }) => passwords.length > 0],
    [10, 'asks for a credential', ({ operation }) => operation.security === 'required'],
    [-200, '', ({ operation }) => operation.method === 'GET' || operation.method === 'DELETE'],
    [
      -60,
      '',
      ({ words, fields }) =>
        RECOVER.test(words) ||
        fields.some(({ name }) => /^(token|code|otp|reset_token)$/.test(snake(name))),
    ],
    [
      -60,
      '',
      ({ words, passwords }) =>
        (REGISTER.test(words) || SIGN_IN.test(words)) && !passwords.some(isOld),
    ],
  ],
  'recovery-start': [
    [50, 'words of its path or name', ({ words }) => RECOVER.test(words)],
    [
      20,
      'takes only an address or a name',
      ({ fields, names }) => names.length > 0 && fields.length <= 2,
    ],
    [-200, '', ({ operation }) => operation.method === 'DELETE'],
    [-40, '', ({ operation }) => operation.method === 'GET' && !operation.path.includes('{')],
    [
      -60,
      '',
      ({ passwords, words }) =>
        passwords.length > 0 ||
        /\b(confirm|verify|finish|complete|db|database|demo|data|all)\b/.test(words),
    ],
    [-20, '', ({ operation }) => operation.security === 'required'],
  ],
  'recovery-finish': [
    [40, 'words of its path or name', ({ words }) => RECOVER.test(words)],
    [
      40,
      'takes a token and a new password',
      ({ fields, passwords, operation }) =>
        passwords.length > 0 && (fields.some(isCode) || operation.path.includes('{')),
    ],
    [-200, '', ({ operation }) => operation.method === 'GET' || operation.method === 'DELETE'],
    [-80, '', ({ passwords }) => passwords.length === 0],
  ],
  refresh: [
    [60, 'words of its path or name', ({ words }) => /\b(refresh|renew)\b/.test(words)],
    [
      20,
      'takes a refresh token',
      ({ fields }) => fields.some(({ name }) => snake(name).includes('refresh')),
    ],
    [-200, '', ({ operation }) => operation.method === 'DELETE'],
  ],
};

const LEAST = 40;

/** The candidates of a run: only the one that a person has named, where one has. */
export function choicesFor(
  run: {
    readonly operations: readonly Operation[];
    readonly pinned: Readonly<Partial<Record<Purpose, string>>>;
  },
  purpose: Purpose,
): readonly Chosen[] {
  const pinned = run.operations.find(({ id }) => id === run.pinned[purpose]);
  if (pinned === undefined) return candidatesFor(purpose, run.operations);
  return [{ operation: pinned, purpose, score: 1000, signals: ['configured'], confirmed: false }];
}

/** Candidates for a purpose, the best first. Nothing has been sent yet. */
function candidatesFor(purpose: Purpose, operations: readonly Operation[]): readonly Chosen[] {
  return operations
    .filter(({ method }) => method !== 'HEAD' && method !== 'OPTIONS')
    .map((operation) => rate(purpose, sightOf(operation)))
    .filter(({ score }) => score >= (purpose === 'who-am-i' ? 20 : LEAST))
    .toSorted((one, other) => other.score - one.score);
}

function rate(purpose: Purpose, sight: Sight): Chosen {
  const held = SIGNALS[purpose].filter(([, , holds]) => holds(sight));
  return {
    operation: sight.operation,
    purpose,
    score: held.reduce((sum, [points]) => sum + points, 0),
    signals: held.filter(([points]) => points > 0).map(([, says]) => says),
    confirmed: false,
  };
}

function sightOf(operation: Operation): Sight {
  const path = operation.path
    .split('/')
    .filter((part) => !part.includes('{'))
    .flatMap(wordsOf)
    .join(' ');
  const words = [
    path,
    wordsOf(operation.name).join(' '),
    wordsOf(operation.summary).join(' '),
  ].join(' ');
  const inQuery = operation.parameters
    .filter(({ in: place }) => place === 'query')
    .flatMap(({ name, schema, required }) => [{ name, path: [name], schema, required }]);
  const fields = [...(operation.bodies[0] ? fieldsOf(operation.bodies[0].schema) : []), ...inQuery];
  return {
    operation,
    path,
    words,
    fields,
    passwords: fields.filter(({ name }) => isPasswordField(name) && !isConfirmation(name)),
    names: fields.filter(({ name }) => isNameField(name)),
  };
}

function isTokenUrl({ path, method, schemes }: Operation): boolean {
  return (
    method === 'POST' &&
    schemes.some(({ tokenUrl }) => tokenUrl !== null && samePath(path, tokenUrl))
  );
}

function samePath(path: string, url: string): boolean {
  const last =
    url
      .split(/[?#]/)[0]
      ?.replace(/^https?:\/\/[^/]+/, '')
      .replace(/^[./]+/, '')
      .replace(/\/$/, '') ?? '';
  return (
    last !== '' &&
    (path.replace(/\/$/, '') === `/${last}` || path.replace(/\/$/, '').endsWith(`/${last}`))
  );
}

function isOld({ name }: Field): boolean {
  return /(old|current|existing|previous)/.test(snake(name));
}

function isCode({ name }: Field): boolean {
  return /(^|_)(token|code|otp|pin|key)$/.test(snake(name));
}
