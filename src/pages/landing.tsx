import { Document, renderDocument } from './document.tsx';
import { checkPath } from './link.ts';
import type { Texts } from './texts.ts';

/**
 * Somebody comes from a mail or another site, and their SameSite=Strict cookie stayed at home. This
 * page opens the same address once more: that navigation is our own, and the cookie comes along. It
 * is a refresh and not a script, so that it works for everybody.
 */
export function landingPage(texts: Texts, { path }: { readonly path: string }): string {
  const { title, text, link } = texts.landing;
  return renderDocument(
    <Document texts={texts} title={title} shape="panel" refresh secretAddress>
      <h1>{title}</h1>
      <p class="lead">{text}</p>
      <p class="actions">
        <a class="button" href={checkPath(path)}>
          {link}
        </a>
      </p>
    </Document>,
  );
}
