import { revealPassword } from './assets.ts';
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
import { Mailed } from './mailed.tsx';
import { Panel, renderOutcome } from './panel.tsx';
import type { Texts } from './texts.ts';

interface ForgotPasswordValues {
  readonly csrfToken: string;
  readonly email?: string | undefined;
  readonly errors: readonly FieldError[];
}

/** Asks for the address that a link shall be mailed to. Posts to /forgot-password. */
export function forgotPasswordPage(texts: Texts, values: ForgotPasswordValues): string {
  const { csrfToken, email, errors } = values;
  const { title, lead, submit, remembered } = texts.recovery.forgot;
  return renderDocument(
    <Panel texts={texts} title={title} failed={errors.length > 0}>
      <ErrorSummary texts={texts} errors={errors} fields={['email']} />
      <p class="lead">{lead}</p>
      <form method="post" action={pathOf(texts, '/forgot-password')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <TextField
          texts={texts}
          name="email"
          type="email"
          autocomplete="username"
          value={email}
          errors={errors}
        />
        <button class="button primary" type="submit">
          {submit}
        </button>
      </form>
      <p class="aside">
        {remembered} <a href={pathOf(texts, '/sign-in')}>{texts.actions.signIn}</a>
      </p>
    </Panel>,
  );
}

/** What everybody sees who has asked, whether or not somebody has the address (ASVS 6.3.8). */
export function recoveryMailedPage(texts: Texts, { email }: { readonly email: string }): string {
  return renderDocument(
    <Mailed texts={texts} words={texts.recovery.mailed} email={email}>
      <a class="button" href={pathOf(texts, '/forgot-password')}>
        {texts.recovery.mailed.again}
      </a>
    </Mailed>,
  );
}

interface ResetPasswordValues {
  readonly csrfToken: string;
  readonly token: string;
  readonly email: string;
  readonly errors: readonly FieldError[];
}

/** Where the link of a forgotten password leads. Posts to /reset-password. */
export function resetPasswordPage(texts: Texts, values: ResetPasswordValues): string {
  return renderReset(texts, values, texts.recovery.reset, '/reset-password');
}

/** Where the link of a lost second factor leads. Posts to /reset-factors. */
export function resetFactorsPage(texts: Texts, values: ResetPasswordValues): string {
  return renderReset(texts, values, texts.recovery.factors, '/reset-factors');
}

/**
 * A form, and nothing happens before it is sent. Mail scanners open links, and must not use one up
 * (CWE-294).
 */
function renderReset(
  texts: Texts,
  { csrfToken, token, email, errors }: ResetPasswordValues,
  words: Texts['recovery']['reset'],
  path: string,
): string {
  const { title, lead, submit, notYou } = words;
  return renderDocument(
    <Panel
      texts={texts}
      title={title}
      failed={errors.length > 0}
      secretAddress
      scripts={[revealPassword]}
    >
      <ErrorSummary texts={texts} errors={errors} fields={['password']} />
      <p class="lead">{lead}</p>
      <form method="post" action={pathOf(texts, path)}>
        <HiddenField name="_csrf" value={csrfToken} />
        <HiddenField name="token" value={token} />
        <NameForPasswordManagers email={email} />
        <TextField
          texts={texts}
          name="password"
          type="password"
          autocomplete="new-password"
          minlength={passwordCharactersMin}
          label={texts.fields.newPassword.label}
          errors={errors}
        />
        <button class="button primary" type="submit">
          {submit}
        </button>
      </form>
      <p class="aside">{notYou}</p>
    </Panel>,
  );
}

export function passwordRecoveredPage(texts: Texts): string {
  const actions = [{ href: pathOf(texts, '/sign-in'), text: texts.actions.signIn }];
  return renderOutcome(texts, { ...texts.recovery.recovered, actions });
}

export function factorsResetPage(texts: Texts): string {
  const actions = [{ href: pathOf(texts, '/sign-in'), text: texts.actions.signIn }];
  return renderOutcome(texts, { ...texts.recovery.factors.done, actions });
}

/** For a link that is expired, used, replaced or unknown: one page, so that nobody learns which. */
export function invalidRecoveryPage(texts: Texts): string {
  const { title, text } = texts.invalidLink;
  const { next, again } = texts.recovery.invalid;
  const actions = [
    { href: pathOf(texts, '/forgot-password'), text: again },
    { href: pathOf(texts, '/sign-in'), text: texts.actions.signIn },
  ];
  return renderOutcome(texts, { title, text, next, actions });
}
