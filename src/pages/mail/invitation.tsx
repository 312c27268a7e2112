import type { Texts } from '../texts.ts';
import { renderMail } from './mail.tsx';
import type { Mail } from './mail.tsx';

interface InvitationMailValues {
  readonly link: string;
  readonly expiresInHours: number;
}

/**
 * To somebody who was invited into a tenant. It says neither who invited nor to which tenant: both
 * are words of people who also choose the recipient (CVE-2022-31127). The page behind the link
 * does.
 */
export function invitationMail(texts: Texts, { link, expiresInHours }: InvitationMailValues): Mail {
  const { before, ...rest } = texts.mails.invitation;
  return renderMail(texts, { ...rest, before: before(expiresInHours / 24), link });
}
