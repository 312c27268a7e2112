import type { Exchange, ProbeRequest } from '../exchange.ts';

/** What undici or curl put in themselves. */
const OWN = new Set(['accept', 'content-length']);

/** One command that sends the request again; secrets are shell variables (`$A_TOKEN`). */
export function curlOf(
  request: ProbeRequest,
  origin: string,
  mask: (text: string) => string,
): string {
  const parts = ['curl', '--include'];
  if (request.method !== 'GET') parts.push('--request', request.method);
  for (const [name, value] of Object.entries(request.headers)) {
    if (!OWN.has(name)) parts.push('--header', quoted(mask(`${name}: ${value}`)));
  }
  // --data-binary makes up a Content-Type; one that was left out must stay out.
  if (request.body !== null) {
    if (request.headers['content-type'] === undefined) parts.push('--header', "'content-type:'");
    parts.push('--data-binary', quoted(mask(request.body)));
  }
  parts.push(quoted(mask(`${origin}${request.path}`)));
  return parts.join(' ');
}

/** Double quotes where a variable stands in it, single ones elsewhere: nothing else is expanded. */
function quoted(text: string): string {
  if (!/\$[A-Z][A-Z0-9_]*/.test(text)) return `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const escaped = text
    .replaceAll(/["\\`]/g, String.raw`\$&`)
    .replaceAll(/\$(?![A-Z][A-Z0-9_]*)/g, String.raw`\$`);
  return `"${escaped}"`;
}

/** The first part of an answer, secrets masked: enough to see what it shows. */
export function excerptOf({ answer, failure }: Exchange, mask: (text: string) => string): string {
  if (answer === null) return `no answer: ${failure ?? 'unknown'}`;
  const text = mask(answer.text).replaceAll(/\s+/g, ' ').trim();
  const shown = text.length > 400 ? `${text.slice(0, 400)}...` : text;
  return `${answer.status}${shown === '' ? '' : ` ${shown}`}`;
}
