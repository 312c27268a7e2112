/** Of an OpenAPI 3.1 document what the page reads. */
export interface OpenApiDocument {
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description?: string | undefined;
  };
  readonly paths?: Readonly<Record<string, PathItem>> | undefined;
}

/** The methods of one path; what else stands there is not read. */
export type PathItem = Readonly<Partial<Record<Method, DescribedOperation>>>;

type Method = Lowercase<(typeof METHODS)[number]>;

export interface DescribedOperation {
  readonly summary?: string | undefined;
  readonly description?: string | undefined;
  readonly security?: readonly Readonly<Record<string, unknown>>[] | undefined;
  readonly parameters?: readonly Parameter[] | undefined;
  readonly requestBody?: { readonly required?: boolean; readonly content?: Content } | undefined;
  readonly responses?: Readonly<Record<string, { readonly content?: Content | undefined }>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean | undefined;
  readonly description?: string | undefined;
  readonly schema?: Schema | undefined;
}

type Content = Readonly<Record<string, { readonly schema?: Schema | undefined }>>;

/** Of JSON Schema what our own schemas use. */
export interface Schema {
  readonly type?: string | readonly string[] | undefined;
  readonly format?: string | undefined;
  readonly description?: string | undefined;
  readonly pattern?: string | undefined;
  readonly examples?: readonly unknown[] | undefined;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[] | undefined;
  readonly minLength?: number | undefined;
  readonly maxLength?: number | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly minItems?: number | undefined;
  readonly maxItems?: number | undefined;
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: Schema | undefined;
  readonly anyOf?: readonly Schema[] | undefined;
}

/** One operation, read from the document and ready to be shown. */
export interface Operation {
  /** Unique in the page, and the same as long as the operation is: links lead to it. */
  readonly id: string;
  readonly method: (typeof METHODS)[number];
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  /** The names of the schemes that a request must satisfy together; none means anybody. */
  readonly security: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly body: { readonly schema: Schema; readonly optional: boolean } | null;
  readonly answers: readonly Answer[];
}

export interface Answer {
  readonly status: string;
  readonly schema: Schema | null;
}

export interface Group {
  readonly id: string;
  readonly title: string;
  readonly lead: string;
  readonly operations: readonly Operation[];
}

/** HEAD and OPTIONS are answered everywhere alike, and stand in no document of ours. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** The first pattern that a path matches decides; the last one takes the rest. */
const GROUPS: readonly (Omit<Group, 'operations'> & { readonly paths: RegExp })[] = [
  {
    id: 'account',
    title: 'Account',
    lead: 'Sign up, prove an address, and change what belongs to the account as a whole.',
    paths: /^\/api\/(sign-up|email-|account(?!\/profile))/,
  },
  {
    id: 'session',
    title: 'Session',
    lead: 'Sign in, see who is signed in and where, and sign out.',
    paths: /^\/api\/(sign-in|sign-out|re-authentication|sessions?)(\/|$)/,
  },
  {
    id: 'profile',
    title: 'Profile',
    lead: 'What others see of a person. Nobody reads or changes the profile of somebody else.',
    paths: /^\/api\/account\/profile/,
  },
  {
    id: 'operation',
    title: 'Operation',
    lead: 'For those who run the process: probes, and what exists in development only.',
    paths: /^\/(health|ready|openapi\.json|development)/,
  },
  { id: 'more', title: 'More', lead: 'Everything else.', paths: /^/ },
];

/** All operations of the document, each in the one group that its path belongs to. */
export function groupsOf(document: OpenApiDocument): readonly Group[] {
  const operations = operationsOf(document);
  return GROUPS.flatMap(({ paths, ...group }, index) => {
    const earlier = GROUPS.slice(0, index).map((other) => other.paths);
    const own = operations.filter(
      ({ path }) => paths.test(path) && !earlier.some((pattern) => pattern.test(path)),
    );
    return own.length === 0 ? [] : [{ ...group, operations: own }];
  });
}

export function isUnsafe({ method }: Operation): boolean {
  return method !== 'GET';
}

function operationsOf(document: OpenApiDocument): readonly Operation[] {
  const taken = new Map<string, number>();
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const described = item[method.toLowerCase() as Method];
      if (described === undefined) return [];
      const words = path.toLowerCase().match(/[a-z0-9]+/g) ?? [];
      const slug = [method.toLowerCase(), ...words].join('-');
      const count = (taken.get(slug) ?? 0) + 1;
      taken.set(slug, count);
      // Two dashes stand in no slug, so that a counted one is nobody else's.
      const id = count === 1 ? slug : `${slug}--${count}`;
      return [{ id, method, path, ...readOperation(described) }];
    }),
  );
}

function readOperation(described: DescribedOperation): Omit<Operation, 'id' | 'method' | 'path'> {
  const body = schemaOf(described.requestBody?.content);
  return {
    summary: described.summary ?? '',
    description: described.description ?? '',
    security: Object.keys(described.security?.[0] ?? {}),
    parameters: described.parameters ?? [],
    body: body && {
      schema: body,
      optional: described.requestBody?.required !== true || allowsNull(body),
    },
    answers: Object.entries(described.responses ?? {}).map(([status, { content }]) => ({
      status,
      schema: schemaOf(content),
    })),
  };
}

function schemaOf(content: Content | undefined): Schema | null {
  return Object.values(content ?? {})[0]?.schema ?? null;
}

function allowsNull(schema: Schema): boolean {
  return schema.type === 'null' || (schema.anyOf ?? []).some(allowsNull);
}
