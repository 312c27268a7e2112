import { localTime } from './assets.ts';
import { Document, renderDocument } from './document.tsx';
import { HiddenField } from './form.tsx';
import { SentenceWithMoment } from './moment.tsx';
import { pathOf } from './link.ts';
import type { Texts } from './texts.ts';

/** Where and since when somebody is signed in. */
export interface Session {
  readonly id: string;
  /** Null where the browser did not say, or said something that we do not know. */
  readonly browser: string | null;
  readonly system: string | null;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  readonly current: boolean;
}

interface EndSessionValues {
  readonly csrfToken: string;
  readonly session: Session;
}

/** Asks once more, after the password was: it names the session that was pressed before. */
export function endSessionPage(texts: Texts, { csrfToken, session }: EndSessionValues): string {
  const { end, endTitle, lastSeen, created } = texts.sessions;
  return renderDocument(
    <Document
      texts={texts}
      title={endTitle}
      shape="panel"
      signOut={{ csrfToken }}
      scripts={[localTime]}
    >
      <h1>{endTitle}</h1>
      <div class="session subject">
        <p class="name">
          <bdi>{deviceText(texts, session)}</bdi>
        </p>
        <p class="hint">
          <SentenceWithMoment texts={texts} text={lastSeen} at={session.lastSeenAt} />
        </p>
        <p class="hint">
          <SentenceWithMoment texts={texts} text={created} at={session.createdAt} />
        </p>
      </div>
      <form method="post" action={pathOf(texts, '/account/sessions/end')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <HiddenField name="id" value={session.id} />
        <button class="button primary" type="submit">
          {end}
        </button>
        <Cancel texts={texts} />
      </form>
    </Document>,
  );
}

/** The same for all of them but the reader's own. */
export function endOthersPage(texts: Texts, { csrfToken }: { readonly csrfToken: string }): string {
  const { endOthers, endOthersLead, endOthersTitle } = texts.sessions;
  return renderDocument(
    <Document texts={texts} title={endOthersTitle} shape="panel" signOut={{ csrfToken }}>
      <h1>{endOthersTitle}</h1>
      <p class="lead">{endOthersLead}</p>
      <form method="post" action={pathOf(texts, '/account/sessions/end-others')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <button class="button primary" type="submit">
          {endOthers}
        </button>
        <Cancel texts={texts} />
      </form>
    </Document>,
  );
}

function Cancel({ texts }: { readonly texts: Texts }) {
  return (
    <a class="button" href={pathOf(texts, '/account/sessions')}>
      {texts.actions.cancel}
    </a>
  );
}

export function deviceText(
  texts: Texts,
  { browser, system }: Pick<Session, 'browser' | 'system'>,
): string {
  const { known, browserOnly, systemOnly, unknown } = texts.sessions.device;
  if (browser === null) return system === null ? unknown : systemOnly(system);
  return system === null ? browserOnly(browser) : known(browser, system);
}
