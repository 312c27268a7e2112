import type { ComponentChildren } from 'preact';
import { type Asset, exportProgress, localTime, revealPassword } from './assets.ts';
import { Document } from './document.tsx';
import { HiddenField } from './form.tsx';
import { SentenceWithMoment } from './moment.tsx';
import { pathOf } from './link.ts';
import type { AccountNotice, AccountSection, Texts } from './texts.ts';

/** What every page of an account takes. */
export interface AccountPageValues {
  readonly csrfToken: string;
  readonly notice?: AccountNotice | undefined;
  /** When the account will be deleted, if that has been asked for. */
  readonly deletesAt?: Date | undefined;
}

interface AccountDocumentProps {
  readonly texts: Texts;
  readonly section: AccountSection;
  readonly values: AccountPageValues;
  readonly failed?: boolean;
  readonly children: ComponentChildren;
}

const paths: readonly (readonly [AccountSection, string])[] = [
  ['profile', '/account'],
  ['email', '/account/email'],
  ['password', '/account/password'],
  ['authenticators', '/account/authenticators'],
  ['sessions', '/account/sessions'],
  ['events', '/account/events'],
  ['data', '/account/data'],
];

const SCRIPTS: Readonly<Partial<Record<AccountSection, readonly Asset[]>>> = {
  password: [revealPassword],
  events: [exportProgress],
};

/** The frame of the account's pages: the way between them, what was done, and what is to come. */
export function AccountDocument(props: AccountDocumentProps) {
  const { texts, section, values, failed = false, children } = props;
  const title = texts.account.sections[section];
  const { csrfToken, deletesAt, notice } = values;
  return (
    <Document
      texts={texts}
      title={failed ? texts.errorTitle(title) : title}
      shape="wide"
      signOut={{ csrfToken }}
      scripts={[localTime, ...(SCRIPTS[section] ?? [])]}
    >
      {deletesAt && <DeletionBanner texts={texts} csrfToken={csrfToken} deletesAt={deletesAt} />}
      <div class="account">
        <Navigation texts={texts} section={section} />
        <div class="account-page">
          <h1>{title}</h1>
          {notice && (
            <div class="notice right" role="status" tabindex={-1} autofocus>
              <p>{texts.account.notices[notice]}</p>
            </div>
          )}
          {children}
        </div>
      </div>
    </Document>
  );
}

interface NavigationProps {
  readonly texts: Texts;
  readonly section: AccountSection;
}

function Navigation({ texts, section }: NavigationProps) {
  return (
    <nav class="account-navigation" aria-label={texts.account.title}>
      <ul>
        {paths.map(([name, path]) => (
          <li key={name}>
            <a href={pathOf(texts, path)} aria-current={name === section ? 'page' : undefined}>
              {texts.account.sections[name]}
            </a>
          </li>
        ))}
        <li>
          <a href={pathOf(texts, '/tenants')}>{texts.tenants.title}</a>
        </li>
      </ul>
    </nav>
  );
}

interface DeletionBannerProps {
  readonly texts: Texts;
  readonly csrfToken: string;
  readonly deletesAt: Date;
}

function DeletionBanner({ texts, csrfToken, deletesAt }: DeletionBannerProps) {
  const { deletion } = texts.account;
  return (
    <div class="notice wrong banner">
      <p>
        <SentenceWithMoment texts={texts} text={deletion.deletesAt} at={deletesAt} />
      </p>
      <form method="post" action={pathOf(texts, '/account/keep')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <button class="button" type="submit">
          {deletion.keep}
        </button>
      </form>
    </div>
  );
}
