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
import type { Texts } from './texts.ts';

interface PasswordValues extends AccountPageValues {
  readonly email: string;
  readonly errors: readonly FieldError[];
}

/** The form to change the password, which takes the one that it replaces (ASVS 6.2.3). */
export function passwordPage(texts: Texts, values: PasswordValues): string {
  const { csrfToken, email, errors } = values;
  const { lead, submit } = texts.passwordChange;
  return renderDocument(
    <AccountDocument texts={texts} section="password" values={values} failed={errors.length > 0}>
      <ErrorSummary texts={texts} errors={errors} fields={['currentPassword', 'newPassword']} />
      <p class="lead">{lead}</p>
      <form class="card" method="post" action={pathOf(texts, '/account/password')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <NameForPasswordManagers email={email} />
        <TextField
          texts={texts}
          name="currentPassword"
          type="password"
          autocomplete="current-password"
          errors={errors}
        />
        <TextField
          texts={texts}
          name="newPassword"
          type="password"
          autocomplete="new-password"
          minlength={passwordCharactersMin}
          errors={errors}
        />
        <button class="button primary" type="submit">
          {submit}
        </button>
      </form>
    </AccountDocument>,
  );
}
