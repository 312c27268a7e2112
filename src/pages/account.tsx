import { AccountDocument } from './account-document.tsx';
import type { AccountPageValues } from './account-document.tsx';
import { renderDocument } from './document.tsx';
import { ErrorSummary, HiddenField, TextField } from './form.tsx';
import type { FieldError } from './form.tsx';
import { pathOf } from './link.ts';
import type { Texts } from './texts.ts';

interface AccountValues extends AccountPageValues {
  readonly displayName: string;
  readonly email: string;
  readonly errors: readonly FieldError[];
}

/** A person's own page: who is signed in, and the profile. Posts to /account. */
export function accountPage(texts: Texts, values: AccountValues): string {
  const { csrfToken, displayName, email, errors } = values;
  return renderDocument(
    <AccountDocument texts={texts} section="profile" values={values} failed={errors.length > 0}>
      <ErrorSummary texts={texts} errors={errors} fields={['displayName']} />
      <p class="lead">{texts.profile.lead}</p>
      <form class="card" method="post" action={pathOf(texts, '/account')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <TextField
          texts={texts}
          name="displayName"
          type="text"
          autocomplete="name"
          value={displayName}
          errors={errors}
        />
        <button class="button primary" type="submit">
          {texts.profile.submit}
        </button>
      </form>
      <section class="card row" aria-labelledby="address">
        <div>
          <h2 id="address">{texts.account.sections.email}</h2>
          <p class="hint">
            <bdi>{email}</bdi>
          </p>
        </div>
        <a
          class="button small"
          href={pathOf(texts, '/account/email')}
          id="change-address"
          aria-labelledby="change-address address"
        >
          {texts.actions.change}
        </a>
      </section>
    </AccountDocument>,
  );
}
