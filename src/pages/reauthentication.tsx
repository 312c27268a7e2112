import { passkeysScript, revealPassword } from './assets.ts';
import { renderDocument } from './document.tsx';
import { HiddenField, NameForPasswordManagers, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import { Failure, Panel } from './panel.tsx';
import { PasskeyCeremony } from './passkey-ceremony.tsx';
import { type OfferedProvider, ProviderButtons } from './providers.tsx';
import type { Texts } from './texts.ts';

interface ReauthenticationValues {
  readonly csrfToken: string;
  readonly email: string;
  /** Where to go on afterwards. It comes back with the form and must be checked then. */
  readonly returnTo: string;
  readonly failed: boolean;
  /** Whether a tenant asks for it, and may ask for more than the account does. */
  readonly forTenant?: boolean;
  /** Whether the account has a password. */
  readonly hasPassword: boolean;
  /** Whether it has a second factor whose code is then asked for beside the password. */
  readonly secondFactor: boolean;
  /** What the browser is asked for a passkey with; null where the account has none. */
  readonly passkeyOptions: object | null;
  /** With whom the person can prove it, too. */
  readonly providers?: readonly OfferedProvider[];
}

/** Asks somebody who is signed in to prove again who they are, before a change that matters. */
export function reauthenticationPage(texts: Texts, values: ReauthenticationValues): string {
  const { csrfToken, email, returnTo, failed, hasPassword, secondFactor, passkeyOptions } = values;
  const { title, failedWithCode, failed: failedText } = texts.reauthentication;
  const { lead, tenantLead } = texts.reauthentication;
  return renderDocument(
    <Panel
      texts={texts}
      title={title}
      failed={failed}
      signOut={{ csrfToken }}
      scripts={[
        ...(hasPassword ? [revealPassword] : []),
        ...(passkeyOptions ? [passkeysScript] : []),
      ]}
    >
      <p class="lead">
        {values.forTenant ? tenantLead : lead}{' '}
        <strong class="address">
          <bdi>{email}</bdi>
        </strong>
      </p>
      {failed && <Failure>{secondFactor ? failedWithCode : failedText}</Failure>}
      {passkeyOptions && (
        <PasskeyCeremony
          texts={texts}
          csrfToken={csrfToken}
          kind="get"
          options={passkeyOptions}
          path="/re-authenticate/with-passkey"
          submit={texts.passkeys.prove}
          instead={texts.passkeys.instead.prove}
          atMain="/account"
        >
          <HiddenField name="return_to" value={returnTo} />
        </PasskeyCeremony>
      )}
      {hasPassword && <PasswordForm texts={texts} values={values} />}
      <ProviderButtons
        texts={texts}
        csrfToken={csrfToken}
        providers={values.providers ?? []}
        path="/re-authenticate/provider"
        label={texts.providers.prove}
        returnTo={returnTo}
      />
      <p class="actions">
        <a class="button" href={pathOf(texts, '/account')}>
          {texts.actions.cancel}
        </a>
      </p>
    </Panel>,
  );
}

interface PasswordFormProps {
  readonly texts: Texts;
  readonly values: ReauthenticationValues;
}

function PasswordForm({ texts, values }: PasswordFormProps) {
  const { csrfToken, email, returnTo, failed, secondFactor, passkeyOptions } = values;
  const { submit, codeHint } = texts.reauthentication;
  return (
    <form method="post" action={pathOf(texts, '/re-authenticate')}>
      {passkeyOptions && <p class="lead">{texts.passkeys.orPassword}</p>}
      <HiddenField name="_csrf" value={csrfToken} />
      <HiddenField name="return_to" value={returnTo} />
      <NameForPasswordManagers email={email} />
      <TextField
        texts={texts}
        name="password"
        type="password"
        autocomplete="current-password"
        showHint={false}
        invalidBecause={failed ? 'failed' : undefined}
        autofocus
      />
      {secondFactor && (
        <TextField
          texts={texts}
          name="code"
          type="text"
          autocomplete="one-time-code"
          hint={codeHint}
          invalidBecause={failed ? 'failed' : undefined}
        />
      )}
      <button class="button primary" type="submit">
        {submit}
      </button>
    </form>
  );
}
