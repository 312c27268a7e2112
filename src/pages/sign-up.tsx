import { revealPassword } from './assets.ts';
import { renderDocument } from './document.tsx';
import { ErrorSummary, HiddenField, passwordCharactersMin, TextField } from './form.tsx';
import type { FieldError } from './form.tsx';
import { pathOf } from './link.ts';
import { Mailed } from './mailed.tsx';
import { Panel } from './panel.tsx';
import { type OfferedProvider, ProviderButtons } from './providers.tsx';
import type { Texts } from './texts.ts';

interface SignUpValues {
  readonly csrfToken: string;
  readonly displayName?: string | undefined;
  readonly email?: string | undefined;
  readonly errors: readonly FieldError[];
  /** With whom one can sign up, too. */
  readonly providers?: readonly OfferedProvider[];
}

/** The form for a new account, with what was wrong the last time. Posts to /sign-up. */
export function signUpPage(texts: Texts, values: SignUpValues): string {
  const { csrfToken, displayName, email, errors, providers = [] } = values;
  const { title, lead, submit, haveAccount } = texts.signUp;
  return renderDocument(
    <Panel texts={texts} title={title} failed={errors.length > 0} scripts={[revealPassword]}>
      <ErrorSummary texts={texts} errors={errors} fields={['displayName', 'email', 'password']} />
      <p class="lead">{lead}</p>
      <p class="actions">
        <a class="button primary" href={pathOf(texts, '/sign-up/with-passkey')}>
          {texts.firstPasskey.offer}
        </a>
      </p>
      <form method="post" action={pathOf(texts, '/sign-up')}>
        <p class="lead">{texts.firstPasskey.orPassword}</p>
        <HiddenField name="_csrf" value={csrfToken} />
        <TextField
          texts={texts}
          name="displayName"
          type="text"
          autocomplete="name"
          value={displayName}
          errors={errors}
        />
        <TextField
          texts={texts}
          name="email"
          type="email"
          autocomplete="username"
          value={email}
          errors={errors}
        />
        <TextField
          texts={texts}
          name="password"
          type="password"
          autocomplete="new-password"
          minlength={passwordCharactersMin}
          errors={errors}
        />
        <button class="button primary" type="submit">
          {submit}
        </button>
      </form>
      <ProviderButtons
        texts={texts}
        csrfToken={csrfToken}
        providers={providers}
        path="/sign-in/provider"
        label={texts.providers.signUp}
      />
      <p class="aside">
        {haveAccount} <a href={pathOf(texts, '/sign-in')}>{texts.actions.signIn}</a>
      </p>
    </Panel>,
  );
}

interface CheckMailValues {
  readonly csrfToken: string;
  readonly email: string;
}

/**
 * What everybody sees after signing up, whether or not the address has an account already: only the
 * owner of the mailbox may learn that (ASVS 6.3.8).
 */
export function checkMailPage(texts: Texts, { csrfToken, email }: CheckMailValues): string {
  return renderDocument(
    <Mailed texts={texts} words={texts.checkMail} email={email}>
      <form method="post" action={pathOf(texts, '/resend-confirmation')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <HiddenField name="email" value={email} />
        <button class="button" type="submit">
          {texts.recovery.resend}
        </button>
      </form>
      <a class="button" href={pathOf(texts, '/sign-up')}>
        {texts.checkMail.otherAddress}
      </a>
    </Mailed>,
  );
}
