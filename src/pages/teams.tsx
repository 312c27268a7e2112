import { renderDocument } from './document.tsx';
import { ErrorSummary, type FieldError, HiddenField, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import { NextPage } from './next-page.tsx';
import { TenantDocument, type TenantPageValues } from './tenant-document.tsx';
import type { Texts } from './texts.ts';

export interface TeamItem {
  readonly slug: string;
  readonly name: string;
  readonly members: number;
  readonly ownRole: 'lead' | 'member' | null;
}

interface TeamsValues extends TenantPageValues {
  readonly teams: readonly TeamItem[];
  /** The path of the next page, null on the last. */
  readonly next: string | null;
  readonly mayWrite: boolean;
  /** What was typed, where it was refused. */
  readonly made?: { readonly name: string; readonly slug: string } | undefined;
  readonly errors: readonly FieldError[];
}

/** The teams of a tenant, and the form for a new one. */
export function teamsPage(texts: Texts, values: TeamsValues): string {
  const { teams, next, mayWrite, errors } = values;
  const words = texts.teams;
  return renderDocument(
    <TenantDocument texts={texts} section="teams" values={values} failed={errors.length > 0}>
      <ErrorSummary texts={texts} errors={errors} fields={['name', 'slug']} />
      <p class="lead">{teams.length > 0 ? words.lead : words.none}</p>
      {teams.length > 0 && (
        <ul class="card sessions">
          {teams.map((team) => (
            <li key={team.slug}>
              <div class="session">
                <h2>
                  <a href={pathOf(texts, `/tenant/teams/${team.slug}`)}>
                    <bdi>{team.name}</bdi>
                  </a>
                  {team.ownRole && <span class="badge">{words.roles[team.ownRole]}</span>}
                </h2>
                <p class="hint">{words.members(team.members)}</p>
              </div>
            </li>
          ))}
        </ul>
      )}
      <NextPage texts={texts} next={next} label={words.next} />
      {mayWrite && <MakeForm texts={texts} values={values} />}
    </TenantDocument>,
  );
}

function MakeForm({ texts, values }: { readonly texts: Texts; readonly values: TeamsValues }) {
  const { makeTitle, make } = texts.teams;
  const { csrfToken, made, errors } = values;
  return (
    <section class="card">
      <h2>{makeTitle}</h2>
      <form method="post" action={pathOf(texts, '/tenant/teams')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <TeamFields texts={texts} team={made} errors={errors} />
        <button class="button primary" type="submit">
          {make}
        </button>
      </form>
    </section>
  );
}

interface TeamFieldsProps {
  readonly texts: Texts;
  readonly team?: { readonly name: string; readonly slug: string } | undefined;
  readonly errors: readonly FieldError[];
}

export function TeamFields({ texts, team, errors }: TeamFieldsProps) {
  return (
    <>
      <TextField
        texts={texts}
        name="name"
        type="text"
        autocomplete="off"
        value={team?.name}
        errors={errors}
      />
      <TextField
        texts={texts}
        name="slug"
        type="text"
        autocomplete="off"
        hint={texts.teams.slugHint}
        value={team?.slug}
        required={false}
        errors={errors}
      />
    </>
  );
}
