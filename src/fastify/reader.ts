import type { FastifyReply, FastifyRequest } from 'fastify';
import type { MailLanguage } from '../core/mail.ts';
import { chooseLanguage } from '../http/accept-language.ts';
import { PAGE_HEADERS } from '../http/security-headers.ts';
import { languages, type Texts } from '../pages/texts.ts';
import { mounted } from './mount.ts';
import { OTHER_HOSTS } from './other-hosts.ts';
import { switcherOf } from './switcher.ts';

/** The language in which this request's person reads, as their browser says. */
export function languageOf(request: FastifyRequest): MailLanguage {
  return chooseLanguage(request.raw, ['en', 'de']);
}

export function textsFor(request: FastifyRequest): Texts {
  const texts = languages[languageOf(request)];
  const mount = mounted(request, '');
  const switcher = switcherOf(request);
  const otherHosts = request[OTHER_HOSTS] ?? null;
  const permissions = request.principal?.permissions ?? undefined;
  return { ...texts, mount, switcher, otherHosts, permissions };
}

/** Answers with a page, and with the headers that every page has. */
export function sendPage(reply: FastifyReply, html: string): FastifyReply {
  return reply.headers(PAGE_HEADERS).type('text/html; charset=utf-8').send(html);
}
