import { localTime } from './assets.ts';
import { renderDocument } from './document.tsx';
import { CheckField, ErrorSummary, HiddenField } from './form.tsx';
import type { FieldError } from './form.tsx';
import { SentenceWithMoment } from './moment.tsx';
import { Panel, renderOutcome } from './panel.tsx';
import { pathOf } from './link.ts';
import type { Texts } from './texts.ts';

interface DeletionValues {
  readonly csrfToken: string;
  /** How long a deletion can be taken back. */
  readonly graceDays: number;
  /** Whether the box was ticked before the password was asked for. */
  readonly confirmed?: boolean | undefined;
  readonly errors: readonly FieldError[];
}

/** What deleting the account means, and the one form that does it. Posts to /account/delete. */
export function deletionPage(texts: Texts, values: DeletionValues): string {
  const { csrfToken, graceDays, confirmed = false, errors } = values;
  const { deletionTitle, deletionLead, deletionSteps, deletionSubmit } = texts.data;
  return renderDocument(
    <Panel texts={texts} title={deletionTitle} failed={errors.length > 0} signOut={{ csrfToken }}>
      <ErrorSummary texts={texts} errors={errors} fields={['confirm']} />
      <p class="lead">{deletionLead}</p>
      <ul class="steps">
        {deletionSteps(graceDays).map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ul>
      <form method="post" action={pathOf(texts, '/account/delete')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <CheckField texts={texts} name="confirm" value="yes" checked={confirmed} errors={errors} />
        <button class="button primary destructive" type="submit">
          {deletionSubmit}
        </button>
        <a class="button" href={pathOf(texts, '/account/data')}>
          {texts.actions.cancel}
        </a>
      </form>
    </Panel>,
  );
}

/** After the deletion was asked for: its reader is signed out, and can still turn back. */
export function deletionRequestedPage(
  texts: Texts,
  { deletesAt }: { readonly deletesAt: Date },
): string {
  const { title, text, keep } = texts.deletionRequested;
  return renderOutcome(texts, {
    title,
    text: <SentenceWithMoment texts={texts} text={text} at={deletesAt} />,
    next: keep,
    actions: [{ href: pathOf(texts, '/sign-in'), text: texts.actions.signIn }],
    scripts: [localTime],
  });
}
