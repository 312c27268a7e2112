import { Document, renderDocument } from './document.tsx';
import { pathOf } from './link.ts';
import type { ProblemCode, ProblemTexts, Texts } from './texts.ts';

interface ProblemValues {
  readonly status: number;
  readonly code: string;
  readonly requestId: string;
}

/**
 * An error as a person reads it: what happened, what to do, and the reference by which an operator
 * finds the rest. Neither the code nor the status nor any cause is shown (ASVS 16.5.1).
 */
export function problemPage(texts: Texts, { status, code, requestId }: ProblemValues): string {
  const { title, explanation, action } = problemTexts(texts, status, code);
  return renderDocument(
    <Document texts={texts} title={title} shape="panel">
      <h1>{title}</h1>
      <p class="lead">{explanation}</p>
      <p class="actions">
        <ActionLink texts={texts} action={action} />
      </p>
      <p class="aside">
        {texts.reference} <code>{requestId}</code>
      </p>
    </Document>,
  );
}

export function signedOutPage(texts: Texts): string {
  const { title, text, again } = texts.signedOut;
  return renderDocument(
    <Document texts={texts} title={title} shape="panel">
      <h1>{title}</h1>
      <p class="lead">{text}</p>
      <p class="actions">
        <a class="button primary" href={pathOf(texts, '/sign-in')}>
          {again}
        </a>
      </p>
    </Document>,
  );
}

interface ActionLinkProps {
  readonly texts: Texts;
  readonly action: ProblemTexts['action'];
}

function ActionLink({ texts, action }: ActionLinkProps) {
  const { home, signIn, account, reAuthenticate } = texts.actions;
  const links = {
    home: { href: '/', text: home },
    'sign-in': { href: '/sign-in', text: signIn },
    account: { href: '/account', text: account },
    're-authenticate': { href: '/re-authenticate', text: reAuthenticate },
  };
  return (
    <a class="button primary" href={pathOf(texts, links[action].href)}>
      {links[action].text}
    </a>
  );
}

function problemTexts(texts: Texts, status: number, code: string): ProblemTexts {
  if (isProblemCode(texts, code)) return texts.problems[code];
  return status >= 500 ? texts.problems.internal : texts.problems.refused;
}

function isProblemCode(texts: Texts, code: string): code is ProblemCode {
  return Object.hasOwn(texts.problems, code);
}
