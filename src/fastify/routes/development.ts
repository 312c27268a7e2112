import { BlockList, isIP } from 'node:net';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { PROBLEMS } from '../../http/problem.ts';
import { CONNECTING_PAGE_HEADERS } from '../../http/security-headers.ts';
import { docsPage, type OpenApiDocument } from '../../pages/docs.tsx';
import { mailboxPage } from '../../pages/mailbox.tsx';
import { mounted } from '../mount.ts';
import { openApiDocument } from '../openapi.ts';
import { sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
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
 * The mails that were written and not sent. Registered only in development, and answered only to
 * this machine, wherever the app listens: they hold working links.
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
      onRequest: refuseStrangers,
      schema: {
        summary: 'Mails not sent, newest first',
        response: { 200: z.array(entry).readonly() },
      },
    },
    async ({ log }) => await mailbox(log),
  );

  app.get(
    '/development/mailbox',
    { access: 'public', page: true, onRequest: refuseStrangers, schema: { hide: true } },
    async (request, reply) =>
      sendPage(reply, mailboxPage(textsFor(request), { mails: await mailbox(request.log) })),
  );
}

async function refuseStrangers(request: FastifyRequest, reply: FastifyReply) {
  const address = request.raw.socket.remoteAddress ?? '';
  const version = isIP(address) === 4 ? 'ipv4' : 'ipv6';
  if (THIS_MACHINE.check(address, version)) return;
  return refuse('not-found', request, reply);
}

const THIS_MACHINE = new BlockList();
THIS_MACHINE.addSubnet('127.0.0.0', 8, 'ipv4');
THIS_MACHINE.addAddress('::1', 'ipv6');

/** The documentation of the API, from which its operations can be tried. */
export function docsRoute(server: FastifyInstance, policy: { readonly origin: string }): void {
  server.get(
    '/docs',
    { access: 'public', page: true, schema: { hide: true } },
    async (request, reply) => {
      const html = docsPage({
        document: openApiDocument(
          server,
          policy.origin,
          mounted(request, ''),
        ) as unknown as OpenApiDocument,
        origin: policy.origin,
        mount: mounted(request, ''),
        problems: PROBLEMS,
        tryIt: { csrfToken: visitorFormToken(request, reply) },
      });
      return reply.headers(CONNECTING_PAGE_HEADERS).type('text/html; charset=utf-8').send(html);
    },
  );
}
