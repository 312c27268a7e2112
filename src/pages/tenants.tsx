import { localTime } from './assets.ts';
import { renderDocument } from './document.tsx';
import { ErrorSummary, type FieldError, HiddenField, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import { SentenceWithMoment } from './moment.tsx';
import { Panel } from './panel.tsx';
import { roleText } from './tenant-document.tsx';
import type { Texts } from './texts.ts';

/** A tenant, as somebody who is a member of it is shown it. */
export interface TenantItem {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly role: string;
  readonly active: boolean;
  readonly deletesAt: Date | null;
}

interface TenantsValues {
  readonly csrfToken: string;
  readonly tenants: readonly TenantItem[];
  /** Where to go on in the tenant that is chosen. It comes back and must be checked then. */
  readonly returnTo?: string;
  /** A request could not be answered before one is chosen. */
  readonly asked?: boolean;
}

/** The tenants of a person, and the way into each. */
export function tenantsPage(texts: Texts, values: TenantsValues): string {
  const { csrfToken, tenants, asked = false } = values;
  const { title, lead, none, choose, create } = texts.tenants;
  const waiting = tenants.some(({ deletesAt }) => deletesAt !== null);
  const said = asked ? choose : { title, text: tenants.length > 0 ? lead : none };
  return renderDocument(
    <Panel
      texts={texts}
      title={said.title}
      signOut={{ csrfToken }}
      scripts={waiting ? [localTime] : []}
    >
      <p class="lead">{said.text}</p>
      {tenants.length > 0 && (
        <ul class="card sessions">
          {tenants.map((tenant, index) => (
            <Item
              key={tenant.id}
              texts={texts}
              values={values}
              tenant={tenant}
              name={`tenant-${index + 1}`}
            />
          ))}
        </ul>
      )}
      <p class="actions">
        <a class="button" href={pathOf(texts, '/tenants/new')}>
          {create}
        </a>
        <a class="button" href={pathOf(texts, '/account')}>
          {texts.actions.account}
        </a>
      </p>
    </Panel>,
  );
}

interface ItemProps {
  readonly texts: Texts;
  readonly values: TenantsValues;
  readonly tenant: TenantItem;
  /** The id of the element that names the tenant, for its button. */
  readonly name: string;
}

function Item({ texts, values, tenant, name }: ItemProps) {
  const { active, enter, restore, deletesAt } = texts.tenants;
  const waiting = tenant.deletesAt;
  const restorable = waiting !== null && tenant.role === 'owner';
  const enterable = waiting === null && !tenant.active;
  return (
    <li>
      <div class="session">
        <h2>
          <bdi id={name}>{tenant.name}</bdi>
          {tenant.active && <span class="badge">{active}</span>}
        </h2>
        <p class="hint">
          {waiting ? (
            <SentenceWithMoment texts={texts} text={deletesAt} at={waiting} />
          ) : (
            roleText(texts, { name: tenant.role, title: '' })
          )}
        </p>
      </div>
      {enterable && texts.otherHosts && (
        <a
          class="button small"
          href={`${texts.otherHosts.tenant(tenant.slug)}/tenant`}
          id={`enter-${name}`}
          aria-labelledby={`enter-${name} ${name}`}
        >
          {enter}
        </a>
      )}
      {((enterable && !texts.otherHosts) || restorable) && (
        <form
          method="post"
          action={pathOf(texts, restorable ? '/tenants/restore' : '/tenants/enter')}
        >
          <HiddenField name="_csrf" value={values.csrfToken} />
          <HiddenField name="tenantId" value={tenant.id} />
          {!restorable && values.returnTo !== undefined && (
            <HiddenField name="return_to" value={values.returnTo} />
          )}
          <button
            class="button small"
            type="submit"
            id={`enter-${name}`}
            aria-labelledby={`enter-${name} ${name}`}
          >
            {restorable ? restore : enter}
          </button>
        </form>
      )}
    </li>
  );
}

interface NewTenantValues {
  readonly csrfToken: string;
  readonly name?: string;
  readonly slug?: string;
  readonly errors: readonly FieldError[];
}

/** Posts to /tenants/new. */
export function newTenantPage(texts: Texts, values: NewTenantValues): string {
  const { csrfToken, name, slug, errors } = values;
  const { createTitle, createLead, slugHint, create } = texts.tenants;
  return renderDocument(
    <Panel texts={texts} title={createTitle} failed={errors.length > 0} signOut={{ csrfToken }}>
      <ErrorSummary texts={texts} errors={errors} fields={['name', 'slug']} />
      <p class="lead">{createLead}</p>
      <form method="post" action={pathOf(texts, '/tenants/new')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <TextField
          texts={texts}
          name="name"
          type="text"
          autocomplete="organization"
          value={name}
          errors={errors}
          autofocus={errors.length === 0}
        />
        <TextField
          texts={texts}
          name="slug"
          type="text"
          autocomplete="off"
          value={slug}
          hint={slugHint}
          errors={errors}
          required={false}
        />
        <button class="button primary" type="submit">
          {create}
        </button>
        <a class="button" href={pathOf(texts, '/tenants')}>
          {texts.actions.cancel}
        </a>
      </form>
    </Panel>,
  );
}
