/** A form of a page, as much of it as sending it takes. */
export interface Form {
  readonly action: string;
  readonly method: string;
  readonly enctype: string;
  readonly fields: readonly FormField[];
}

export interface FormField {
  readonly name: string;
  /** The input's type; `textarea` and `select` are types here. */
  readonly type: string;
  readonly value: string;
  readonly required: boolean;
  /** The values of a select or of radio buttons. */
  readonly choices: readonly string[];
}

/** Every value of an attribute of a tag: enough of HTML for addresses, on hostile pages too. */
export function attributesOf(html: string, tag: string, attribute: string): readonly string[] {
  return tagsOf(html, tag).flatMap((attributes) => attributes[attribute] ?? []);
}

export function formsOf(html: string): readonly Form[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)(?:<\/form>|$)/gi)].map(
    ([, head = '', inner = '']) => {
      const attributes = readAttributes(head);
      return {
        action: attributes['action'] ?? '',
        method: (attributes['method'] ?? 'get').toUpperCase(),
        enctype: attributes['enctype'] ?? 'application/x-www-form-urlencoded',
        fields: fieldsIn(inner),
      };
    },
  );
}

/** The content of `<meta name="...">`, by name. */
export function metaOf(html: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    tagsOf(html, 'meta').map(({ name = '', content = '' }) => [name.toLowerCase(), content]),
  );
}

function fieldsIn(html: string): readonly FormField[] {
  const fields = new Map<string, FormField>();
  for (const attributes of tagsOf(html, 'input')) {
    const { name, type = 'text', value = '' } = attributes;
    if (name === undefined || type === 'submit' || type === 'reset' || type === 'image') continue;
    const required = 'required' in attributes;
    const choices = type === 'radio' ? [...(fields.get(name)?.choices ?? []), value] : [];
    fields.set(name, { name, type, value: choices[0] ?? value, required, choices });
  }
  for (const { name } of tagsOf(html, 'textarea')) {
    if (name !== undefined) {
      fields.set(name, { name, type: 'textarea', value: '', required: false, choices: [] });
    }
  }
  for (const [, head = '', inner = ''] of html.matchAll(
    /<select\b([^>]*)>([\s\S]*?)<\/select>/gi,
  )) {
    const { name } = readAttributes(head);
    const choices = attributesOf(inner, 'option', 'value').filter((value) => value !== '');
    if (name === undefined) continue;
    fields.set(name, { name, type: 'select', value: choices[0] ?? '', required: false, choices });
  }
  return [...fields.values()];
}

function tagsOf(html: string, tag: string): readonly Partial<Record<string, string>>[] {
  const pattern = new RegExp(`<${tag}\\b([^>]*)>`, 'gi');
  return [...html.matchAll(pattern)].map(([, head = '']) => readAttributes(head));
}

function readAttributes(head: string): Partial<Record<string, string>> {
  const pattern = /([\w:-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g;
  return Object.fromEntries(
    [...head.matchAll(pattern)].map(([, name = '', double, single, bare]) => [
      name.toLowerCase(),
      unescaped(double ?? single ?? bare ?? ''),
    ]),
  );
}

function unescaped(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll(/&#(?:39|x27);/gi, "'")
    .replaceAll('&amp;', '&');
}
