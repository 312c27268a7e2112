import { renderDocument } from './document.tsx';
import { ErrorSummary, type FieldError, HiddenField } from './form.tsx';
import { pathOf } from './link.ts';
import { NextPage } from './next-page.tsx';
import { Panel } from './panel.tsx';
import { type PersonItem, PersonText, RoleForm, SearchField } from './people.tsx';
import { roleText, TenantDocument, type TenantPageValues } from './tenant-document.tsx';
import type { Texts } from './texts.ts';

export interface MemberItem extends PersonItem {
  readonly role: string;
  readonly level: number;
  readonly own: boolean;
}

export interface RoleChoice {
  readonly name: string;
  readonly title: string;
}

interface MembersValues extends TenantPageValues {
  readonly members: readonly MemberItem[];
  readonly total: number;
  /** As many or more were counted. */
  readonly totalMax: number;
  readonly search: string;
  /** The path of the next page, null on the last. */
  readonly next: string | null;
  readonly roles: readonly RoleChoice[];
  /** Whether the reader may change members, and those of which level at most. */
  readonly mayWrite: boolean;
  readonly mayReset: boolean;
  readonly levelMax: number;
  readonly errors: readonly FieldError[];
}

/** The members of a tenant: a search, and each with their role. */
export function membersPage(texts: Texts, values: MembersValues): string {
  const { members, total, totalMax, search, next, errors } = values;
  const { members: words } = texts.tenants;
  const counted = total >= totalMax ? words.many : total.toLocaleString(texts.language);
  const found = members.length > 0 ? words.found : words.nothing;
  return renderDocument(
    <TenantDocument texts={texts} section="members" values={values} failed={errors.length > 0}>
      <ErrorSummary texts={texts} errors={errors} fields={[]} />
      <SearchForm texts={texts} search={search} />
      <p class="lead">{search === '' ? words.lead(counted) : found}</p>
      {members.length > 0 && (
        <ul class="card sessions">
          {members.map((member, index) => (
            <Member
              key={member.id}
              texts={texts}
              values={values}
              member={member}
              name={`member-${index + 1}`}
            />
          ))}
        </ul>
      )}
      <NextPage texts={texts} next={next} label={words.next} />
    </TenantDocument>,
  );
}

function SearchForm({ texts, search }: { readonly texts: Texts; readonly search: string }) {
  const { search: label, searchHint, find, all } = texts.tenants.members;
  return (
    <form class="search" method="get" action={pathOf(texts, '/tenant/members')} role="search">
      <label for="search">{label}</label>
      <SearchField hint={searchHint} submit={find} search={search}>
        {search !== '' && (
          <a class="button" href={pathOf(texts, '/tenant/members')}>
            {all}
          </a>
        )}
      </SearchField>
    </form>
  );
}

interface MemberProps {
  readonly texts: Texts;
  readonly values: MembersValues;
  readonly member: MemberItem;
  /** The id of the element that names the member, for the controls beside. */
  readonly name: string;
}

function Member({ texts, values, member, name }: MemberProps) {
  const choice = values.roles.find((role) => role.name === member.role);
  const mayChange = values.mayWrite && member.level <= values.levelMax;
  return (
    <li>
      <PersonText texts={texts} person={member} name={name}>
        {!mayChange && <p>{roleText(texts, choice ?? { name: member.role, title: '' })}</p>}
      </PersonText>
      {mayChange && <MemberForms texts={texts} values={values} member={member} name={name} />}
    </li>
  );
}

function MemberForms({ texts, values, member, name }: MemberProps) {
  const { role, change, remove, reset } = texts.tenants.members;
  const known = values.roles.some((each) => each.name === member.role);
  const choices = known ? values.roles : [{ name: member.role, title: '' }, ...values.roles];
  return (
    <div class="controls">
      <RoleForm
        action={pathOf(texts, '/tenant/members')}
        csrfToken={values.csrfToken}
        id={member.id}
        name={name}
        label={role}
        submit={change}
        chosen={member.role}
        choices={choices.map((each) => [each.name, roleText(texts, each)])}
      />
      {!member.own && values.mayReset && (
        <a
          class="button small"
          id={`reset-${name}`}
          href={pathOf(texts, `/tenant/members/reset?id=${member.id}`)}
          aria-labelledby={`reset-${name} ${name}`}
        >
          {reset}
        </a>
      )}
      {!member.own && (
        <a
          class="button small destructive"
          id={`remove-${name}`}
          href={pathOf(texts, `/tenant/members/remove?id=${member.id}`)}
          aria-labelledby={`remove-${name} ${name}`}
        >
          {remove}
        </a>
      )}
    </div>
  );
}

interface RemovalValues {
  readonly csrfToken: string;
  readonly member: MemberItem;
}

/** Asks once more. Posts to /tenant/members/remove. */
export function removeMemberPage(texts: Texts, values: RemovalValues): string {
  const { removeTitle: title, removeLead: lead, remove: submit } = texts.tenants.members;
  const path = '/tenant/members/remove';
  return renderQuestion(texts, values, { title, lead, submit, path, destructive: true });
}

/** Asks once more before the member is mailed a way out. Posts to /tenant/members/reset. */
export function resetMemberPage(texts: Texts, values: RemovalValues): string {
  const { resetTitle: title, resetLead: lead, resetSubmit: submit } = texts.tenants.members;
  const path = '/tenant/members/reset';
  return renderQuestion(texts, values, { title, lead, submit, path, destructive: false });
}

interface Question {
  readonly title: string;
  readonly lead: string;
  readonly submit: string;
  readonly path: string;
  readonly destructive: boolean;
}

function renderQuestion(
  texts: Texts,
  { csrfToken, member }: RemovalValues,
  { title, lead, submit, path, destructive }: Question,
): string {
  return renderDocument(
    <Panel texts={texts} title={title} signOut={{ csrfToken }}>
      <p>
        <strong>
          <bdi>{member.displayName}</bdi>
        </strong>{' '}
        <bdi>{member.email}</bdi>
      </p>
      <p class="lead">{lead}</p>
      <form method="post" action={pathOf(texts, path)}>
        <HiddenField name="_csrf" value={csrfToken} />
        <HiddenField name="id" value={member.id} />
        <button class={`button primary${destructive ? ' destructive' : ''}`} type="submit">
          {submit}
        </button>
        <a class="button" href={pathOf(texts, '/tenant/members')}>
          {texts.actions.cancel}
        </a>
      </form>
    </Panel>,
  );
}
