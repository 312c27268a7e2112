import { fastify } from 'fastify';
import * as typed from 'fastify-type-provider-zod';
import { z } from 'zod';

export type App = ReturnType<typeof newApp>;

/** An app whose requests are typed by the zod schemas of their routes. */
export function newApp() {
  const app = fastify().withTypeProvider<typed.ZodTypeProvider>();
  app.setValidatorCompiler(typed.validatorCompiler);
  app.setSerializerCompiler(typed.serializerCompiler);
  return app;
}

/** Each route declares one of these, or the process does not start. */
export const READ = { access: { permission: 'invoices:read' } } as const;
export const WRITE = { access: { permission: 'invoices:write' }, bodyType: 'json' } as const;

export const search = z.object({ search: z.string().max(100).default('') });

/** Thrown in a handler or a transaction, it is answered with that status. */
export function refusal(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode });
}
