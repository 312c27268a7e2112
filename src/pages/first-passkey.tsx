import { passkeysScript, revealPassword } from './assets.ts';
import { renderDocument } from './document.tsx';
import {
  ErrorSummary,
  type FieldError,
  HiddenField,
  NameForPasswordManagers,
  passwordCharactersMin,
  TextField,
} from './form.tsx';
import { pathOf } from './link.ts';
import { Failure, Panel } from './panel.tsx';
import { PasskeyCeremony } from './passkey-ceremony.tsx';
import type { Texts } from './texts.ts';

interface PasskeySignUpValues {
  readonly csrfToken: string;
  readonly displayName?: string | undefined;
  readonly email?: string | undefined;
  readonly errors: readonly FieldError[];
}

/** The form for a new account without a password. Posts to /sign-up/with-passkey. */
export function passkeySignUpPage(texts: Texts, values: PasskeySignUpValues): string {
  const { csrfToken, displayName, email, errors } = values;
  const { title, lead, submit, orPassword } = texts.firstPasskey;
  return renderDocument(
    <Panel texts={texts} title={title} failed={errors.length > 0}>
      <ErrorSummary texts={texts} errors={errors} fields={['displayName', 'email']} />
      <p class="lead">{lead}</p>
      <form method="post" action={pathOf(texts, '/sign-up/with-passkey')}>
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
        <button class="button primary" type="submit">
          {submit}
        </button>
      </form>
      <p class="aside">
        <a href={pathOf(texts, '/sign-up')}>{orPassword}</a>
      </p>
    </Panel>,
  );
}

interface FirstPasskeyValues {
  readonly csrfToken: string;
  readonly token: string;
  /** Whose account it will be. */
  readonly address: string;
  readonly options: object;
  /** Whether the browser's passkey was refused. */
  readonly refused: boolean;
  readonly errors: readonly FieldError[];
}

/**
 * Where the link of a sign-up without a password leads: a passkey is made, or a password chosen, by
 * whoever reads the mailbox. Opening it consumes nothing: mail scanners do (CWE-294). Posts to
 * /confirm-email/with-passkey or to /confirm-email.
 */
export function firstPasskeyPage(texts: Texts, values: FirstPasskeyValues): string {
  const { csrfToken, token, address, options, refused, errors } = values;
  const words = texts.firstPasskey.choose;
  return renderDocument(
    <Panel
      texts={texts}
      title={words.title}
      failed={refused || errors.length > 0}
      secretAddress
      scripts={[revealPassword, passkeysScript]}
    >
      <ErrorSummary texts={texts} errors={errors} fields={['password']} />
      {refused && <Failure>{words.refused}</Failure>}
      <p class="lead">
        {words.lead}{' '}
        <strong class="address">
          <bdi>{address}</bdi>
        </strong>
      </p>
      <PasskeyCeremony
        texts={texts}
        csrfToken={csrfToken}
        kind="create"
        options={options}
        path="/confirm-email/with-passkey"
        submit={words.create}
        instead={texts.passkeys.instead.signUp}
      >
        <HiddenField name="token" value={token} />
      </PasskeyCeremony>
      <form method="post" action={pathOf(texts, '/confirm-email')}>
        <p class="lead">{texts.firstPasskey.orPassword}</p>
        <HiddenField name="_csrf" value={csrfToken} />
        <HiddenField name="token" value={token} />
        <NameForPasswordManagers email={address} />
        <TextField
          texts={texts}
          name="password"
          type="password"
          autocomplete="new-password"
          minlength={passwordCharactersMin}
          errors={errors}
        />
        <button class="button" type="submit">
          {words.submit}
        </button>
      </form>
      <p class="aside">{texts.emailConfirmation.notYou}</p>
    </Panel>,
  );
}
