import { HiddenField } from './form.tsx';
import { pathOf } from './link.ts';
import type { Texts } from './texts.ts';

/** What is looked for, as it stands in the page's address. */
export interface EventFilterValues {
  readonly kind?: string | undefined;
  readonly outcome?: 'success' | 'failure' | undefined;
  /** The identity that the events shall be about, in a tenant's log. */
  readonly person?: string | undefined;
  /** Days, in UTC. */
  readonly from?: string | undefined;
  readonly until?: string | undefined;
}

interface EventFilterFormProps {
  readonly texts: Texts;
  readonly path: string;
  readonly filter: EventFilterValues;
}

/** A form that is sent by GET: what was looked for is in the address, and can be kept. */
export function EventFilterForm({ texts, path, filter }: EventFilterFormProps) {
  const { events } = texts;
  const isSet = Object.values(filter).some((value) => value !== undefined);
  const kinds = Object.entries(events.kinds).toSorted(([, a], [, b]) =>
    a.localeCompare(b, texts.language),
  );
  return (
    <form class="card event-filter" method="get" role="search" action={pathOf(texts, path)}>
      {filter.person !== undefined && <HiddenField name="person" value={filter.person} />}
      <div class="event-fields">
        <Choice
          name="kind"
          label={events.kindLabel}
          all={events.everyKind}
          chosen={filter.kind}
          options={kinds}
        />
        <Choice
          name="outcome"
          label={events.outcomeLabel}
          all={events.everyOutcome}
          chosen={filter.outcome}
          options={[
            ['success', events.succeeded],
            ['failure', events.failed],
          ]}
        />
        <Day name="from" label={events.fromLabel} value={filter.from} />
        <Day name="until" label={events.untilLabel} value={filter.until} />
      </div>
      <p class="event-actions">
        <button class="button primary" type="submit">
          {events.filter}
        </button>
        {isSet && (
          <a class="button" href={pathOf(texts, path)}>
            {events.reset}
          </a>
        )}
      </p>
    </form>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly label: string;
  readonly all: string;
  readonly chosen: string | undefined;
  readonly options: ReadonlyArray<readonly [value: string, text: string]>;
}

function Choice({ name, label, all, chosen, options }: ChoiceProps) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <select id={name} name={name}>
        <option value="">{all}</option>
        {options.map(([value, text]) => (
          <option key={value} value={value} selected={value === chosen}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

interface DayProps {
  readonly name: string;
  readonly label: string;
  readonly value: string | undefined;
}

function Day({ name, label, value }: DayProps) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <input id={name} type="date" name={name} value={value} />
    </div>
  );
}
