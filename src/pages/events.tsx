import type { AccountPageValues } from './account-document.tsx';
import { AccountDocument } from './account-document.tsx';
import { renderDocument } from './document.tsx';
import { EventFilterForm, type EventFilterValues } from './event-filter.tsx';
import { pathOf } from './link.ts';
import { Moment } from './moment.tsx';
import { deviceText } from './session-end.tsx';
import type { Texts } from './texts.ts';

/** What was noted, as a page shows it. */
export interface EventItem {
  readonly id: string;
  readonly at: Date;
  readonly kind: string;
  readonly outcome: 'success' | 'failure';
  /** Who did it: the person whom it is about, somebody else, or nobody known. */
  readonly by: 'self' | 'other' | null;
  readonly address: string | null;
  readonly browser: string | null;
  readonly system: string | null;
  readonly requestId: string | null;
}

export interface EventsValues<Item extends EventItem = EventItem> {
  readonly events: readonly Item[];
  readonly filter: EventFilterValues;
  /** What the page behind this one begins behind; null on the last. */
  readonly next: string | null;
  /** Whether this page is not the first. */
  readonly older: boolean;
}

/** "Was this you?": what happened with the own account, and what to do where it was not. */
export function ownEventsPage(texts: Texts, values: AccountPageValues & EventsValues): string {
  const { lead, notYouTitle, notYou, endSessions, changePassword } = texts.events;
  return renderDocument(
    <AccountDocument texts={texts} section="events" values={values}>
      <p class="lead">{lead}</p>
      <section class="card" aria-labelledby="not-you">
        <h2 id="not-you">{notYouTitle}</h2>
        <p class="hint">{notYou}</p>
        <p class="event-actions">
          <a class="button" href={pathOf(texts, '/account/sessions')}>
            {endSessions}
          </a>
          <a class="button" href={pathOf(texts, '/account/password')}>
            {changePassword}
          </a>
        </p>
      </section>
      <EventFilterForm texts={texts} path="/account/events" filter={values.filter} />
      <EventList texts={texts} values={values} path="/account/events" />
      <EventExport texts={texts} path="/account/events/export" filter={values.filter} />
    </AccountDocument>,
  );
}

interface EventListProps<Item extends EventItem> {
  readonly texts: Texts;
  readonly values: EventsValues<Item>;
  readonly path: string;
  /** What a tenant's page adds: about whom, and by whom. */
  readonly people?: (event: Item) => preact.ComponentChildren;
}

/** A page of a log, with the ways to the next and back to the newest. */
export function EventList<Item extends EventItem>(props: EventListProps<Item>) {
  const { texts, values, path, people } = props;
  const { events, filter, next, older } = values;
  const { none, newest, olderOnes } = texts.events;
  const to = (cursor: string | null) => pathOf(texts, `${path}${queryOf(filter, cursor)}`);
  return (
    <>
      {events.length === 0 ? (
        <p class="card hint">{none}</p>
      ) : (
        <ol class="card sessions events">
          {events.map((event) => (
            <li key={event.id}>
              <EventText texts={texts} event={event} others={people?.(event)} />
            </li>
          ))}
        </ol>
      )}
      {(next !== null || older) && (
        <p class="event-actions">
          {older && (
            <a class="button" href={to(null)}>
              {newest}
            </a>
          )}
          {next !== null && (
            <a class="button" href={to(next)} rel="next">
              {olderOnes}
            </a>
          )}
        </p>
      )}
    </>
  );
}

interface EventTextProps {
  readonly texts: Texts;
  readonly event: EventItem;
  /** Whom it is about and who did it, where the reader may know. */
  readonly others: preact.ComponentChildren;
}

function EventText({ texts, event, others }: EventTextProps) {
  const { kinds, failed, from, noAddress, bySomebodyElse, reference } = texts.events;
  return (
    <div class="session">
      <h2>
        {kinds[event.kind] ?? event.kind}
        {event.outcome === 'failure' && <span class="badge wrong">{failed}</span>}
      </h2>
      <p class="hint">
        <Moment texts={texts} at={event.at} />
      </p>
      <p class="hint">
        <bdi>{deviceText(texts, event)}</bdi>
        {`, ${event.address === null ? noAddress : from(event.address)}`}
        {others === undefined && event.by === 'other' && ` \u00b7 ${bySomebodyElse}`}
      </p>
      {others}
      {event.requestId !== null && (
        <p class="hint reference">
          {reference} <code>{event.requestId}</code>
        </p>
      )}
    </div>
  );
}

interface EventExportProps {
  readonly texts: Texts;
  readonly path: string;
  readonly filter: EventFilterValues;
}

/** The same events, all of them, as a file; a script shows how far it is. */
export function EventExport({ texts, path, filter }: EventExportProps) {
  const { exportTitle, exportLead, exportAs, running, finished, broken } = texts.events;
  return (
    <section class="card" aria-labelledby="export">
      <h2 id="export">{exportTitle}</h2>
      <p class="hint">{exportLead}</p>
      <p class="event-actions">
        {(['csv', 'json'] as const).map((format) => (
          <a
            key={format}
            class="button"
            href={pathOf(texts, `${path}${queryOf(filter, null, format)}`)}
            download
            data-progress={`security-events.${format}`}
          >
            {exportAs(format.toUpperCase())}
          </a>
        ))}
      </p>
      <p
        id="export-progress"
        class="export-progress"
        aria-live="polite"
        data-running={running}
        data-finished={finished}
        data-failed={broken}
        hidden
      >
        <progress aria-label={exportTitle} />
        <span />
      </p>
    </section>
  );
}

function queryOf(filter: EventFilterValues, cursor: string | null, format?: string): string {
  const { kind, outcome, person, from, until } = filter;
  const values = Object.entries({ kind, outcome, person, from, until, cursor, format });
  const set = values.flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [[name, value]],
  );
  return set.length === 0 ? '' : `?${new URLSearchParams(set).toString()}`;
}
