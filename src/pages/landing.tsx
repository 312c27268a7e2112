import { renderDocument } from './document.tsx';
import { checkPath } from './link.ts';
import { Panel } from './panel.tsx';
import type { Texts } from './texts.ts';

/**
 * Somebody comes from a mail or another site, and their SameSite=Strict cookie stayed at home. This
 * page opens the same address once more: that navigation is our own, and the cookie comes along. It
 * is a refresh and not a script, so that it works for everybody.
 */
export function landingPage(texts: Texts, { path }: { readonly path: string }): string {
  const { title, text, link } = texts.landing;
  return renderDocument(
    <Panel texts={texts} title={title} refresh secretAddress>
      <p class="lead">{text}</p>
      <p class="actions">
        <a class="button" href={checkPath(path)}>
          {link}
        </a>
      </p>
    </Panel>,
  );
}
