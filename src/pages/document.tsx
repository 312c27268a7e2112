import type { ComponentChildren, VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { favicon, stylesheet } from './assets.ts';
import { HiddenField } from './form.tsx';
import { Mark } from './mark.tsx';
import type { Texts } from './texts.ts';

interface DocumentProps {
  readonly texts: Texts;
  readonly title: string;
  /** `panel` is a narrow column for one task, `wide` the full measure. */
  readonly shape: 'panel' | 'wide';
  /** Given on every page of somebody signed in: the way out is always in sight. ASVS 7.4.4. */
  readonly signOut?: { readonly csrfToken: string };
  readonly children: ComponentChildren;
}

/** A complete document as text. Everything variable in it has gone through Preact's escaping. */
export function renderDocument(document: VNode): string {
  return `<!doctype html>${renderToString(document)}`;
}

/**
 * The frame of every page. The two files are fetched without a referrer: the address of a page may
 * hold a one-time token, and the origin check needs the header on forms only.
 */
export function Document({ texts, title, shape, signOut, children }: DocumentProps) {
  return (
    <html lang={texts.language}>
      <head>
        <meta charset="utf-8" />
        <title>{`${title} · ${texts.productName}`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="stylesheet" href={stylesheet.path} referrerpolicy="no-referrer" />
        <link
          rel="icon"
          type={favicon.contentType}
          href={favicon.path}
          referrerpolicy="no-referrer"
        />
      </head>
      <body>
        <a class="skip" href="#content">
          {texts.skipToContent}
        </a>
        <header class="top">
          <a class="brand" href="/">
            <Mark />
            {texts.productName}
          </a>
          {signOut && (
            <form method="post" action="/sign-out">
              <HiddenField name="_csrf" value={signOut.csrfToken} />
              <button class="button small" type="submit">
                {texts.actions.signOut}
              </button>
            </form>
          )}
        </header>
        <main id="content" class={shape} tabindex={-1}>
          {children}
        </main>
        <footer class="bottom">
          <p>{texts.footer}</p>
        </footer>
      </body>
    </html>
  );
}
