import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { PROBLEMS } from '../../http/problem.ts';
import { DOCS_HEADERS } from '../../http/security-headers.ts';
import { docsPage, type OpenApiDocument } from '../../pages/docs.tsx';
import { mailboxPage } from '../../pages/mailbox.tsx';
import { sendPage, textsFor } from '../reader.ts';
import { visitorFormToken } from '../session-cookies.ts';

/** A mail as the development mailbox shows it. */
export interface MailboxEntry {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly links: readonly string[];
}

/** Reads the mails that wait; what it cannot read it writes to the log. */
export type Mailbox = (log: FastifyBaseLogger) => Promise<readonly MailboxEntry[]>;

/**
 * The mails that were written and not sent. Registered only in development, where the process
 * listens on loopback: they hold working links.
 */
export function developmentRoutes(server: FastifyInstance, mailbox: Mailbox): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const entry = z.object({
    to: z.string(),
    subject: z.string(),
    text: z.string(),
    links: z.array(z.string()).readonly(),
  });
  app.get(
    '/development/mailbox.json',
    {
      access: 'public',
      schema: {
        summary: 'Mails not sent, newest first',
        response: { 200: z.array(entry).readonly() },
      },
    },
    async ({ log }) => await mailbox(log),
  );

  app.get(
    '/development/mailbox',
    { access: 'public', page: true, schema: { hide: true } },
    async (request, reply) =>
      sendPage(reply, mailboxPage(textsFor(request), { mails: await mailbox(request.log) })),
  );
}

/** The documentation of the API, from which its operations can be tried. */
export function docsRoute(server: FastifyInstance, policy: { readonly origin: string }): void {
  server.get(
    '/docs',
    { access: 'public', page: true, schema: { hide: true } },
    async (request, reply) => {
      const html = docsPage({
        document: server.swagger() as OpenApiDocument,
        origin: policy.origin,
        problems: PROBLEMS,
        tryIt: { csrfToken: visitorFormToken(request, reply) },
      });
      return reply.headers(DOCS_HEADERS).type('text/html; charset=utf-8').send(html);
    },
  );
}
