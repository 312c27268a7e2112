import { localTime } from './assets.ts';
import { renderDocument } from './document.tsx';
import { HiddenField } from './form.tsx';
import { SentenceWithMoment } from './moment.tsx';
import { Panel } from './panel.tsx';
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
  const { end, endTitle } = texts.sessions;
  return renderDocument(
    <Panel texts={texts} title={endTitle} signOut={{ csrfToken }} scripts={[localTime]}>
      <div class="session subject">
        <p class="name">
          <bdi>{deviceText(texts, session)}</bdi>
        </p>
        <SessionTimes texts={texts} session={session} />
      </div>
      <form method="post" action={pathOf(texts, '/account/sessions/end')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <HiddenField name="id" value={session.id} />
        <button class="button primary" type="submit">
          {end}
        </button>
        <Cancel texts={texts} />
      </form>
    </Panel>,
  );
}

/** The same for all of them but the reader's own. */
export function endOthersPage(texts: Texts, { csrfToken }: { readonly csrfToken: string }): string {
  const { endOthers, endOthersLead, endOthersTitle } = texts.sessions;
  return renderDocument(
    <Panel texts={texts} title={endOthersTitle} signOut={{ csrfToken }}>
      <p class="lead">{endOthersLead}</p>
      <form method="post" action={pathOf(texts, '/account/sessions/end-others')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <button class="button primary" type="submit">
          {endOthers}
        </button>
        <Cancel texts={texts} />
      </form>
    </Panel>,
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

interface SessionTimesProps {
  readonly texts: Texts;
  readonly session: Pick<Session, 'createdAt' | 'lastSeenAt'>;
}

export function SessionTimes({ texts, session }: SessionTimesProps) {
  const { lastSeen, created } = texts.sessions;
  return (
    <>
      <p class="hint">
        <SentenceWithMoment texts={texts} text={lastSeen} at={session.lastSeenAt} />
      </p>
      <p class="hint">
        <SentenceWithMoment texts={texts} text={created} at={session.createdAt} />
      </p>
    </>
  );
}
