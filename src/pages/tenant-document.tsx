import type { ComponentChildren } from 'preact';
import { exportProgress, localTime } from './assets.ts';
import { Document } from './document.tsx';
import { pathOf } from './link.ts';
import type {
  BuiltInRoleName,
  OwnPermissionName,
  TenantNotice,
  TenantSection,
} from './tenant-texts.ts';
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

/** Each page, and the permission without which it is refused. */
const paths: readonly (readonly [TenantSection, string, OwnPermissionName])[] = [
  ['members', '/tenant/members', 'members:read'],
  ['teams', '/tenant/teams', 'teams:read'],
  ['invitations', '/tenant/invitations', 'invitations:read'],
  ['roles', '/tenant/roles', 'roles:read'],
  ['keys', '/tenant/keys', 'keys:read'],
  ['events', '/tenant/events', 'events:read'],
  ['settings', '/tenant', 'tenant:read'],
];

/** The frame of a tenant's pages: the way between them, and what was done. */
export function TenantDocument(props: TenantDocumentProps) {
  const { texts, section, values, failed = false, children } = props;
  const { csrfToken, notice } = values;
  const title = texts.tenants.sections[section];
  const active = texts.switcher?.find((tenant) => tenant.active);
  const shown = paths.filter(([, , needed]) => texts.permissions?.includes(needed) ?? true);
  return (
    <Document
      texts={texts}
      title={failed ? texts.errorTitle(title) : title}
      shape="wide"
      signOut={{ csrfToken }}
      scripts={section === 'events' ? [localTime, exportProgress] : [localTime]}
    >
      <div class="account">
        <nav class="account-navigation" aria-label={active?.name ?? texts.tenants.title}>
          <ul>
            {shown.map(([name, path]) => (
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
