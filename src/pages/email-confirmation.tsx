import { Document, renderDocument } from './document.tsx';
import { HiddenField } from './form.tsx';
import type { Texts } from './texts.ts';

interface EmailConfirmationValues {
  readonly csrfToken: string;
  readonly token: string;
}

/**
 * Where the link in the mail leads: a button and nothing else. Mail scanners and previews open
 * links, so opening one must not consume its token; only the form does. It also asks whether the
 * reader signed up at all, since the account has the password of whoever did (CWE-294, ASVS 3.5.3).
 */
export function emailConfirmationPage(texts: Texts, values: EmailConfirmationValues): string {
  const { title, lead, submit, notYou } = texts.emailConfirmation;
  return renderDocument(
    <Document texts={texts} title={title} shape="panel" secretAddress>
      <h1>{title}</h1>
      <p class="lead">{lead}</p>
      <form method="post" action="/confirm-email">
        <HiddenField name="_csrf" value={values.csrfToken} />
        <HiddenField name="token" value={values.token} />
        <button class="button primary" type="submit">
          {submit}
        </button>
      </form>
      <p class="aside">{notYou}</p>
    </Document>,
  );
}

export function emailConfirmedPage(texts: Texts): string {
  const { title, text } = texts.emailConfirmed;
  return renderDocument(
    <Document texts={texts} title={title} shape="panel">
      <h1>{title}</h1>
      <p class="lead">{text}</p>
      <p class="actions">
        <a class="button primary" href="/sign-in">
          {texts.actions.signIn}
        </a>
      </p>
    </Document>,
  );
}

/** For a link that is expired, used or unknown: one page, so that nobody learns which. */
export function invalidLinkPage(texts: Texts): string {
  const { title, text, next } = texts.invalidLink;
  return renderDocument(
    <Document texts={texts} title={title} shape="panel">
      <h1>{title}</h1>
      <p class="lead">{text}</p>
      <p>{next}</p>
      <p class="actions">
        <a class="button primary" href="/sign-in">
          {texts.actions.signIn}
        </a>
        <a class="button" href="/sign-up">
          {texts.actions.signUpAgain}
        </a>
      </p>
    </Document>,
  );
}
