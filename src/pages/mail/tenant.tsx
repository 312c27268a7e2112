import { momentText } from '../moment.tsx';
import type { Texts } from '../texts.ts';
import { renderMail } from './mail.tsx';
import type { Mail } from './mail.tsx';

interface TenantMailValues {
  readonly slug: string;
  /** To the page of one's tenants. */
  readonly tenantsLink: string;
}

/** To each owner of a tenant that is going to be deleted; the time is in UTC. */
export function tenantDeletionMail(
  texts: Texts,
  { slug, tenantsLink, deletesAt }: TenantMailValues & { readonly deletesAt: Date },
): Mail {
  const { before, ...rest } = texts.tenants.mails.deletion;
  const moment = momentText({ texts, at: deletesAt });
  return renderMail(texts, { ...rest, before: before(slug, moment), link: tenantsLink });
}

/** To each owner of one that is not going to be deleted any more. */
export function tenantRestoredMail(texts: Texts, { slug, tenantsLink }: TenantMailValues): Mail {
  const { before, ...rest } = texts.tenants.mails.restored;
  return renderMail(texts, { ...rest, before: before(slug), link: tenantsLink });
}
