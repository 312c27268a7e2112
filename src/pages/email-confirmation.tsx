import { revealPassword } from './assets.ts';
import { renderDocument } from './document.tsx';
import { HiddenField, NameForPasswordManagers, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import { Panel, renderOutcome } from './panel.tsx';
import type { Texts } from './texts.ts';

interface EmailConfirmationValues {
  readonly csrfToken: string;
  readonly token: string;
  /** Where the link alone is not enough: `required` at first, then what was wrong. */
  readonly asked?: {
    readonly passwordProblem: string;
    readonly address: string;
  };
}

/**
 * Where the link in the mail leads: a button and nothing else. Mail scanners and previews open
 * links, so opening one must not consume its token; only the form does. In another browser than
 * that of the sign-up the button leads to a question for its password, which a reader who has not
 * signed up cannot answer: the account would be that of whoever did (CWE-294, CWE-287, R-43).
 */
export function emailConfirmationPage(texts: Texts, values: EmailConfirmationValues): string {
  const { title, submit } = texts.emailConfirmation;
  const { asked } = values;
  const wrong = asked?.passwordProblem === 'wrong-password';
  const { lead, notYou } = asked ? texts.emailConfirmation.withPassword : texts.emailConfirmation;
  return renderDocument(
    <Panel
      texts={texts}
      title={title}
      failed={wrong}
      secretAddress
      scripts={asked ? [revealPassword] : []}
    >
      <p class="lead">{lead}</p>
      <form method="post" action={pathOf(texts, '/confirm-email')}>
        <HiddenField name="_csrf" value={values.csrfToken} />
        <HiddenField name="token" value={values.token} />
        {asked && <NameForPasswordManagers email={asked.address} />}
        {asked && (
          <TextField
            texts={texts}
            name="password"
            type="password"
            autocomplete="current-password"
            showHint={false}
            errors={wrong ? [{ field: 'password', reason: asked.passwordProblem }] : []}
            autofocus
          />
        )}
        <button class="button primary" type="submit">
          {submit}
        </button>
      </form>
      <p class="aside">{notYou}</p>
    </Panel>,
  );
}

export function emailConfirmedPage(texts: Texts): string {
  const actions = [{ href: pathOf(texts, '/sign-in'), text: texts.actions.signIn }];
  return renderOutcome(texts, { ...texts.emailConfirmed, actions });
}

/** For a link that is expired, used or unknown: one page, so that nobody learns which. */
export function invalidLinkPage(texts: Texts): string {
  const actions = [
    { href: pathOf(texts, '/sign-in'), text: texts.actions.signIn },
    { href: pathOf(texts, '/sign-up'), text: texts.actions.signUpAgain },
  ];
  return renderOutcome(texts, { ...texts.invalidLink, actions });
}
