/**
 * A segment of a path template: a text, a parameter and what it takes, or, as the last, all that
 * may follow.
 */
type Segment =
  | { readonly text: string }
  | { readonly parameter: string; readonly type: ParameterType }
  | { readonly wildcard: true };

export type ParameterType = keyof typeof TYPES;

/** What the parameter of a type may be; of `text`, what a path may hold between slashes. */
const TYPES = {
  text: /^.+$/s,
  int: /^-?\d{1,18}$/,
  uuid: /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i,
} as const;

/** The path of a route, such as `/invoices/{id:uuid}/lines` or `/files/*`. */
export interface Template {
  readonly text: string;
  readonly segments: readonly Segment[];
}

const TEXT = /^(?:[\w.~!$&'()+,=:@-]|%[\dA-F]{2})*$/;
const PARAMETER = /^\{([A-Za-z_]\w*)(?::(text|int|uuid))?\}$/;

/** A template, or why the text is none. */
export function parseTemplate(
  text: string,
): { readonly template: Template } | { readonly problem: string } {
  if (!text.startsWith('/')) return { problem: 'a path begins with /' };
  const parts = text.slice(1).split('/');
  const segments: Segment[] = [];
  for (const [index, part] of parts.entries()) {
    const [, parameter, type = 'text'] = PARAMETER.exec(part) ?? [];
    const isLast = index === parts.length - 1;
    if (parameter !== undefined) segments.push({ parameter, type: type as ParameterType });
    else if (part === '*' && isLast) segments.push({ wildcard: true });
    else if (part.includes('*')) return { problem: 'a * stands alone, as the last segment' };
    else if (part === '.' || part === '..') return { problem: 'a path has no dot segments' };
    else if (part === '' && !isLast) return { problem: 'a path has no empty segments' };
    else if (TEXT.test(part) && isRoutable(part)) segments.push({ text: part });
    else {
      return {
        problem: `a segment is a text or one parameter, such as {id} or {id:uuid}, and not ${part}`,
      };
    }
  }
  const names = segments.flatMap((each) => ('parameter' in each ? [each.parameter] : []));
  if (new Set(names).size < names.length) return { problem: 'a parameter stands there twice' };
  return { template: { text, segments } };
}

/**
 * A template that takes whatever the path might stand for, also where it is none: a segment such as
 * `{name}.txt` is taken for any.
 */
export function widestTemplate(path: string): Template {
  const parsed = parseTemplate(path);
  if ('template' in parsed) return parsed.template;
  const parts = path.replace(/^\//, '').split('/');
  const segments = parts.map((part): Segment =>
    TEXT.test(part) ? { text: part } : { parameter: part, type: 'text' },
  );
  return { text: path, segments };
}

/** The router decodes a text, and takes `*` and `?` in it for something else. */
function isRoutable(text: string): boolean {
  try {
    return !/[*?]/.test(decodeURIComponent(text));
  } catch {
    return false;
  }
}

/** Whether there is a path that both take. Two parameters in one place are taken to overlap. */
export function overlap(a: Template, b: Template): boolean {
  const length = Math.max(a.segments.length, b.segments.length);
  for (let index = 0; index < length; index += 1) {
    const [one, other] = [a.segments[index], b.segments[index]];
    if (!one || !other) return false;
    if ('wildcard' in one || 'wildcard' in other) return true;
    if (!share(one, other)) return false;
  }
  return true;
}

type Single = Exclude<Segment, { wildcard: true }>;

function share(one: Single, other: Single): boolean {
  if ('text' in one) return 'text' in other ? one.text === other.text : takes(other, one.text);
  return 'text' in other ? takes(one, other.text) : true;
}

/** Whether the parameters of a request that was routed here are what the template says. */
export function matches(
  { segments }: Template,
  parameters: Readonly<Record<string, string>>,
): boolean {
  return segments.every(
    (segment) => !('parameter' in segment) || takes(segment, parameters[segment.parameter] ?? ''),
  );
}

function takes(segment: Extract<Segment, { parameter: string }>, text: string): boolean {
  return TYPES[segment.type].test(text);
}

/** As the router writes it: `/invoices/:id/lines`. A colon of a text is doubled there. */
export function routerPath({ segments }: Template): string {
  const parts = segments.map((segment) => {
    if ('wildcard' in segment) return '*';
    if ('parameter' in segment) return `:${segment.parameter}`;
    return decodeURIComponent(segment.text).replaceAll(':', '::');
  });
  return `/${parts.join('/')}`;
}
