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
  const scheme = URL.canParse(smtpUrl) ? new URL(smtpUrl).protocol : '';
  if (scheme !== 'smtp:' && scheme !== 'smtps:') {
    problems.push('SALLYPORT_SMTP_URL must look like smtps://user:password@mail.example.com.');
  }
  if (from === undefined) {
    problems.push('SALLYPORT_MAIL_FROM must be set with SALLYPORT_SMTP_URL: the sender of mails.');
  }
  return { smtpUrl, from: from ?? '' };
}
