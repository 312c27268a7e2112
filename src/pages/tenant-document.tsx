import type { ComponentChildren } from 'preact';
import { localTime } from './assets.ts';
import { Document } from './document.tsx';
import { pathOf } from './link.ts';
import type { BuiltInRoleName, TenantNotice, TenantSection } from './tenant-texts.ts';
import type { Texts } from './texts.ts';

/** What every page of a tenant takes. */
export interface TenantPageValues {
  readonly csrfToken: string;
  readonly notice?: TenantNotice | undefined;
}

interface TenantDocumentProps {
  readonly texts: Texts;
  readonly section: TenantSection;
  readonly values: TenantPageValues;
  readonly failed?: boolean;
  readonly children: ComponentChildren;
}

const paths: readonly (readonly [TenantSection, string])[] = [
  ['members', '/tenant/members'],
  ['teams', '/tenant/teams'],
  ['invitations', '/tenant/invitations'],
  ['roles', '/tenant/roles'],
  ['settings', '/tenant'],
];

/** The frame of a tenant's pages: the way between them, and what was done. */
export function TenantDocument(props: TenantDocumentProps) {
  const { texts, section, values, failed = false, children } = props;
  const { csrfToken, notice } = values;
  const title = texts.tenants.sections[section];
  const active = texts.switcher?.find((tenant) => tenant.active);
  return (
    <Document
      texts={texts}
      title={failed ? texts.errorTitle(title) : title}
      shape="wide"
      signOut={{ csrfToken }}
      scripts={[localTime]}
    >
      <div class="account">
        <nav class="account-navigation" aria-label={active?.name ?? texts.tenants.title}>
          <ul>
            {paths.map(([name, path]) => (
              <li key={name}>
                <a href={pathOf(texts, path)} aria-current={name === section ? 'page' : undefined}>
                  {texts.tenants.sections[name]}
                </a>
              </li>
            ))}
            <li>
              <a href={pathOf(texts, '/tenants')}>{texts.tenants.title}</a>
            </li>
          </ul>
        </nav>
        <div class="account-page">
          <h1>{title}</h1>
          {notice && (
            <div class="notice right" role="status" tabindex={-1} autofocus>
              <p>{texts.tenants.notices[notice]}</p>
            </div>
          )}
          {children}
        </div>
      </div>
    </Document>
  );
}

/** How a role is called: a built-in one in the reader's language, another as its tenant says. */
export function roleText(
  texts: Texts,
  { name, title }: { readonly name: string; readonly title: string },
): string {
  if (isBuiltIn(texts, name)) return texts.tenants.roles[name];
  return title === '' ? name : title;
}

function isBuiltIn(texts: Texts, name: string): name is BuiltInRoleName {
  return Object.hasOwn(texts.tenants.roles, name);
}
