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
  const { title, sentTo, next, noMail } = texts.recovery.mailed;
  return renderDocument(
    <Panel texts={texts} title={title}>
      <p class="lead">
        {sentTo}{' '}
        <strong class="address">
          <bdi>{email}</bdi>
        </strong>
      </p>
      <p>{next}</p>
      <section class="quiet">
        <h2>{texts.checkMail.noMailTitle}</h2>
        <ul>
          {noMail.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        <a class="button" href={pathOf(texts, '/forgot-password')}>
          {texts.recovery.mailed.again}
        </a>
      </section>
    </Panel>,
  );
}

interface ResetPasswordValues {
  readonly csrfToken: string;
  readonly token: string;
  readonly email: string;
  readonly errors: readonly FieldError[];
}

/**
 * Where the mailed link leads: a form, and nothing happens before it is sent. Mail scanners open
 * links, and must not use one up (CWE-294). Posts to /reset-password.
 */
export function resetPasswordPage(texts: Texts, values: ResetPasswordValues): string {
  const { csrfToken, token, email, errors } = values;
  const { title, lead, submit, notYou } = texts.recovery.reset;
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
      <form method="post" action={pathOf(texts, '/reset-password')}>
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
