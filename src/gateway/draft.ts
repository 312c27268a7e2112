import { stringify } from 'yaml';
import { isSafeMethod } from '../http/request-head.ts';
import type { UpstreamOperation } from './document.ts';
import { parseTemplate } from './template.ts';

const HEAD = `# What \`sallyport gateway\` lets through. What is not listed here is refused: read it, and change \`access\`.
#
# path          segments are texts, {id}, {id:int}, {id:uuid}; the last may be *, the rest of the path
# access        public, signed-in, nobody, { permission: invoices:read }, { stepUp: { withinSeconds: 300 } },
#               { team: { parameter: team, permission: boards:write } }
# body          json, form (its token is the field _csrf), any (its token is the header X-CSRF-Token)
# bodyLimit     65536, 64 KiB, 10 MiB; 1 MiB unless said
# timeoutSeconds 30 unless said; of a stream, how long nothing may come
# stream        bodies both ways as they come; the assertion does not bind them
# websocket     the route takes WebSocket handshakes, and nothing else
# setCookie     the upstream may set cookies with its answers
`;

/**
 * The file that lists what the upstream offers, all of it for whoever is signed in. Two operations
 * whose paths overlap stand in it as they are, and the start will say so.
 */
export function draftOf(upstream: string, operations: readonly UpstreamOperation[]): string {
  const settings = stringify({ upstream, audience: upstream, permissions: {} });
  const routes = operations.map(
    (each) => `  - ${stringify(routeOf(each), { collectionStyle: 'flow', lineWidth: 0 }).trim()}`,
  );
  const list = routes.length === 0 ? 'routes: []' : `routes:\n${routes.join('\n')}`;
  return `${HEAD}\n${settings}\n${list}\n`;
}

function routeOf(operation: UpstreamOperation) {
  const { method, answerTypes } = operation;
  const path = typedPath(operation);
  // A path that no template can say cannot be judged either.
  if ('problem' in parseTemplate(path)) return { method, path: operation.path, access: 'nobody' };
  return {
    method,
    path,
    access: 'signed-in',
    ...(isSafeMethod(method) ? {} : { body: bodyOf(operation) }),
    ...(answerTypes.includes('text/event-stream') ? { stream: true, timeoutSeconds: 60 } : {}),
  };
}

/** With the types of its parameters, and with a wildcard where the document means one. */
function typedPath({ path, parameters }: UpstreamOperation): string {
  const [, start = '', last = ''] = /^(.*\/)\{([^{}]*)\}$/.exec(path) ?? [];
  // @fastify/swagger writes {*}; FastAPI says of a pathlib.Path that its format is path.
  const isWildcard = last === '*' || parameters[last] === 'path';
  return (isWildcard ? `${start}*` : path).replaceAll(
    /\{([A-Za-z_]\w*)\}/g,
    (written, name: string) => {
      const type = { integer: 'int', int32: 'int', int64: 'int', uuid: 'uuid' }[
        parameters[name] ?? ''
      ];
      return type ? `{${name}:${type}}` : written;
    },
  );
}

function bodyOf({ bodyTypes }: UpstreamOperation): 'json' | 'form' | 'any' {
  if (bodyTypes.every((type) => type === 'application/json')) return 'json';
  if (bodyTypes.every((type) => type === 'application/x-www-form-urlencoded')) return 'form';
  return 'any';
}
