import { EventFilterForm } from './event-filter.tsx';
import { EventExport, type EventItem, EventList, type EventsValues } from './events.tsx';
import { renderDocument } from './document.tsx';
import { pathOf } from './link.ts';
import { TenantDocument, type TenantPageValues } from './tenant-document.tsx';
import type { Texts } from './texts.ts';

/** What was noted in a tenant: whom it is about, and who did it. */
export interface TenantEventItem extends EventItem {
  readonly identityId: string | null;
  /** The addresses of those who are members. */
  readonly person: string | null;
  readonly actor: string | null;
}

const PATH = '/tenant/events';

/** The log of a tenant, for those who may read it. */
export function tenantEventsPage(
  texts: Texts,
  values: TenantPageValues & EventsValues<TenantEventItem>,
): string {
  const { filter } = values;
  return renderDocument(
    <TenantDocument texts={texts} section="events" values={values}>
      <p class="lead">{texts.events.tenantLead}</p>
      <EventFilterForm texts={texts} path={PATH} filter={filter} />
      <EventList
        texts={texts}
        values={values}
        path={PATH}
        people={(event) => (
          <People texts={texts} event={event} alone={filter.person !== undefined} />
        )}
      />
      <EventExport texts={texts} path={`${PATH}/export`} filter={filter} />
    </TenantDocument>,
  );
}

interface PeopleProps {
  readonly texts: Texts;
  readonly event: TenantEventItem;
  /** Whether the page is about one person already. */
  readonly alone: boolean;
}

function People({ texts, event, alone }: PeopleProps) {
  const { about, by, formerMember, onlyPerson } = texts.events;
  if (event.identityId === null) return null;
  const person = event.person ?? formerMember;
  return (
    <>
      <p class="hint">
        <bdi>{about(person)}</bdi>
        {event.by === 'other' && (
          <>
            {', '}
            <bdi>{by(event.actor ?? formerMember)}</bdi>
          </>
        )}
      </p>
      {!alone && (
        <p class="hint">
          <a
            href={pathOf(texts, `${PATH}?person=${event.identityId}`)}
            aria-label={`${onlyPerson}: ${person}`}
          >
            {onlyPerson}
          </a>
        </p>
      )}
    </>
  );
}
