import { type Json, parseJson } from './json.ts';

/** One request as it goes out. There is no host in it: a probe has one target. */
export interface ProbeRequest {
  readonly method: string;
  /** From the root of the target's origin, with the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** As it is sent; null for none. */
  readonly body: string | null;
}

export interface Answer {
  readonly status: number;
  /** Names in lower case; a header that came several times has all its values, joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** Each Set-Cookie line as it came. */
  readonly setCookies: readonly string[];
  /** The body, cut off at `BODY_BYTES_MAX`. */
  readonly text: string;
  /** The body as JSON, undefined where it is none. */
  readonly json: Json | undefined;
  readonly milliseconds: number;
}

/** A request and what came of it. Nothing was answered where `answer` is null. */
export interface Exchange {
  /** Counts from 1, and is the number in the log. */
  readonly number: number;
  /** Who it was sent as: `a`, `anonymous`, `a, token altered`. For people. */
  readonly as: string;
  readonly request: ProbeRequest;
  readonly answer: Answer | null;
  /** Why there is no answer: `timeout`, `refused`, `reset`. */
  readonly failure: string | null;
}

/** What is read of an answer. */
export const BODY_BYTES_MAX = 2 * 1024 * 1024;

/** Words of an answer that says no although its status says yes. */
const REFUSAL =
  /\b(unauthori[sz]ed|not authori[sz]ed|unauthenticated|not authenticated|forbidden|access denied|permission denied|not allowed|not permitted|invalid (token|credentials|session|password)|(login|log in|sign in|authentication) (is )?required|please (log|sign) ?in|not (an )?admin|not logged in|not signed in)\b/i;

export function answerOf(
  status: number,
  headers: Readonly<Record<string, string>>,
  setCookies: readonly string[],
  text: string,
  milliseconds: number,
): Answer {
  const looksLikeJson = /^\s*[[{"\dtfn-]/.test(text);
  const json = looksLikeJson ? parseJson(text) : undefined;
  return { status, headers, setCookies, text, json, milliseconds };
}

/**
 * Whether the target did what it was asked, as far as its answer says: a 2xx that does not call
 * itself a refusal in its body. Some APIs answer 200 with an error, so a status alone is not
 * enough; that something happened is proved by its effect.
 */
export function isGranted({ answer, request }: Exchange): boolean {
  if (answer !== null && isDoneAndMoved(answer, request)) return true;
  if (answer === null || answer.status < 200 || answer.status > 299) return false;
  return !saysRefusal(answer);
}

/**
 * Whether the target said no: 400, 401, 403, 404, 405, 409, 422, a redirect (to its sign-in page),
 * or a 2xx whose body says so.
 */
export function isRefused({ answer, request }: Exchange): boolean {
  if (answer === null || isBroken({ answer }) || isDoneAndMoved(answer, request)) return false;
  if (answer.status >= 300 && answer.status <= 499) return answer.status !== 429;
  return saysRefusal(answer);
}

/** A form that was taken is answered with the way to another page than the one to sign in. */
function isDoneAndMoved({ status, headers }: Answer, { method }: ProbeRequest): boolean {
  if (method === 'GET' || (status !== 302 && status !== 303)) return false;
  return !/log-?_?in|sign-?_?in|auth|error|denied/i.test(headers['location'] ?? 'error');
}

/** Whether nothing can be concluded: no answer, 5xx, 408, 425 or 429. */
export function isBroken({ answer }: Pick<Exchange, 'answer'>): boolean {
  return answer === null || answer.status >= 500 || [408, 425, 429].includes(answer.status);
}

/** `403 Forbidden {"detail": ...}` in one short line. */
export function describe(exchange: Exchange): string {
  const { answer, failure } = exchange;
  if (answer === null) return `no answer (${failure ?? 'unknown'})`;
  const text = answer.text.replaceAll(/\s+/g, ' ').trim();
  return `${answer.status} ${text.length > 120 ? `${text.slice(0, 120)}...` : text}`.trim();
}

/** Only short bodies are an error's; in a long one these words are somebody's text. */
function saysRefusal({ text, json, headers }: Answer): boolean {
  if (text.length > 600) return false;
  const isPage = (headers['content-type'] ?? '').includes('html');
  if (json === undefined && !isPage && text.length > 200) return false;
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    const { error, success, ok, status } = json as Record<string, unknown>;
    if (success === false || ok === false) return true;
    if (error !== undefined && error !== null && error !== false && error !== '') return true;
    if (status === 'error' || status === 'fail' || status === 'failed') return true;
    // One or two short fields are a message; a record of somebody has more.
    if (Object.keys(json).length > 3) return false;
  }
  if (Array.isArray(json)) return false;
  return REFUSAL.test(text);
}
