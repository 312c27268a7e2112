import { decrypt, encrypt, type EncryptionKey } from './encryption.ts';

/** An answer as it was sent, for whoever asks the same again with the same Idempotency-Key. */
export interface KeptAnswer {
  readonly status: number;
  /** Names and values of those headers that describe the answer; never a cookie. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | null;
}

/** Where an answer was kept: it opens there and nowhere else. */
export interface AnswerPlace {
  readonly identityId: string;
  readonly tenantId: string | null;
  readonly keyDigest: string;
}

/** Larger bodies are not kept. */
const BODY_BYTES_MAX = 65_536;
/** The table's limit, beyond which only absurd headers reach. */
const SEALED_LENGTH_MAX = 131_072;

/** What is stored of an answer: null of one that cannot be kept, which tells that it was given. */
export function sealAnswer(
  key: EncryptionKey,
  place: AnswerPlace,
  answer: KeptAnswer | null,
): string {
  const seal = (value: unknown) => encrypt(key, contextOf(place), JSON.stringify(value));
  if (answer === null || Buffer.byteLength(answer.body ?? '') > BODY_BYTES_MAX) return seal(null);
  const { status, headers, body } = answer;
  const text = typeof body === 'string';
  const base64 = body === null ? null : Buffer.from(body as string).toString('base64');
  const sealed = seal({ status, headers, text, base64 });
  return sealed.length > SEALED_LENGTH_MAX ? seal(null) : sealed;
}

/** @throws Error when it was not sealed with this key for this place. */
export function openAnswer(
  key: EncryptionKey,
  place: AnswerPlace,
  sealed: string,
  previous: readonly EncryptionKey[] = [],
): KeptAnswer | null {
  const opened = JSON.parse(decrypt(key, contextOf(place), sealed, previous)) as Sealed | null;
  if (opened === null) return null;
  const { status, headers, text, base64 } = opened;
  const bytes = base64 === null ? null : Buffer.from(base64, 'base64');
  return { status, headers, body: text && bytes ? bytes.toString('utf8') : bytes };
}

interface Sealed extends Pick<KeptAnswer, 'status' | 'headers'> {
  readonly text: boolean;
  readonly base64: string | null;
}

function contextOf({ identityId, tenantId, keyDigest }: AnswerPlace): string {
  return `answer ${identityId} ${tenantId ?? 'none'} ${keyDigest}`;
}
