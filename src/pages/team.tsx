import { renderDocument } from './document.tsx';
import { ErrorSummary, type FieldError, HiddenField } from './form.tsx';
import { pathOf } from './link.ts';
import { NextPage } from './next-page.tsx';
import { Panel } from './panel.tsx';
import { type PersonItem, PersonText, RoleForm, SearchField } from './people.tsx';
import { TeamFields } from './teams.tsx';
import { TenantDocument, type TenantPageValues } from './tenant-document.tsx';
import type { Texts } from './texts.ts';

export interface TeamMemberItem extends PersonItem {
  readonly role: 'lead' | 'member';
  readonly own: boolean;
}

interface TeamValues extends TenantPageValues {
  readonly team: { readonly slug: string; readonly name: string };
  readonly members: readonly TeamMemberItem[];
  /** The path of the next page, null on the last. */
  readonly next: string | null;
  /** Whether the reader may change who is in the team. */
  readonly mayWrite: boolean;
  /** And whether they may delete it. */
  readonly mayDelete: boolean;
  /** What was searched for among the members of the tenant, and who was found. */
  readonly search: string;
  readonly found: readonly PersonItem[];
  /** What was typed, where it was refused. */
  readonly changed?: { readonly name: string; readonly slug: string } | undefined;
  readonly errors: readonly FieldError[];
}

/** One team: who is in it, and for those who lead it the way in and out. */
export function teamPage(texts: Texts, values: TeamValues): string {
  const { team, members, next, mayWrite, mayDelete, errors } = values;
  const words = texts.teams;
  const path = pathOf(texts, `/tenant/teams/${team.slug}`);
  return renderDocument(
    <TenantDocument texts={texts} section="teams" values={values} failed={errors.length > 0}>
      <ErrorSummary texts={texts} errors={errors} fields={['name', 'slug']} />
      <p class="lead">
        <strong>
          <bdi>{team.name}</bdi>
        </strong>{' '}
        <a href={pathOf(texts, '/tenant/teams')}>{words.all}</a>
      </p>
      {members.length === 0 && <p>{words.empty}</p>}
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
      {mayWrite && <AddForms texts={texts} values={values} path={path} />}
      {mayWrite && (
        <section class="card">
          <h2>{words.nameTitle}</h2>
          <form method="post" action={path}>
            <HiddenField name="_csrf" value={values.csrfToken} />
            <TeamFields texts={texts} team={values.changed ?? team} errors={errors} />
            <button class="button primary" type="submit">
              {words.save}
            </button>
          </form>
        </section>
      )}
      {mayDelete && (
        <p class="actions">
          <a class="button destructive" href={`${path}/delete`}>
            {words.deleteOpen}
          </a>
        </p>
      )}
    </TenantDocument>,
  );
}

interface MemberProps {
  readonly texts: Texts;
  readonly values: TeamValues;
  readonly member: TeamMemberItem;
  /** The id of the element that names the member, for the controls beside. */
  readonly name: string;
}

function Member({ texts, values, member, name }: MemberProps) {
  const { roles } = texts.teams;
  return (
    <li>
      <PersonText texts={texts} person={member} name={name}>
        {!values.mayWrite && <p>{roles[member.role]}</p>}
      </PersonText>
      {values.mayWrite && <MemberForms texts={texts} values={values} member={member} name={name} />}
    </li>
  );
}

function MemberForms({ texts, values, member, name }: MemberProps) {
  const { role, roles, change, takeOut } = texts.teams;
  const action = pathOf(texts, `/tenant/teams/${values.team.slug}/members`);
  return (
    <div class="controls">
      <RoleForm
        action={action}
        csrfToken={values.csrfToken}
        id={member.id}
        name={name}
        label={role}
        submit={change}
        chosen={member.role}
        choices={(['lead', 'member'] as const).map((each) => [each, roles[each]])}
      />
      <form method="post" action={action}>
        <HiddenField name="_csrf" value={values.csrfToken} />
        <HiddenField name="id" value={member.id} />
        <HiddenField name="role" value="none" />
        <button
          class="button small"
          type="submit"
          id={`out-${name}`}
          aria-labelledby={`out-${name} ${name}`}
        >
          {takeOut}
        </button>
      </form>
    </div>
  );
}

interface AddProps {
  readonly texts: Texts;
  readonly values: TeamValues;
  readonly path: string;
}

function AddForms({ texts, values, path }: AddProps) {
  const { addTitle, addHint, find, add, nobody } = texts.teams;
  const { search, found, csrfToken } = values;
  return (
    <section class="card">
      <h2 id="add">{addTitle}</h2>
      <form class="search" method="get" action={path} role="search">
        <label class="unseen" for="search">
          {find}
        </label>
        <SearchField hint={addHint} submit={find} search={search} />
      </form>
      {search !== '' && found.length === 0 && <p role="status">{nobody}</p>}
      {found.length > 0 && (
        <ul class="sessions">
          {found.map((person, index) => (
            <li key={person.id}>
              <PersonText texts={texts} person={person} name={`found-${index + 1}`} heading="h3" />
              <form method="post" action={`${path}/members`}>
                <HiddenField name="_csrf" value={csrfToken} />
                <HiddenField name="id" value={person.id} />
                <HiddenField name="role" value="member" />
                <button
                  class="button small"
                  type="submit"
                  id={`add-${index + 1}`}
                  aria-labelledby={`add-${index + 1} found-${index + 1}`}
                >
                  {add}
                </button>
              </form>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

interface DeletionValues {
  readonly csrfToken: string;
  readonly team: { readonly slug: string; readonly name: string };
}

/** Asks once more. Posts to /tenant/teams/SLUG/delete. */
export function deleteTeamPage(texts: Texts, { csrfToken, team }: DeletionValues): string {
  const { deleteTitle, deleteLead, deleteSubmit } = texts.teams;
  const path = pathOf(texts, `/tenant/teams/${team.slug}`);
  return renderDocument(
    <Panel texts={texts} title={deleteTitle} signOut={{ csrfToken }}>
      <p>
        <strong>
          <bdi>{team.name}</bdi>
        </strong>
      </p>
      <p class="lead">{deleteLead}</p>
      <form method="post" action={`${path}/delete`}>
        <HiddenField name="_csrf" value={csrfToken} />
        <button class="button primary destructive" type="submit">
          {deleteSubmit}
        </button>
        <a class="button" href={path}>
          {texts.actions.cancel}
        </a>
      </form>
    </Panel>,
  );
}
