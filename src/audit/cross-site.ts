import type { Call, Changes } from './call.ts';
import { isObject, leavesOf } from './json.ts';
import type { SetCookie } from './set-cookie.ts';
import type { Severity } from './verdict.ts';

/** A request that a page of another site can make a browser send without asking the target. */
export interface Variant {
  readonly name: 'form' | 'multipart' | 'text' | 'untyped' | 'query' | 'override';
  /** What would send it. */
  readonly says: string;
  /** The call in this form, from whichever origin. */
  readonly call: (call: Call) => Call;
  readonly changes: (call: Call) => Changes;
}

/**
 * Each needs no preflight: the three types of a form, a body without a type, as a script sends
 * with a Blob, and a link. Fetch standard, "CORS-safelisted request-header".
 */
const VARIANTS: readonly Variant[] = [
  {
    name: 'form',
    says: 'a form',
    call: (call) => ({ ...call, contentType: 'application/x-www-form-urlencoded' }),
    changes: () => ({}),
  },
  {
    name: 'text',
    says: 'a form with the type text/plain',
    call: (call) => call,
    // What Chromium makes of a field whose name is the document up to its last value.
    changes: (call) => ({
      headers: { 'content-type': 'text/plain' },
      body: `${JSON.stringify(call.body).replace(/\}$/, '')},"sallyport":"="}\r\n`,
    }),
  },
  {
    name: 'multipart',
    says: 'a form with the type multipart/form-data',
    call: (call) => ({ ...call, contentType: 'multipart/form-data' }),
    changes: () => ({}),
  },
  {
    name: 'untyped',
    says: 'a script, with a body that has no type',
    call: (call) => call,
    changes: (call) => ({ headers: { 'content-type': null }, body: JSON.stringify(call.body) }),
  },
  {
    name: 'query',
    says: 'a link',
    call: (call) => ({ ...call, body: undefined, contentType: null }),
    changes: (call) => ({
      method: 'GET',
      query: Object.fromEntries(
        leavesOf(call.body).map(({ path, value }) => [path.join('.'), String(value)]),
      ),
    }),
  },
  {
    name: 'override',
    says: 'a form that names the method in a field',
    call: (call) => ({
      ...call,
      body: isObject(call.body) ? { ...call.body, _method: call.operation.method } : call.body,
      contentType: 'application/x-www-form-urlencoded',
    }),
    changes: () => ({ method: 'POST' }),
  },
];

/**
 * The variants that can stand for a method. Without a preflight there is POST and GET alone, so
 * another method needs a framework that takes it from a field of a form.
 */
export function variantsFor(method: string): readonly Variant[] {
  if (method === 'POST') return VARIANTS.filter(({ name }) => name !== 'override');
  return VARIANTS.filter(({ name }) => name === 'query' || name === 'override');
}

/** Where a request says that it comes from. */
export interface Provenance {
  readonly says: string;
  readonly headers: Readonly<Record<string, string | null>>;
  /** How far one has to get to send it so: any site, or only a sibling host of the target. */
  readonly reach: 'any site' | 'sibling hosts';
}

/**
 * Origins that are not the target's. A request that says nothing of its origin is none of them:
 * browsers of today say it with every unsafe method, and other clients have no cookies of anybody.
 */
export function provenances(target: string): readonly Provenance[] {
  const { protocol, hostname, host } = new URL(target);
  const from = (origin: string, site: string): Record<string, string> => ({
    origin,
    referer: `${origin}/`,
    'sec-fetch-site': site,
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
  });
  return [
    {
      says: 'another site',
      headers: from('https://sallyport-audit.example', 'cross-site'),
      reach: 'any site',
    },
    {
      says: 'a frame without an origin',
      headers: { ...from('null', 'cross-site'), referer: null },
      reach: 'any site',
    },
    {
      says: "a site whose name begins as the target's does",
      headers: from(`${protocol}//${host}.sallyport-audit.example`, 'cross-site'),
      reach: 'any site',
    },
    {
      says: 'a sibling host',
      headers: from(`${protocol}//sallyport-audit.${hostname}`, 'same-site'),
      reach: 'sibling hosts',
    },
  ];
}

/**
 * How bad it is that the target accepts a variant, by the rules of browsers for the cookie that
 * goes with it: what is Strict goes to no other site's request, what is Lax only with links, what
 * says nothing goes with forms for two minutes, and with None always. Sibling hosts are the same
 * site, and get all of them. RFC 6265bis 5.6.7.
 */
export function severityOf(
  variant: Variant,
  { reach }: Provenance,
  cookies: readonly SetCookie[],
): Severity {
  const attributes = cookies.map(({ sameSite }) => sameSite);
  if (attributes.includes('strict')) return 'informational';
  if (reach === 'sibling hosts') return 'low';
  if (variant.name === 'query') return 'high';
  if (attributes.includes('lax')) return 'low';
  return variant.name === 'untyped' ? 'medium' : 'high';
}
