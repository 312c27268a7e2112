import type { ComponentChildren } from 'preact';
import { Document, type DocumentProps, renderDocument } from './document.tsx';
import type { Texts } from './texts.ts';

interface PanelProps extends Omit<DocumentProps, 'shape'> {
  /** Whether something was refused, which the title of the browser's tab says first. */
  readonly failed?: boolean;
}

/** A page for one task, in a narrow column under its title. */
export function Panel({ texts, title, failed = false, children, ...frame }: PanelProps) {
  const inTab = failed ? texts.errorTitle(title) : title;
  return (
    <Document {...frame} texts={texts} title={inTab} shape="panel">
      <h1>{title}</h1>
      {children}
    </Document>
  );
}

/** Why the form was refused, where that is no one field's matter; fields refer to it by its id. */
export function Failure({ children }: { readonly children: ComponentChildren }) {
  return (
    <div class="notice wrong" role="alert" id="failed">
      <p>{children}</p>
    </div>
  );
}

interface Outcome extends Pick<DocumentProps, 'scripts'> {
  readonly title: string;
  readonly text: ComponentChildren;
  readonly next?: string;
  /** Where to go on, the likeliest first. */
  readonly actions: readonly { readonly href: string; readonly text: string }[];
  readonly aside?: ComponentChildren;
}

/** A page that says what has happened, and where to go on from there. */
export function renderOutcome(texts: Texts, outcome: Outcome): string {
  const { title, text, next, actions, aside, scripts = [] } = outcome;
  return renderDocument(
    <Panel texts={texts} title={title} scripts={scripts}>
      <p class="lead">{text}</p>
      {next !== undefined && <p>{next}</p>}
      <p class="actions">
        {actions.map((action, index) => (
          <a key={action.href} class={index === 0 ? 'button primary' : 'button'} href={action.href}>
            {action.text}
          </a>
        ))}
      </p>
      {aside !== undefined && <p class="aside">{aside}</p>}
    </Panel>,
  );
}
