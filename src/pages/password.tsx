import { AccountDocument } from './account-document.tsx';
import type { AccountPageValues } from './account-document.tsx';
import { renderDocument } from './document.tsx';
import {
  ErrorSummary,
  HiddenField,
  NameForPasswordManagers,
  passwordCharactersMin,
  TextField,
} from './form.tsx';
import type { FieldError } from './form.tsx';
import { pathOf } from './link.ts';
import { Panel } from './panel.tsx';
import type { Texts } from './texts.ts';

interface PasswordValues extends AccountPageValues {
  readonly email: string;
  readonly errors: readonly FieldError[];
  /** Whether the account has a password; one without is given its first. */
  readonly hasPassword: boolean;
}

/** The form to change the password, which takes the one that it replaces (ASVS 6.2.3). */
export function passwordPage(texts: Texts, values: PasswordValues): string {
  const { csrfToken, email, errors, hasPassword } = values;
  const { lead, submit, absent, add, remove } = texts.passwordChange;
  return renderDocument(
    <AccountDocument texts={texts} section="password" values={values} failed={errors.length > 0}>
      <ErrorSummary texts={texts} errors={errors} fields={['currentPassword', 'newPassword']} />
      <p class="lead">{hasPassword ? lead : absent}</p>
      <form class="card" method="post" action={pathOf(texts, '/account/password')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <NameForPasswordManagers email={email} />
        {hasPassword && (
          <TextField
            texts={texts}
            name="currentPassword"
            type="password"
            autocomplete="current-password"
            errors={errors}
          />
        )}
        <TextField
          texts={texts}
          name="newPassword"
          type="password"
          autocomplete="new-password"
          minlength={passwordCharactersMin}
          errors={errors}
        />
        <button class="button primary" type="submit">
          {hasPassword ? submit : add}
        </button>
      </form>
      {hasPassword && (
        <p class="actions">
          <a class="button" href={pathOf(texts, '/account/password/remove')}>
            {remove}
          </a>
        </p>
      )}
    </AccountDocument>,
  );
}

/** Asks once more before the account is opened with a passkey alone. */
export function removePasswordPage(
  texts: Texts,
  { csrfToken }: { readonly csrfToken: string },
): string {
  const { removeTitle, removeLead, remove } = texts.passwordChange;
  return renderDocument(
    <Panel texts={texts} title={removeTitle} signOut={{ csrfToken }}>
      <p class="lead">{removeLead}</p>
      <form method="post" action={pathOf(texts, '/account/password/remove')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <button class="button primary" type="submit">
          {remove}
        </button>
        <a class="button" href={pathOf(texts, '/account/password')}>
          {texts.actions.cancel}
        </a>
      </form>
    </Panel>,
  );
}
