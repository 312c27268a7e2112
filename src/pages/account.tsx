import { Document, renderDocument } from './document.tsx';
import { ErrorSummary, HiddenField, TextField } from './form.tsx';
import type { FieldError } from './form.tsx';
import type { Texts } from './texts.ts';

interface AccountValues {
  readonly csrfToken: string;
  readonly displayName: string;
  readonly email: string;
  readonly authenticatedAt: Date;
  readonly expiresAt: Date;
  readonly notice?: 'saved' | undefined;
  readonly errors: readonly FieldError[];
}

/** A person's own page: profile (posts to /account), session, and the way out (/sign-out). */
export function accountPage(texts: Texts, values: AccountValues): string {
  const { csrfToken, errors } = values;
  const { title, saved, signedInAs } = texts.account;
  return renderDocument(
    <Document
      texts={texts}
      title={errors.length > 0 ? texts.errorTitle(title) : title}
      shape="wide"
      signOut={{ csrfToken }}
    >
      <h1>{title}</h1>
      <p class="lead">
        {signedInAs}{' '}
        <strong class="address">
          <bdi>{values.email}</bdi>
        </strong>
      </p>
      <ErrorSummary texts={texts} errors={errors} fields={['displayName']} />
      {values.notice === 'saved' && (
        <div class="notice right" role="status" tabindex={-1} autofocus>
          <p>{saved}</p>
        </div>
      )}
      <ProfileSection texts={texts} values={values} />
      <SessionSection texts={texts} values={values} />
    </Document>,
  );
}

interface SectionProps {
  readonly texts: Texts;
  readonly values: AccountValues;
}

function ProfileSection({ texts, values }: SectionProps) {
  const { profileTitle, profileLead, submit } = texts.account;
  return (
    <section class="row" aria-labelledby="profile">
      <div class="row-head">
        <h2 id="profile">{profileTitle}</h2>
        <p class="hint">{profileLead}</p>
      </div>
      <form class="card" method="post" action="/account">
        <HiddenField name="_csrf" value={values.csrfToken} />
        <TextField
          texts={texts}
          name="displayName"
          type="text"
          autocomplete="name"
          value={values.displayName}
          errors={values.errors}
          showHint={false}
        />
        <button class="button primary" type="submit">
          {submit}
        </button>
      </form>
    </section>
  );
}

function SessionSection({ texts, values }: SectionProps) {
  const { sessionTitle, sessionLead, authenticatedAt, expiresAt } = texts.account;
  return (
    <section class="row" aria-labelledby="session">
      <div class="row-head">
        <h2 id="session">{sessionTitle}</h2>
        <p class="hint">{sessionLead}</p>
      </div>
      <dl class="card facts">
        <div>
          <dt>{authenticatedAt}</dt>
          <dd>
            <Moment texts={texts} at={values.authenticatedAt} />
          </dd>
        </div>
        <div>
          <dt>{expiresAt}</dt>
          <dd>
            <Moment texts={texts} at={values.expiresAt} />
          </dd>
        </div>
      </dl>
    </section>
  );
}

/** Always UTC, and says so: the zone of the machine means nothing to the reader. */
function Moment({ texts, at }: { readonly texts: Texts; readonly at: Date }) {
  const format = new Intl.DateTimeFormat(texts.language, {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: 'UTC',
    timeZoneName: 'short',
  });
  return <time datetime={at.toISOString()}>{format.format(at)}</time>;
}
