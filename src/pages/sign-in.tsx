import { passkeysScript, revealPassword } from './assets.ts';
import { renderDocument } from './document.tsx';
import { HiddenField, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import { Failure, Panel } from './panel.tsx';
import { PasskeyCeremony } from './passkey-ceremony.tsx';
import { type OfferedProvider, ProviderButtons } from './providers.tsx';
import type { Texts } from './texts.ts';

interface SignInValues {
  readonly csrfToken: string;
  readonly email?: string | undefined;
  /** Whether an attempt was refused. Why is not a value: the page must not be able to tell it. */
  readonly failed: boolean;
  /** What the browser is asked for a passkey with. */
  readonly passkeyOptions: object;
  /** With whom one can sign in, too. */
  readonly providers?: readonly OfferedProvider[];
  /** Whether a sign-in under way was over before its second factor. */
  readonly over?: boolean;
  /** Where to go on afterwards. It comes back with the form and must be checked then. */
  readonly returnTo?: string | undefined;
}

/** The sign-in form. One message stands for every way to fail (ASVS 6.3.8). Posts to /sign-in. */
export function signInPage(texts: Texts, values: SignInValues): string {
  const {
    csrfToken,
    email,
    failed,
    over = false,
    passkeyOptions,
    providers = [],
    returnTo,
  } = values;
  const { title, submit, noAccount } = texts.signIn;
  const invalidBecause = failed ? 'failed' : undefined;
  return renderDocument(
    <Panel texts={texts} title={title} failed={failed} scripts={[revealPassword, passkeysScript]}>
      <PasskeyCeremony
        texts={texts}
        csrfToken={csrfToken}
        kind="get"
        options={passkeyOptions}
        path="/sign-in/with-passkey"
        submit={texts.passkeys.signIn}
        instead={texts.passkeys.instead.signIn}
        // One that was just refused would be offered again, and by some browsers given, again and
        // again.
        conditional={!failed}
        atMain="/sign-in"
      >
        {returnTo !== undefined && <HiddenField name="return_to" value={returnTo} />}
      </PasskeyCeremony>
      <form method="post" action={pathOf(texts, '/sign-in')}>
        <p class="lead">{texts.passkeys.orPassword}</p>
        {failed && <Failure>{texts.signIn.failed}</Failure>}
        {over && <Failure>{texts.secondFactor.startAgain}</Failure>}
        <HiddenField name="_csrf" value={csrfToken} />
        {returnTo !== undefined && <HiddenField name="return_to" value={returnTo} />}
        <TextField
          texts={texts}
          name="email"
          type="email"
          autocomplete="username webauthn"
          value={email}
          invalidBecause={invalidBecause}
        />
        <TextField
          texts={texts}
          name="password"
          type="password"
          autocomplete="current-password"
          showHint={false}
          invalidBecause={invalidBecause}
          autofocus={failed}
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
        label={texts.providers.signIn}
        returnTo={returnTo}
      />
      <p class="aside">
        <a href={pathOf(texts, '/forgot-password')}>{texts.recovery.link}</a>
      </p>
      <p class="aside">
        {noAccount} <a href={pathOf(texts, '/sign-up')}>{texts.actions.signUp}</a>
      </p>
    </Panel>,
  );
}
