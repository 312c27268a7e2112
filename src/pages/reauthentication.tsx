import { revealPassword } from './assets.ts';
import { renderDocument } from './document.tsx';
import { HiddenField, NameForPasswordManagers, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import { Failure, Panel } from './panel.tsx';
import type { Texts } from './texts.ts';

interface ReauthenticationValues {
  readonly csrfToken: string;
  readonly email: string;
  /** Where to go on afterwards. It comes back with the form and must be checked then. */
  readonly returnTo: string;
  readonly failed: boolean;
  /** Whether the account has a second factor, which is then asked for too. */
  readonly secondFactor?: boolean;
}

/** Asks somebody who is signed in to prove again who they are, before a change that matters. */
export function reauthenticationPage(texts: Texts, values: ReauthenticationValues): string {
  const { csrfToken, email, returnTo, failed, secondFactor = false } = values;
  const { title, lead, submit } = texts.reauthentication;
  return renderDocument(
    <Panel
      texts={texts}
      title={title}
      failed={failed}
      signOut={{ csrfToken }}
      scripts={[revealPassword]}
    >
      <p class="lead">
        {lead}{' '}
        <strong class="address">
          <bdi>{email}</bdi>
        </strong>
      </p>
      <form method="post" action={pathOf(texts, '/re-authenticate')}>
        {failed && (
          <Failure>
            {secondFactor ? texts.reauthentication.failedWithCode : texts.reauthentication.failed}
          </Failure>
        )}
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
            hint={texts.reauthentication.codeHint}
            invalidBecause={failed ? 'failed' : undefined}
          />
        )}
        <button class="button primary" type="submit">
          {submit}
        </button>
        <a class="button" href={pathOf(texts, '/account')}>
          {texts.actions.cancel}
        </a>
      </form>
    </Panel>,
  );
}
