/** One tag, a run of text, or the document type, as a browser would see it. */
export type Token =
  | { readonly kind: 'open'; readonly name: string; readonly attributes: Map<string, string> }
  | { readonly kind: 'close'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string };

export type OpenTag = Extract<Token, { kind: 'open' }>;

const openTag = /<([a-z][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*\/?>/iy;
const closeTag = /<\/([a-z][a-z0-9]*)>/iy;
const text = /[^<]+/y;

/** Strict on purpose: whatever is not a plain tag, a closing tag or text is an error. */
export function tokenize(html: string): Token[] {
  const start = '<!doctype html>';
  if (!html.startsWith(start)) throw new Error('The document has no type.');
  const tokens: Token[] = [];
  for (let at = start.length; at < html.length;) {
    const opened = match(openTag, html, at);
    const closed = match(closeTag, html, at);
    const found = opened ?? closed ?? match(text, html, at);
    if (found === null) throw new Error(`Not HTML at ${at}: ${html.slice(at, at + 60)}`);
    if (opened) tokens.push({ kind: 'open', name: part(opened, 1), attributes: read(opened) });
    else if (closed) tokens.push({ kind: 'close', name: part(closed, 1) });
    else tokens.push({ kind: 'text', text: unescape(part(found, 0)) });
    at += part(found, 0).length;
  }
  return tokens;
}

/** Names of tags and attributes in order, without any value: what a value must not change. */
export function shape(html: string): string[] {
  return tokenize(html).flatMap((token) => {
    if (token.kind === 'text') return [];
    if (token.kind === 'close') return [`/${token.name}`];
    return [[token.name, ...token.attributes.keys()].join(' ')];
  });
}

export function openTags(html: string, name?: string): OpenTag[] {
  return tokenize(html).filter(
    (token): token is OpenTag =>
      token.kind === 'open' && (name === undefined || token.name === name),
  );
}

/** The text of a document without its head, white space folded, tags taken as white space. */
export function visibleText(html: string): string {
  const tokens = tokenize(html);
  const body = tokens.findIndex((token) => token.kind === 'open' && token.name === 'body');
  const texts = tokens.slice(body).map((token) => (token.kind === 'text' ? token.text : ' '));
  return texts.join('').replaceAll(/\s+/g, ' ').trim();
}

export function byId(html: string, id: string): OpenTag {
  const found = openTags(html).find((tag) => tag.attributes.get('id') === id);
  if (found === undefined) throw new Error(`No element has the id ${id}.`);
  return found;
}

/** The values of the fields with this name, in order. */
export function fieldValues(html: string, name: string): (string | undefined)[] {
  return openTags(html, 'input')
    .filter((tag) => tag.attributes.get('name') === name)
    .map((tag) => tag.attributes.get('value'));
}

function read(opened: RegExpExecArray): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const found of part(opened, 2).matchAll(/([a-z-]+)(?:="([^"]*)")?/gi)) {
    if (attributes.has(part(found, 1))) throw new Error(`Twice in one tag: ${part(found, 1)}`);
    attributes.set(part(found, 1), unescape(found[2] ?? ''));
  }
  return attributes;
}

function match(pattern: RegExp, html: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(html);
}

function part(found: RegExpExecArray, index: number): string {
  return found[index] ?? '';
}

function unescape(escaped: string): string {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', amp: '&' };
  return escaped.replaceAll(/&(lt|gt|quot|amp);/g, (_, name: string) => entities[name] ?? '');
}
