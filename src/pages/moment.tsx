import type { Texts } from './texts.ts';

interface MomentValues {
  readonly texts: Texts;
  readonly at: Date;
}

/** Always UTC, and says so: the zone of the machine means nothing to the reader. */
export function momentText({ texts, at }: MomentValues): string {
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
  return format.format(at);
}

/** A moment for people and for programs; local-time.js turns it into the reader's own time. */
export function Moment({ texts, at }: MomentValues) {
  return <time datetime={at.toISOString()}>{momentText({ texts, at })}</time>;
}

/** A sentence with a moment where its text says `{time}`: each language has its own order. */
export function SentenceWithMoment({ text, ...values }: MomentValues & { readonly text: string }) {
  const [before = '', after = ''] = text.split('{time}');
  return (
    <>
      {before}
      <Moment {...values} />
      {after}
    </>
  );
}
