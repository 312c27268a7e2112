import { renderDocument } from './document.tsx';
import { ErrorSummary, type FieldError, HiddenField, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import { roleText, TenantDocument, type TenantPageValues } from './tenant-document.tsx';
import type { Texts } from './texts.ts';

export interface RoleColumn {
  readonly name: string;
  readonly title: string;
  readonly builtIn: boolean;
  /** Whether the reader may change it. */
  readonly changeable: boolean;
  readonly permissions: readonly string[];
}

export interface PermissionRow {
  readonly name: string;
  readonly text: string;
  /** Whether the reader has it, and so may give it. */
  readonly own: boolean;
}

interface RolesValues extends TenantPageValues {
  readonly roles: readonly RoleColumn[];
  readonly permissions: readonly PermissionRow[];
  /** The levels on which the reader may make a role: built-in roles, with their numbers. */
  readonly levels: readonly (readonly [name: string, level: number])[];
  readonly mayWrite: boolean;
  readonly made?: { readonly name: string; readonly title: string; readonly level: number };
  readonly errors: readonly FieldError[];
}

/** What each role permits, as a table; those of the tenant's own are ticked and saved in it. */
export function rolesPage(texts: Texts, values: RolesValues): string {
  const { roles, mayWrite, errors } = values;
  const { rolesPage: words } = texts.tenants;
  const changeable = roles.filter((role) => role.changeable);
  return renderDocument(
    <TenantDocument texts={texts} section="roles" values={values} failed={errors.length > 0}>
      <ErrorSummary texts={texts} errors={errors} fields={['name', 'title']} />
      <p class="lead">{words.lead}</p>
      <form method="post" action={pathOf(texts, '/tenant/roles')}>
        <HiddenField name="_csrf" value={values.csrfToken} />
        {changeable.map((role) => (
          <HiddenField key={role.name} name="role" value={role.name} />
        ))}
        <Matrix texts={texts} values={values} />
        {changeable.length > 0 && (
          <button class="button primary" type="submit">
            {words.save}
          </button>
        )}
      </form>
      {mayWrite && <NewRole texts={texts} values={values} />}
      {changeable.length > 0 && <DeleteRole texts={texts} values={values} roles={changeable} />}
    </TenantDocument>,
  );
}

interface RolesProps {
  readonly texts: Texts;
  readonly values: RolesValues;
}

function Matrix({ texts, values }: RolesProps) {
  const { roles, permissions } = values;
  const { table, permission } = texts.tenants.rolesPage;
  return (
    <div class="scrolling" role="region" aria-label={table} tabindex={0}>
      <table class="matrix">
        <thead>
          <tr>
            <th scope="col">{permission}</th>
            {roles.map((role) => (
              <th key={role.name} scope="col">
                <bdi>{roleText(texts, role)}</bdi>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {permissions.map((row, index) => (
            <tr key={row.name}>
              <th scope="row">
                {row.text} <code>{row.name}</code>
              </th>
              {roles.map((role, column) => (
                <Cell
                  key={role.name}
                  texts={texts}
                  role={role}
                  row={row}
                  id={`permit-${index + 1}-${column + 1}`}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface CellProps {
  readonly texts: Texts;
  readonly role: RoleColumn;
  readonly row: PermissionRow;
  readonly id: string;
}

/** Ticked off can be anything in a role that one may change, and ticked what one has oneself. */
function Cell({ texts, role, row, id }: CellProps) {
  const { yes, no } = texts.tenants.rolesPage;
  const has = role.permissions.includes(row.name);
  if (!role.changeable || (!row.own && !has)) {
    return (
      <td>
        {has ? <span aria-label={yes}>{'\u2713'}</span> : <span aria-label={no}>{'\u2013'}</span>}
      </td>
    );
  }
  return (
    <td>
      <label class="unseen" for={id}>
        {`${roleText(texts, role)}: ${row.text}`}
      </label>
      <input
        id={id}
        type="checkbox"
        name="permit"
        value={`${role.name} ${row.name}`}
        checked={has}
        autocomplete="off"
      />
    </td>
  );
}

function NewRole({ texts, values }: RolesProps) {
  const { csrfToken, levels, made, errors } = values;
  const { makeTitle, makeLead, nameLabel, nameHint, level, levelHint, make } =
    texts.tenants.rolesPage;
  return (
    <form class="card" method="post" action={pathOf(texts, '/tenant/roles/new')}>
      <h2>{makeTitle}</h2>
      <p class="hint">{makeLead}</p>
      <HiddenField name="_csrf" value={csrfToken} />
      <TextField
        texts={texts}
        name="title"
        type="text"
        autocomplete="off"
        value={made?.title}
        errors={errors}
        required={false}
      />
      <TextField
        texts={texts}
        name="name"
        type="text"
        autocomplete="off"
        label={nameLabel}
        hint={nameHint}
        value={made?.name}
        errors={errors}
      />
      <div class="field">
        <label for="level">{level}</label>
        <p class="hint" id="level-hint">
          {levelHint}
        </p>
        <select id="level" name="level" autocomplete="off" aria-describedby="level-hint">
          {levels.map(([name, number]) => (
            <option key={name} value={number} selected={number === made?.level}>
              {roleText(texts, { name, title: '' })}
            </option>
          ))}
        </select>
      </div>
      <button class="button" type="submit">
        {make}
      </button>
    </form>
  );
}

function DeleteRole({
  texts,
  values,
  roles,
}: RolesProps & { readonly roles: RolesValues['roles'] }) {
  const { deleteTitle, delete: submit } = texts.tenants.rolesPage;
  return (
    <form class="card" method="post" action={pathOf(texts, '/tenant/roles/delete')}>
      <h2 id="delete-role">{deleteTitle}</h2>
      <HiddenField name="_csrf" value={values.csrfToken} />
      <div class="controls">
        <select name="name" autocomplete="off" aria-labelledby="delete-role">
          {roles.map((role) => (
            <option key={role.name} value={role.name}>
              {roleText(texts, role)}
            </option>
          ))}
        </select>
        <button class="button destructive" type="submit">
          {submit}
        </button>
      </div>
    </form>
  );
}
