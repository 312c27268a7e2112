import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign as signWith,
} from 'node:crypto';
import { isoCBOR } from '@simplewebauthn/server/helpers';
import { expect } from 'vitest';
import { Visitor } from './client.ts';
import { mailedToken, newPerson, type Person } from './people.ts';

/** What is to be wrong with an answer; nothing unless said. */
export interface Deviation {
  /** Whether its owner has unlocked it. */
  readonly userVerified?: boolean;
  readonly userPresent?: boolean;
  /** The page that asked. */
  readonly origin?: string;
  readonly crossOrigin?: boolean;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly type?: string;
  readonly signCount?: number;
  readonly userHandle?: string;
}

interface Options {
  readonly challenge: string;
  readonly rp?: { readonly id: string };
  readonly rpId?: string;
  readonly user?: { readonly id: string };
}

/** A passkey as software: what an authenticator and its browser answer, byte by byte. */
export class SoftwarePasskey {
  readonly id = randomBytes(24).toString('base64url');
  readonly #origin: string;
  readonly #publicKey: KeyObject;
  readonly #privateKey: KeyObject;
  #userHandle = '';
  signCount = 0;

  constructor(origin: string) {
    this.#origin = origin;
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#publicKey = publicKey;
    this.#privateKey = privateKey;
  }

  /** What `navigator.credentials.create` answers. */
  create(options: Options, deviation: Deviation = {}): object {
    this.#userHandle = options.user?.id ?? '';
    const { x = '', y = '' } = this.#publicKey.export({ format: 'jwk' });
    const key = new Map<number, number | Uint8Array>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, new Uint8Array(Buffer.from(x, 'base64url'))],
      [-3, new Uint8Array(Buffer.from(y, 'base64url'))],
    ]);
    const id = Buffer.from(this.id, 'base64url');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(id.length);
    const attested = Buffer.concat([Buffer.alloc(16), length, id, isoCBOR.encode(key)]);
    const authData = this.#authData(options.rp?.id, deviation, attested);
    const attestation = new Map<string, unknown>([
      ['fmt', 'none'],
      ['attStmt', new Map()],
      ['authData', new Uint8Array(authData)],
    ]);
    return this.#credential({
      clientDataJSON: this.#clientData('webauthn.create', options.challenge, deviation),
      attestationObject: Buffer.from(isoCBOR.encode(attestation as never)).toString('base64url'),
      transports: ['internal'],
    });
  }

  /** What `navigator.credentials.get` answers. */
  get(options: Options, deviation: Deviation = {}): object {
    this.signCount = deviation.signCount ?? this.signCount + 1;
    const authData = this.#authData(options.rpId, deviation);
    const clientDataJSON = this.#clientData('webauthn.get', options.challenge, deviation);
    const hash = createHash('sha256').update(Buffer.from(clientDataJSON, 'base64url')).digest();
    const signature = signWith('sha256', Buffer.concat([authData, hash]), this.#privateKey);
    return this.#credential({
      clientDataJSON,
      authenticatorData: authData.toString('base64url'),
      signature: signature.toString('base64url'),
      userHandle: deviation.userHandle ?? this.#userHandle,
    });
  }

  #credential(response: object): object {
    const { id } = this;
    return { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response };
  }

  #clientData(type: string, challenge: string, deviation: Deviation): string {
    const { origin = this.#origin, crossOrigin = false } = deviation;
    const data = {
      type: deviation.type ?? type,
      challenge: deviation.challenge ?? challenge,
      origin,
      crossOrigin,
    };
    return Buffer.from(JSON.stringify(data)).toString('base64url');
  }

  #authData(rpId: string | undefined, deviation: Deviation, attested?: Buffer): Buffer {
    const { userVerified = true, userPresent = true } = deviation;
    const host = deviation.rpId ?? rpId ?? new URL(this.#origin).hostname;
    const flags = (userPresent ? 0x01 : 0) | (userVerified ? 0x04 : 0) | (attested ? 0x40 : 0);
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(this.signCount);
    return Buffer.concat([
      createHash('sha256').update(host).digest(),
      Buffer.from([flags]),
      counter,
      attested ?? Buffer.alloc(0),
    ]);
  }
}

/** Asks for what the browser is to be given; a visitor gets the cookie that it is bound to. */
export async function optionsFrom(
  browser: Visitor,
  path: string,
  body: object = {},
): Promise<Options> {
  const answer = await browser.send('POST', path, body);
  expect(answer.status, answer.text).toBe(200);
  return (answer.json() as { options: Options }).options;
}

/** Somebody new who signs up with a passkey and no password, in one browser. */
export async function newcomerWithoutPassword(origin: string, person: Person = newPerson()) {
  const browser = new Visitor(origin);
  const { email, displayName } = person;
  const asked = await browser.send('POST', '/api/sign-up', { email, displayName });
  expect(asked.status, asked.text).toBe(202);
  const token = await mailedToken(origin, email);
  const passkey = new SoftwarePasskey(origin);
  const path = '/api/email-confirmations';
  const options = await optionsFrom(browser, `${path}/passkey-options`, { token });
  const body = { token, response: passkey.create(options) };
  const answer = await browser.send('POST', `${path}/with-passkey`, body);
  expect(answer.status, answer.text).toBe(200);
  const { recoveryCodes } = answer.json() as { recoveryCodes: readonly string[] };
  return { person, browser, passkey, recoveryCodes };
}

/** Proves again who is there, with the passkey. */
export async function proveAgain(browser: Visitor, passkey: SoftwarePasskey): Promise<void> {
  const path = '/api/re-authentication/passkey';
  const response = passkey.get(await optionsFrom(browser, `${path}-options`));
  const answer = await browser.send('POST', path, { response });
  expect(answer.status, answer.text).toBe(200);
}

/** A browser in which somebody signs in with the passkey alone. */
export async function signedInWithPasskey(origin: string, passkey: SoftwarePasskey) {
  const browser = new Visitor(origin);
  const response = passkey.get(await optionsFrom(browser, '/api/passkeys/sign-in-options'));
  return { browser, answer: await browser.send('POST', '/api/passkeys/sign-in', { response }) };
}

/** Registers a passkey in the account of whoever is signed in. */
export async function addPasskey(browser: Visitor, name = 'My passkey') {
  const passkey = new SoftwarePasskey(browser.origin);
  const options = await optionsFrom(browser, '/api/account/passkeys/options');
  const body = { name, response: passkey.create(options) };
  const answer = await browser.send('POST', '/api/account/passkeys', body);
  expect(answer.status, answer.text).toBe(201);
  const { id, recoveryCodes } = answer.json() as {
    id: string;
    recoveryCodes: readonly string[] | null;
  };
  return { passkey, id, recoveryCodes: recoveryCodes ?? [] };
}
