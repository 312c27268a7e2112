import { pathOf } from './link.ts';
import type { Texts } from './texts.ts';

interface NextPageProps {
  readonly texts: Texts;
  /** Where the list goes on; null where this is all of it. */
  readonly next: string | null;
  readonly label: string;
}

/** The way on to the rest of a list. */
export function NextPage({ texts, next, label }: NextPageProps) {
  if (next === null) return null;
  return (
    <p class="actions">
      <a class="button" href={pathOf(texts, next)} rel="next">
        {label}
      </a>
    </p>
  );
}
