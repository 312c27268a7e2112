import { AccountDocument } from './account-document.tsx';
import type { AccountPageValues } from './account-document.tsx';
import { renderDocument } from './document.tsx';
import { ErrorSummary, HiddenField, TextField } from './form.tsx';
import type { FieldError } from './form.tsx';
import { SentenceWithMoment } from './moment.tsx';
import { Panel, renderOutcome } from './panel.tsx';
import { pathOf } from './link.ts';
import type { Texts } from './texts.ts';

interface EmailValues extends AccountPageValues {
  readonly email: string;
  /** A change that was asked for and waits for the link in the mail. */
  readonly pending?: { readonly address: string; readonly expiresAt: Date } | undefined;
  /** What was typed, after it was refused. */
  readonly value?: string | undefined;
  readonly errors: readonly FieldError[];
}

/** The address of an account, and the form to change it. Posts to /account/email. */
export function emailPage(texts: Texts, values: EmailValues): string {
  const { csrfToken, email, pending, value, errors } = values;
  const { current, fieldLabel, lead, submit } = texts.emailChange;
  return renderDocument(
    <AccountDocument texts={texts} section="email" values={values} failed={errors.length > 0}>
      <ErrorSummary texts={texts} errors={errors} fields={['email']} />
      <p class="lead">
        {current}{' '}
        <strong class="address">
          <bdi>{email}</bdi>
        </strong>
      </p>
      {pending && <PendingChange texts={texts} pending={pending} />}
      <form class="card" method="post" action={pathOf(texts, '/account/email')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <TextField
          texts={texts}
          name="email"
          type="email"
          label={fieldLabel}
          hint={lead}
          autocomplete="email"
          value={value}
          errors={errors}
        />
        <button class="button primary" type="submit">
          {submit}
        </button>
      </form>
    </AccountDocument>,
  );
}

interface PendingChangeProps {
  readonly texts: Texts;
  readonly pending: { readonly address: string; readonly expiresAt: Date };
}

function PendingChange({ texts, pending }: PendingChangeProps) {
  const { pendingTitle, pendingUntil, pendingNext } = texts.emailChange;
  return (
    <section class="card pending" aria-labelledby="pending">
      <h2 id="pending">{pendingTitle}</h2>
      <p>
        <strong class="address">
          <bdi>{pending.address}</bdi>
        </strong>
      </p>
      <p class="hint">
        <SentenceWithMoment texts={texts} text={pendingUntil} at={pending.expiresAt} />{' '}
        {pendingNext}
      </p>
    </section>
  );
}

/** After the link to a new address was followed, perhaps in a browser that is not signed in. */
export function emailChangedPage(texts: Texts): string {
  const actions = [{ href: pathOf(texts, '/account'), text: texts.actions.account }];
  return renderOutcome(texts, { ...texts.emailChanged, actions });
}

interface EmailRevertValues {
  readonly csrfToken: string;
  readonly token: string;
}

/**
 * Where the link in the notice to the old address leads. As with every mailed link, opening it does
 * nothing and its one button does (ASVS 3.5.3). Posts to /revert-email.
 */
export function emailRevertPage(texts: Texts, { csrfToken, token }: EmailRevertValues): string {
  const { title, lead, submit, notYou } = texts.emailRevert;
  return renderDocument(
    <Panel texts={texts} title={title} secretAddress>
      <p class="lead">{lead}</p>
      <form method="post" action={pathOf(texts, '/revert-email')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <HiddenField name="token" value={token} />
        <button class="button primary" type="submit">
          {submit}
        </button>
      </form>
      <p class="aside">{notYou}</p>
    </Panel>,
  );
}

export function emailRevertedPage(texts: Texts): string {
  const actions = [{ href: pathOf(texts, '/sign-in'), text: texts.actions.signIn }];
  return renderOutcome(texts, { ...texts.emailReverted, actions });
}
