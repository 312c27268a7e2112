import type { ComponentChildren, VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { favicon, stylesheet } from './assets.ts';
import type { Asset } from './assets.ts';
import { HiddenField } from './form.tsx';
import { Mark } from './mark.tsx';
import { pathOf } from './link.ts';
import type { Texts } from './texts.ts';

export interface DocumentProps {
  readonly texts: Texts;
  readonly title: string;
  /** `panel` is a narrow column for one task, `wide` the full measure. */
  readonly shape: 'panel' | 'wide';
  /** Given on every page of somebody signed in: the way out is always in sight. ASVS 7.4.4. */
  readonly signOut?: { readonly csrfToken: string };
  /** The address of the page holds a one-time token, which no later request may repeat. */
  readonly secretAddress?: boolean;
  /** Makes the browser open the same address again, at once, or this other one. */
  readonly refresh?: boolean | string;
  /** What makes the page nicer to use. Everything works without. */
  readonly scripts?: readonly Asset[];
  readonly children: ComponentChildren;
}

/** A complete document as text. Everything variable in it has gone through Preact's escaping. */
export function renderDocument(document: VNode): string {
  return `<!doctype html>${renderToString(document)}`;
}

/**
 * The frame of every page. Where the address is secret, requests tell only the origin as their
 * referrer. `no-referrer` would hide it as well, but browsers then send `Origin: null` with the
 * form, which the origin check refuses; and on an icon they ignore a `referrerpolicy` of its own.
 * ASVS 14.2.1; Fetch standard, "append a request `Origin` header".
 */
export function Document(props: DocumentProps) {
  const { texts, title, shape, signOut, secretAddress = false, refresh = false, children } = props;
  const { scripts = [] } = props;
  return (
    <html lang={texts.language}>
      <head>
        <meta charset="utf-8" />
        <title>{`${title} \u00b7 ${texts.productName}`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        {secretAddress && <meta name="referrer" content="strict-origin" />}
        {refresh !== false && (
          <meta http-equiv="refresh" content={refresh === true ? '0' : `0;url=${refresh}`} />
        )}
        <link rel="stylesheet" href={pathOf(texts, stylesheet.path)} />
        <link rel="icon" type={favicon.contentType} href={pathOf(texts, favicon.path)} />
        {scripts.map(({ path }) => (
          <script key={path} type="module" src={pathOf(texts, path)} />
        ))}
      </head>
      <body>
        <a class="skip" href="#content">
          {texts.skipToContent}
        </a>
        <header class="top">
          <a class="brand" href={pathOf(texts, '/')}>
            <Mark />
            {texts.productName}
          </a>
          {signOut && <Switcher texts={texts} csrfToken={signOut.csrfToken} />}
          {signOut && (
            <form method="post" action={pathOf(texts, '/sign-out')}>
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

interface SwitcherProps {
  readonly texts: Texts;
  readonly csrfToken: string;
}

/** The way between the tenants of whoever is signed in, where there is more than one. */
function Switcher({ texts, csrfToken }: SwitcherProps) {
  const { switcher = [] } = texts;
  const active = switcher.find((tenant) => tenant.active);
  if (switcher.length < 2) return null;
  const { label, submit, others } = texts.tenants.switcher;
  // Here the host says which tenant it is, so the way into another one is a link.
  if (texts.otherHosts) {
    return (
      <a class="button small" href={pathOf(texts, '/tenants')}>
        {others}
      </a>
    );
  }
  return (
    <form class="switcher" method="post" action={pathOf(texts, '/tenants/enter')}>
      <HiddenField name="_csrf" value={csrfToken} />
      <label class="unseen" for="switcher">
        {label}
      </label>
      <select id="switcher" name="tenantId" autocomplete="off">
        {!active && <option value="">{'\u2013'}</option>}
        {switcher.map((tenant) => (
          <option key={tenant.id} value={tenant.id} selected={tenant.active}>
            {tenant.name}
          </option>
        ))}
      </select>
      <button class="button small" type="submit">
        {submit}
      </button>
    </form>
  );
}
