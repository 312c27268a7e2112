import { revealPassword } from './assets.ts';
import { Document, renderDocument } from './document.tsx';
import { HiddenField, NameForPasswordManagers, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import type { Texts } from './texts.ts';

interface ReauthenticationValues {
  readonly csrfToken: string;
  readonly email: string;
  /** Where to go on afterwards. It comes back with the form and must be checked then. */
  readonly returnTo: string;
  readonly failed: boolean;
}

/** Asks somebody who is signed in for the password again, before a change that matters. */
export function reauthenticationPage(texts: Texts, values: ReauthenticationValues): string {
  const { csrfToken, email, returnTo, failed } = values;
  const { title, lead, submit } = texts.reauthentication;
  return renderDocument(
    <Document
      texts={texts}
      title={failed ? texts.errorTitle(title) : title}
      shape="panel"
      signOut={{ csrfToken }}
      scripts={[revealPassword]}
    >
      <h1>{title}</h1>
      <p class="lead">
        {lead}{' '}
        <strong class="address">
          <bdi>{email}</bdi>
        </strong>
      </p>
      <form method="post" action={pathOf(texts, '/re-authenticate')}>
        {failed && (
          <div class="notice wrong" role="alert" id="failed">
            <p>{texts.reauthentication.failed}</p>
          </div>
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
        <button class="button primary" type="submit">
          {submit}
        </button>
        <a class="button" href={pathOf(texts, '/account')}>
          {texts.actions.cancel}
        </a>
      </form>
    </Document>,
  );
}
