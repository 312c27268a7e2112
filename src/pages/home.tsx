import { Document, renderDocument } from './document.tsx';
import { pathOf } from './link.ts';
import type { Texts } from './texts.ts';

/** The start page: what this is, and the way in. */
export function homePage(texts: Texts, { signedIn }: { readonly signedIn: boolean }): string {
  const { title, lead, facts } = texts.home;
  return renderDocument(
    <Document texts={texts} title={title} shape="wide">
      <div class="hero">
        <div>
          <h1>{title}</h1>
          <p class="lead">{lead}</p>
          <p class="actions">
            {signedIn ? <AccountLink texts={texts} /> : <WaysIn texts={texts} />}
          </p>
        </div>
        <Gate />
      </div>
      <div class="columns">
        {facts.map((fact) => (
          <section key={fact.title}>
            <h2>{fact.title}</h2>
            <p>{fact.text}</p>
          </section>
        ))}
      </div>
    </Document>,
  );
}

function AccountLink({ texts }: { readonly texts: Texts }) {
  return (
    <a class="button primary" href={pathOf(texts, '/account')}>
      {texts.actions.account}
    </a>
  );
}

function WaysIn({ texts }: { readonly texts: Texts }) {
  return (
    <>
      <a class="button primary" href={pathOf(texts, '/sign-in')}>
        {texts.actions.signIn}
      </a>
      <a class="button" href={pathOf(texts, '/sign-up')}>
        {texts.actions.signUp}
      </a>
    </>
  );
}

/** The mark at full size: two gates, one behind the other. Decoration. */
function Gate() {
  return (
    <svg class="gatehouse" viewBox="0 0 240 240" aria-hidden="true">
      <path class="wall" d="M24 232V116a96 96 0 0 1 192 0v116z" />
      <path class="passage" d="M58 232V122a62 62 0 0 1 124 0v110z" />
      <path class="door" d="M88 232V132a32 32 0 0 1 64 0v100z" />
      <path class="ground" d="M4 232h232" />
    </svg>
  );
}
