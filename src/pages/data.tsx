import { AccountDocument } from './account-document.tsx';
import type { AccountPageValues } from './account-document.tsx';
import { localTime } from './assets.ts';
import { Document, renderDocument } from './document.tsx';
import { CheckField, ErrorSummary, HiddenField } from './form.tsx';
import type { FieldError } from './form.tsx';
import { SentenceWithMoment } from './moment.tsx';
import type { Texts } from './texts.ts';

interface DataValues extends AccountPageValues {
  /** How long a deletion can be taken back. */
  readonly graceDays: number;
  readonly errors?: readonly FieldError[] | undefined;
}

/** What is kept about a person, to take away (/account/export) or to end (/account/delete). */
export function dataPage(texts: Texts, values: DataValues): string {
  const { errors = [] } = values;
  const { exportTitle, exportLead, exportSubmit } = texts.data;
  return renderDocument(
    <AccountDocument texts={texts} section="data" values={values} failed={errors.length > 0}>
      <ErrorSummary texts={texts} errors={errors} fields={['confirm']} />
      <section class="card" aria-labelledby="export">
        <h2 id="export">{exportTitle}</h2>
        <p class="hint">{exportLead}</p>
        <a class="button" href="/account/export" download>
          {exportSubmit}
        </a>
      </section>
      <Deletion texts={texts} values={values} />
    </AccountDocument>,
  );
}

interface DeletionProps {
  readonly texts: Texts;
  readonly values: DataValues;
}

function Deletion({ texts, values }: DeletionProps) {
  const { csrfToken, deletesAt, graceDays, errors } = values;
  const { deletionTitle, deletionLead, deletionSteps, deletionSubmit } = texts.data;
  return (
    <section class="card danger" aria-labelledby="deletion">
      <h2 id="deletion">{deletionTitle}</h2>
      {deletesAt ? (
        <p class="hint">{texts.data.alreadyRequested}</p>
      ) : (
        <>
          <p class="hint">{deletionLead}</p>
          <ul class="steps">
            {deletionSteps(graceDays).map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ul>
          <form method="post" action="/account/delete">
            <HiddenField name="_csrf" value={csrfToken} />
            <CheckField texts={texts} name="confirm" value="yes" errors={errors} />
            <button class="button destructive" type="submit">
              {deletionSubmit}
            </button>
          </form>
        </>
      )}
    </section>
  );
}

/** After the deletion was asked for: its reader is signed out, and can still turn back. */
export function deletionRequestedPage(
  texts: Texts,
  { deletesAt }: { readonly deletesAt: Date },
): string {
  const { title, text, keep } = texts.deletionRequested;
  return renderDocument(
    <Document texts={texts} title={title} shape="panel" scripts={[localTime]}>
      <h1>{title}</h1>
      <p class="lead">
        <SentenceWithMoment texts={texts} text={text} at={deletesAt} />
      </p>
      <p>{keep}</p>
      <p class="actions">
        <a class="button primary" href="/sign-in">
          {texts.actions.signIn}
        </a>
      </p>
    </Document>,
  );
}
