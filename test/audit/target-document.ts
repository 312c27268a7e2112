import type { Carrier } from './target.ts';

type Fields = Readonly<Record<string, object>>;

const TEXT = { type: 'string' };

/** What the target says of itself: OpenAPI 3.1, as frameworks write it. */
export function targetDocument(carrier: Carrier): object {
  const scheme =
    carrier === 'cookie'
      ? { type: 'apiKey', in: 'cookie', name: 'session' }
      : { type: 'http', scheme: 'bearer' };
  const secured = { security: [{ account: [] }] };
  const noteId = [{ name: 'note_id', in: 'path', required: true, schema: { type: 'integer' } }];
  const query = (name: string, required = false) => [
    { name, in: 'query', required, schema: { type: 'string' } },
  ];
  const ok = { responses: { 200: { description: 'OK' } } };
  return {
    openapi: '3.1.0',
    info: { title: 'Notes', version: '1' },
    components: { securitySchemes: { account: scheme } },
    paths: {
      '/login': { post: { ...body({ username: TEXT, password: TEXT }), ...ok } },
      '/register': { post: { ...body({ username: TEXT, password: TEXT }), ...ok } },
      ...(carrier !== 'cookie'
        ? { '/refresh': { post: { ...body({ refresh_token: TEXT }), ...ok } } }
        : {}),
      '/logout': { post: { ...secured, ...ok } },
      '/me': { get: { ...secured, ...ok } },
      '/me/password': {
        post: { ...secured, ...body({ current_password: TEXT, new_password: TEXT }), ...ok },
      },
      '/recovery': { post: { ...body({ username: TEXT }), ...ok } },
      '/recovery/confirm': {
        post: { ...body({ username: TEXT, code: TEXT, new_password: TEXT }), ...ok },
      },
      '/go': { get: { parameters: query('next'), ...ok } },
      '/search': { get: { ...secured, parameters: query('q'), ...ok } },
      '/preview': {
        post: { ...secured, ...body({ url: { type: 'string', format: 'uri' } }), ...ok },
      },
      '/notes': {
        get: { ...secured, ...ok },
        post: { ...secured, ...body({ text: TEXT }), ...ok },
      },
      '/notes/{note_id}': {
        parameters: noteId,
        get: { ...secured, ...ok },
        put: { ...secured, ...body({ text: TEXT }), ...ok },
        delete: { ...secured, ...ok },
      },
      '/notes/{note_id}/publish': { get: { ...secured, parameters: noteId, ...ok } },
    },
  };
}

function body(properties: Fields): object {
  const schema = { type: 'object', properties, required: Object.keys(properties) };
  return { requestBody: { required: true, content: { 'application/json': { schema } } } };
}
