import type { ComponentChildren } from 'preact';
import { Panel } from './panel.tsx';
import type { Texts } from './texts.ts';

interface MailedProps {
  readonly texts: Texts;
  readonly words: {
    readonly title: string;
    readonly sentTo: string;
    readonly next: string;
    readonly noMail: readonly string[];
  };
  /** The address that was typed, whether or not somebody has it. */
  readonly email: string;
  /** What to do where no mail arrives. */
  readonly children: ComponentChildren;
}

/** Where a link was mailed, as far as this page may tell (ASVS 6.3.8). */
export function Mailed({ texts, words, email, children }: MailedProps) {
  return (
    <Panel texts={texts} title={words.title}>
      <p class="lead">
        {words.sentTo}{' '}
        <strong class="address">
          <bdi>{email}</bdi>
        </strong>
      </p>
      <p>{words.next}</p>
      <section class="quiet">
        <h2>{texts.checkMail.noMailTitle}</h2>
        <ul>
          {words.noMail.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        {children}
      </section>
    </Panel>
  );
}
