import { AccountDocument } from './account-document.tsx';
import type { AccountPageValues } from './account-document.tsx';
import { renderDocument } from './document.tsx';
import { HiddenField } from './form.tsx';
import { deviceText, type Session, SessionTimes } from './session-end.tsx';
import { pathOf } from './link.ts';
import type { Texts } from './texts.ts';

interface SessionsValues extends AccountPageValues {
  readonly sessions: readonly Session[];
}

/**
 * Where a person is signed in, with the means to end each session but this one, and all of them at
 * once (ASVS 7.5.2). This one ends by signing out.
 */
export function sessionsPage(texts: Texts, values: SessionsValues): string {
  const { csrfToken, sessions } = values;
  const others = sessions.some((session) => !session.current);
  return renderDocument(
    <AccountDocument texts={texts} section="sessions" values={values}>
      <p class="lead">{others ? texts.sessions.lead : texts.sessions.onlyThis}</p>
      <ul class="card sessions">
        {sessions.map((session, index) => (
          <SessionItem
            key={session.id}
            texts={texts}
            csrfToken={csrfToken}
            session={session}
            name={`session-${index + 1}`}
          />
        ))}
      </ul>
      {others && <EndOthers texts={texts} csrfToken={csrfToken} />}
    </AccountDocument>,
  );
}

interface SessionItemProps {
  readonly texts: Texts;
  readonly csrfToken: string;
  readonly session: Session;
  /** The id of the element that names the session, for the button that ends it. */
  readonly name: string;
}

function SessionItem({ texts, csrfToken, session, name }: SessionItemProps) {
  const { current, end } = texts.sessions;
  return (
    <li>
      <div class="session">
        <h2>
          <bdi id={name}>{deviceText(texts, session)}</bdi>
          {session.current && <span class="badge">{current}</span>}
        </h2>
        <SessionTimes texts={texts} session={session} />
      </div>
      {!session.current && (
        <form method="post" action={pathOf(texts, '/account/sessions/end')}>
          <HiddenField name="_csrf" value={csrfToken} />
          <HiddenField name="id" value={session.id} />
          <button
            class="button small"
            type="submit"
            id={`end-${name}`}
            aria-labelledby={`end-${name} ${name}`}
          >
            {end}
          </button>
        </form>
      )}
    </li>
  );
}

interface EndOthersProps {
  readonly texts: Texts;
  readonly csrfToken: string;
}

function EndOthers({ texts, csrfToken }: EndOthersProps) {
  const { endOthers, endOthersLead } = texts.sessions;
  return (
    <form class="end-others" method="post" action={pathOf(texts, '/account/sessions/end-others')}>
      <HiddenField name="_csrf" value={csrfToken} />
      <button class="button" type="submit" aria-describedby="end-others">
        {endOthers}
      </button>
      <p class="hint" id="end-others">
        {endOthersLead}
      </p>
    </form>
  );
}
