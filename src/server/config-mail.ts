import type { Config } from './config.ts';

/** By whom mails are sent, and from whom they come; null where they wait in the mailbox. */
export function readMail(
  smtpUrl: string | undefined,
  from: string | undefined,
  problems: string[],
): Config['mail'] {
  if (smtpUrl === undefined) {
    if (from !== undefined)
      problems.push('SALLYPORT_MAIL_FROM needs SALLYPORT_SMTP_URL beside it.');
    return null;
  }
  if (!isSmtpUrl(smtpUrl)) {
    problems.push(
      'SALLYPORT_SMTP_URL must look like smtps://user:password@mail.example.com, with no path and no parameters.',
    );
  }
  if (from === undefined) {
    problems.push('SALLYPORT_MAIL_FROM must be set with SALLYPORT_SMTP_URL: the sender of mails.');
  }
  return { smtpUrl, from: from ?? '' };
}

/** Parameters are refused, for nothing reads them, and some ask for less TLS elsewhere. */
function isSmtpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname, search, hash } = new URL(text);
  const rest = pathname.replace(/^\/$/, '') + search + hash;
  return (protocol === 'smtp:' || protocol === 'smtps:') && hostname !== '' && rest === '';
}
