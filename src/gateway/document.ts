import { Agent, request } from 'undici';
import { parse } from 'yaml';
import { StartError } from '../server/data-folder.ts';
import { METHODS, operationName } from './config.ts';

const BYTES_MAX = 20 * 1024 * 1024;
const TIMEOUT_MILLISECONDS = 5_000;
/** An upstream that starts at the same time is waited for so long. */
const PATIENCE_MILLISECONDS = 30_000;
const PAUSE_MILLISECONDS = 500;

/** What the upstream's document says of an operation, as far as a draft goes by it. */
export interface UpstreamOperation {
  readonly method: (typeof METHODS)[number];
  readonly path: string;
  /** The types of body that it takes, in lower case and without parameters. */
  readonly bodyTypes: readonly string[];
  /** The types that it answers with. */
  readonly answerTypes: readonly string[];
  /** Of each parameter of the path, its JSON type or format. */
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * The operations of the document that the upstream serves, which is asked again for half a minute
 * while it does not answer. @throws StartError
 */
export async function fetchOperations(
  upstream: string,
  path: string,
  patience = PATIENCE_MILLISECONDS,
): Promise<readonly UpstreamOperation[]> {
  const until = performance.now() + patience;
  for (;;) {
    const fetched = await fetchText(`${upstream}${path}`);
    if ('text' in fetched) return readOperations(fetched.text, `${upstream}${path}`);
    if (performance.now() >= until) {
      throw new StartError(
        `${upstream}${path}, which lists what the upstream offers, ${fetched.problem}. Start the upstream first, or say \`openapi: false\` if it has no such document.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
}

async function fetchText(
  url: string,
): Promise<{ readonly text: string } | { readonly problem: string }> {
  const agent = new Agent({ maxResponseSize: BYTES_MAX });
  try {
    const answer = await request(url, {
      dispatcher: agent,
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) return { problem: `is answered with ${answer.statusCode}` };
    return { text };
  } catch {
    return { problem: 'cannot be read' };
  } finally {
    await agent.destroy();
  }
}

/** The operations of an OpenAPI document, JSON or YAML; what it refers to elsewhere is not read. */
export function readOperations(text: string, name: string): readonly UpstreamOperation[] {
  const document = parseDocument(text);
  const paths = memberOf(document, 'paths');
  if (!isObject(paths)) throw new StartError(`${name} is no OpenAPI document: it has no paths.`);
  return Object.entries(paths).flatMap(([path, written]) => {
    const item = resolved(document, written);
    return METHODS.flatMap((method) => {
      const operation = memberOf(item, method.toLowerCase());
      if (!isObject(operation)) return [];
      const parameters = [memberOf(item, 'parameters'), memberOf(operation, 'parameters')];
      const answers = memberOf(operation, 'responses');
      return [
        {
          method,
          path,
          bodyTypes: typesOf(resolved(document, memberOf(operation, 'requestBody'))),
          answerTypes: Object.values(isObject(answers) ? answers : {}).flatMap((answer) =>
            typesOf(resolved(document, answer)),
          ),
          parameters: Object.fromEntries(
            parameters
              .flatMap((list) => (Array.isArray(list) ? list : []))
              .map((each) => resolved(document, each))
              .filter((each) => memberOf(each, 'in') === 'path')
              .map((each) => [String(memberOf(each, 'name')), typeOf(document, each)]),
          ),
        },
      ];
    });
  });
}

/** A line for each operation of the document that the file does not list. */
export function unlistedOperations(
  operations: readonly UpstreamOperation[],
  listed: ReadonlySet<string>,
): readonly string[] {
  return operations
    .filter(({ method, path }) => !listed.has(operationName(method, path)))
    .map(
      ({ method, path }) =>
        `${method} ${path} is offered by the upstream and not listed: add it, with \`access: nobody\` if it is not to be reached.`,
    );
}

function parseDocument(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      return parse(text, { logLevel: 'silent', maxAliasCount: 100 });
    } catch {
      return null;
    }
  }
}

/** What a reference within the document points to, through a few of them; else what was given. */
function resolved(document: unknown, value: unknown): unknown {
  let found = value;
  for (let step = 0; step < 5; step += 1) {
    const reference = memberOf(found, '$ref');
    if (typeof reference !== 'string' || !reference.startsWith('#/')) return found;
    found = reference
      .slice(2)
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce(memberOf, document);
  }
  return found;
}

function typesOf(content: unknown): readonly string[] {
  const types = memberOf(content, 'content');
  if (!isObject(types)) return [];
  return Object.keys(types).map((type) => type.split(';')[0]?.trim().toLowerCase() ?? '');
}

function typeOf(document: unknown, parameter: unknown): string {
  const schema = resolved(document, memberOf(parameter, 'schema'));
  const type = memberOf(schema, 'format') ?? memberOf(schema, 'type');
  return typeof type === 'string' ? type : '';
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
