/** A segment of a path template: a text, or a parameter and what it takes. */
type Segment =
  | { readonly text: string }
  | { readonly parameter: string; readonly type: ParameterType };

export type ParameterType = keyof typeof TYPES;

/** What the parameter of a type may be; of `text`, what a path may hold between slashes. */
const TYPES = {
  text: /^.+$/s,
  int: /^-?\d{1,18}$/,
  uuid: /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i,
} as const;

/** The path of a route, such as `/invoices/{id:uuid}/lines`. */
export interface Template {
  readonly text: string;
  readonly segments: readonly Segment[];
}

const TEXT = /^(?:[\w.~!$&'()*+,=:@-]|%[\dA-F]{2})*$/;
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
    if (parameter !== undefined) segments.push({ parameter, type: type as ParameterType });
    else if (part === '.' || part === '..') return { problem: 'a path has no dot segments' };
    else if (part === '' && index < parts.length - 1) {
      return { problem: 'a path has no empty segments' };
    } else if (TEXT.test(part)) segments.push({ text: part });
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

/** Whether there is a path that both take. Two parameters in one place are taken to overlap. */
export function overlap(a: Template, b: Template): boolean {
  if (a.segments.length !== b.segments.length) return false;
  return a.segments.every((segment, index) => {
    const other = b.segments[index];
    if (!other) return false;
    if ('text' in segment)
      return 'text' in other ? segment.text === other.text : takes(other, segment.text);
    return 'text' in other ? takes(segment, other.text) : true;
  });
}

/** Whether the parameters of a request that was routed here are what the template says. */
export function matches(
  { segments }: Template,
  parameters: Readonly<Record<string, string>>,
): boolean {
  return segments.every(
    (segment) => 'text' in segment || takes(segment, parameters[segment.parameter] ?? ''),
  );
}

function takes(segment: Exclude<Segment, { text: string }>, text: string): boolean {
  return TYPES[segment.type].test(text);
}

/** As the router writes it: `/invoices/:id/lines`. A colon of a text is doubled there. */
export function routerPath({ segments }: Template): string {
  const parts = segments.map((segment) =>
    'text' in segment
      ? decodeURIComponent(segment.text).replaceAll(':', '::')
      : `:${segment.parameter}`,
  );
  return `/${parts.join('/')}`;
}
