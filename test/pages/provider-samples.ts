import { authenticatorsPage } from '../../src/pages/authenticators.tsx';
import { keyMadePage, keysPage, revokeKeyPage } from '../../src/pages/keys.tsx';
import { backPage, leavingPage, unlinkPage } from '../../src/pages/providers.tsx';
import { reauthenticationPage } from '../../src/pages/reauthentication.tsx';
import { signInPage } from '../../src/pages/sign-in.tsx';
import { signUpPage } from '../../src/pages/sign-up.tsx';
import type { Texts } from '../../src/pages/texts.ts';
import type { Values } from './samples.ts';

const ID = '5b0e6f3a-52f5-4c5e-9c6e-0d7a3f1b2c4d';
const createdAt = new Date('2026-03-01T09:05:00Z');
const lastUsedAt = new Date('2026-03-02T09:05:00Z');

/** Every page on which providers are offered, in every state, made from the same values. */
export function providerPages(values: Values, texts: Texts): Record<string, string> {
  const { csrfToken, displayName: name, email, returnTo, text } = values;
  const passkeyOptions = { challenge: text };
  const link = {
    id: 'link-id',
    issuer: text,
    name,
    address: email,
    createdAt,
    lastUsedAt,
  };
  const providers = [
    { id: text, name },
    { id: 'other', name: text },
  ];
  const back = { csrfToken, answer: { state: text, code: text, iss: undefined } };
  return {
    'sign in, with providers': signInPage(texts, {
      csrfToken,
      passkeyOptions,
      failed: false,
      providers,
      returnTo,
    }),
    'sign up, with providers': signUpPage(texts, { csrfToken, errors: [], providers }),
    're-authenticate, with providers': reauthenticationPage(texts, {
      ...values,
      failed: false,
      hasPassword: false,
      secondFactor: false,
      passkeyOptions: null,
      providers,
    }),
    'authenticators, with providers': authenticatorsPage(texts, {
      ...values,
      totp: null,
      passkeys: [],
      recoveryCodesLeft: 0,
      linked: [link, { ...link, name: null, lastUsedAt: null }],
      offered: providers,
      notice: 'provider-linked',
    }),
    'on to a provider': leavingPage(texts, { name, url: 'http://127.0.0.1:4000/authorize' }),
    'back from a provider': backPage(texts, {
      ...back,
      path: '/sign-in/providers/acme/callback',
      asksCode: false,
      signedIn: false,
    }),
    'back from a provider, with a code': backPage(texts, {
      ...back,
      path: '/account/authenticators/providers/acme/link',
      asksCode: true,
      signedIn: true,
    }),
    unlink: unlinkPage(texts, { csrfToken, link }),
  };
}

/** Every page of a tenant's API keys. */
export function keyPages(values: Values, texts: Texts): Record<string, string> {
  const { csrfToken, displayName: title, text } = values;
  const key = {
    id: ID,
    title,
    hint: 'abcd',
    permissions: [text],
    maker: title,
    createdAt,
    expiresAt: lastUsedAt,
    lastUsedAt: null,
  };
  const page = {
    csrfToken,
    keys: [key, { ...key, permissions: [], lastUsedAt }],
    mayWrite: true,
    permissions: [{ name: text, text: title }],
    days: [7, 90],
    made: { title: '', permissions: [], days: 90 },
    errors: [],
  };
  return {
    keys: keysPage(texts, { ...page, notice: 'key-revoked' }),
    'keys, none, of a viewer': keysPage(texts, { ...page, keys: [], mayWrite: false }),
    'keys, wrong': keysPage(texts, {
      ...page,
      made: { title: text, permissions: [text], days: 7 },
      errors: [{ field: 'title', reason: 'required' }],
    }),
    'key made': keyMadePage(texts, { csrfToken, text }),
    'revoke key': revokeKeyPage(texts, { csrfToken, key }),
  };
}
