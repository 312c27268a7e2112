import { renderDocument } from './document.tsx';
import { ErrorSummary, type FieldError, HiddenField, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import { Panel } from './panel.tsx';
import { TenantDocument, type TenantPageValues } from './tenant-document.tsx';
import type { Texts } from './texts.ts';

interface SettingsValues extends TenantPageValues {
  readonly name: string;
  readonly slug: string;
  readonly mayWrite: boolean;
  readonly mayDelete: boolean;
  readonly mayAsk: boolean;
  readonly graceDays: number;
  readonly errors: readonly FieldError[];
}

/** The name of a tenant, and the ways out of it. Posts to /tenant. */
export function tenantSettingsPage(texts: Texts, values: SettingsValues): string {
  const { errors, mayWrite, mayDelete, mayAsk, graceDays } = values;
  const { settings } = texts.tenants;
  return renderDocument(
    <TenantDocument texts={texts} section="settings" values={values} failed={errors.length > 0}>
      <ErrorSummary texts={texts} errors={errors} fields={['name', 'slug']} />
      <p class="lead">{settings.lead}</p>
      {mayWrite ? <SettingsForm texts={texts} values={values} /> : <Settings {...values} />}
      {mayAsk && (
        <section class="card row">
          <div>
            <h2>{settings.policyTitle}</h2>
            <p class="hint">{settings.policyLead}</p>
          </div>
          <a class="button" href={pathOf(texts, '/tenant/policy')}>
            {settings.policyOpen}
          </a>
        </section>
      )}
      <section class="card row">
        <div>
          <h2>{settings.leaveTitle}</h2>
          <p class="hint">{settings.leaveLead}</p>
        </div>
        <a class="button" href={pathOf(texts, '/tenant/leave')}>
          {settings.leave}
        </a>
      </section>
      {mayDelete && (
        <section class="card row danger">
          <div>
            <h2>{settings.deleteTitle}</h2>
            <p class="hint">{settings.deleteLead(graceDays)}</p>
          </div>
          <a class="button destructive" href={pathOf(texts, '/tenant/delete')}>
            {settings.deleteOpen}
          </a>
        </section>
      )}
    </TenantDocument>,
  );
}

interface SettingsFormProps {
  readonly texts: Texts;
  readonly values: SettingsValues;
}

function SettingsForm({ texts, values }: SettingsFormProps) {
  const { csrfToken, name, slug, errors } = values;
  return (
    <form class="card" method="post" action={pathOf(texts, '/tenant')}>
      <HiddenField name="_csrf" value={csrfToken} />
      <TextField
        texts={texts}
        name="name"
        type="text"
        autocomplete="organization"
        value={name}
        errors={errors}
      />
      <TextField
        texts={texts}
        name="slug"
        type="text"
        autocomplete="off"
        value={slug}
        errors={errors}
      />
      <button class="button primary" type="submit">
        {texts.tenants.settings.submit}
      </button>
    </form>
  );
}

function Settings({ name, slug }: Pick<SettingsValues, 'name' | 'slug'>) {
  return (
    <p class="card">
      <strong>
        <bdi>{name}</bdi>
      </strong>{' '}
      <code>{slug}</code>
    </p>
  );
}

interface FarewellValues {
  readonly csrfToken: string;
  readonly graceDays?: number;
}

/** Asks once more. Posts to /tenant/leave. */
export function leaveTenantPage(texts: Texts, values: FarewellValues): string {
  const { leaveTitle, leaveLead, leave } = texts.tenants.settings;
  return farewell(texts, values, '/tenant/leave', leaveTitle, leaveLead, leave);
}

/** Asks once more. Posts to /tenant/delete. */
export function deleteTenantPage(texts: Texts, values: FarewellValues): string {
  const { deleteTitle, deleteLead, deleteSubmit } = texts.tenants.settings;
  const lead = deleteLead(values.graceDays ?? 0);
  return farewell(texts, values, '/tenant/delete', deleteTitle, lead, deleteSubmit);
}

function farewell(
  texts: Texts,
  { csrfToken }: FarewellValues,
  path: string,
  title: string,
  lead: string,
  submit: string,
): string {
  const active = texts.switcher?.find((tenant) => tenant.active);
  return renderDocument(
    <Panel texts={texts} title={title} signOut={{ csrfToken }}>
      {active && (
        <p class="address">
          <bdi>{active.name}</bdi>
        </p>
      )}
      <p class="lead">{lead}</p>
      <form method="post" action={pathOf(texts, path)}>
        <HiddenField name="_csrf" value={csrfToken} />
        <button class="button primary destructive" type="submit">
          {submit}
        </button>
        <a class="button" href={pathOf(texts, '/tenant')}>
          {texts.actions.cancel}
        </a>
      </form>
    </Panel>,
  );
}
