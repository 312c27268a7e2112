import { pathOf } from './link.ts';
import { renderOutcome } from './panel.tsx';
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
  return renderOutcome(texts, {
    title,
    text: explanation,
    actions: [actionLink(texts, action)],
    aside: (
      <>
        {texts.reference} <code>{requestId}</code>
      </>
    ),
  });
}

export function signedOutPage(texts: Texts): string {
  const { title, text, again } = texts.signedOut;
  const actions = [{ href: pathOf(texts, '/sign-in'), text: again }];
  return renderOutcome(texts, { title, text, actions });
}

function actionLink(texts: Texts, action: ProblemTexts['action']) {
  const { home, signIn, account, tenants, reAuthenticate } = texts.actions;
  const links = {
    home: { href: '/', text: home },
    'sign-in': { href: '/sign-in', text: signIn },
    account: { href: '/account', text: account },
    tenants: { href: '/tenants', text: tenants },
    're-authenticate': { href: '/re-authenticate', text: reAuthenticate },
  };
  const { href, text } = links[action];
  return { href: pathOf(texts, href), text };
}

function problemTexts(texts: Texts, status: number, code: string): ProblemTexts {
  if (isProblemCode(texts, code)) return texts.problems[code];
  return status >= 500 ? texts.problems.internal : texts.problems.refused;
}

function isProblemCode(texts: Texts, code: string): code is ProblemCode {
  return Object.hasOwn(texts.problems, code);
}
