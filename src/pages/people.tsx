import type { ComponentChildren } from 'preact';
import { HiddenField } from './form.tsx';
import type { Texts } from './texts.ts';

/** Somebody in a list. */
export interface PersonItem {
  readonly id: string;
  readonly displayName: string;
  readonly email: string;
}

interface PersonTextProps {
  readonly texts: Texts;
  readonly person: PersonItem & { readonly own?: boolean };
  /** The id of the element that names them, for the controls beside. */
  readonly name: string;
  /** In a section that has a heading of its own, theirs is below it. */
  readonly heading?: 'h2' | 'h3';
  readonly children?: ComponentChildren;
}

/** Who it is. */
export function PersonText(props: PersonTextProps) {
  const { texts, person, name, heading: Heading = 'h2', children } = props;
  return (
    <div class="session">
      <Heading>
        <bdi id={name}>{person.displayName}</bdi>
        {person.own && <span class="badge">{texts.tenants.members.you}</span>}
      </Heading>
      <p class="hint">
        <bdi>{person.email}</bdi>
      </p>
      {children}
    </div>
  );
}

interface RoleFormProps {
  readonly action: string;
  readonly csrfToken: string;
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly submit: string;
  readonly chosen: string;
  readonly choices: ReadonlyArray<readonly [value: string, text: string]>;
}

/** Gives somebody of a list another role. */
export function RoleForm(props: RoleFormProps) {
  const { action, csrfToken, id, name, label, submit, chosen, choices } = props;
  return (
    <form method="post" action={action}>
      <HiddenField name="_csrf" value={csrfToken} />
      <HiddenField name="id" value={id} />
      <label class="unseen" id={`role-of-${name}`} for={`select-${name}`}>
        {label}
      </label>
      <select
        id={`select-${name}`}
        name="role"
        autocomplete="off"
        aria-labelledby={`role-of-${name} ${name}`}
      >
        {choices.map(([value, text]) => (
          <option key={value} value={value} selected={value === chosen}>
            {text}
          </option>
        ))}
      </select>
      <button
        class="button small"
        type="submit"
        id={`change-${name}`}
        aria-labelledby={`change-${name} ${name}`}
      >
        {submit}
      </button>
    </form>
  );
}

interface SearchFieldProps {
  readonly hint: string;
  readonly submit: string;
  readonly search: string;
  readonly children?: ComponentChildren;
}

/** What is looked for among people; its label is before it, and points at `search`. */
export function SearchField({ hint, submit, search, children }: SearchFieldProps) {
  return (
    <>
      <p class="hint" id="search-hint">
        {hint}
      </p>
      <div>
        <input
          id="search"
          type="search"
          name="search"
          value={search}
          dir="auto"
          autocomplete="off"
          aria-describedby="search-hint"
        />
        <button class="button" type="submit">
          {submit}
        </button>
        {children}
      </div>
    </>
  );
}
