import { AccountDocument } from './account-document.tsx';
import type { AccountPageValues } from './account-document.tsx';
import { renderDocument } from './document.tsx';
import { pathOf } from './link.ts';
import type { Texts } from './texts.ts';

/** What is kept about a person, to take away (/account/export) or to end (/account/delete). */
export function dataPage(texts: Texts, values: AccountPageValues): string {
  const { exportTitle, exportLead, exportSubmit, deletionTitle, deletionHint } = texts.data;
  return renderDocument(
    <AccountDocument texts={texts} section="data" values={values}>
      <section class="card" aria-labelledby="export">
        <h2 id="export">{exportTitle}</h2>
        <p class="hint">{exportLead}</p>
        <a class="button" href={pathOf(texts, '/account/export')} download>
          {exportSubmit}
        </a>
      </section>
      <section class="card danger" aria-labelledby="deletion">
        <h2 id="deletion">{deletionTitle}</h2>
        {values.deletesAt ? (
          <p class="hint">{texts.data.alreadyRequested}</p>
        ) : (
          <>
            <p class="hint">{deletionHint}</p>
            <a class="button destructive" href={pathOf(texts, '/account/delete')}>
              {texts.data.deletionOpen}
            </a>
          </>
        )}
      </section>
    </AccountDocument>,
  );
}
