import type { ComponentChildren } from 'preact';
import { HiddenField } from './form.tsx';
import { pathOf } from './link.ts';
import type { Texts } from './texts.ts';

interface PasskeyCeremonyProps {
  readonly texts: Texts;
  readonly csrfToken: string;
  /** Whether a passkey is asked for or made. */
  readonly kind: 'get' | 'create';
  /** What the browser is given, as JSON. */
  readonly options: object;
  readonly path: string;
  readonly submit: string;
  /** What to do where there is no script, or the browser has no passkeys. */
  readonly instead: string;
  /** Offers a passkey in the page's address field, too. */
  readonly conditional?: boolean;
  /** Which page of the main origin stands in for this form on the host of a tenant. */
  readonly atMain?: string;
  readonly children?: ComponentChildren;
}

/**
 * A form whose one answer comes from the browser: passkeys.js asks for it. Until that has run, the
 * button is not there and the text says what to do instead.
 */
export function PasskeyCeremony(props: PasskeyCeremonyProps) {
  const { texts, csrfToken, kind, options, path, submit, instead, conditional, children } = props;
  if (texts.otherHosts && props.atMain !== undefined) {
    return (
      <p>
        <a href={texts.otherHosts.main + props.atMain}>{texts.passkeys.atMain}</a>
      </p>
    );
  }
  return (
    <form
      class="ceremony"
      method="post"
      action={pathOf(texts, path)}
      data-passkey={kind}
      data-options={JSON.stringify(options)}
      data-conditional={conditional === true ? '' : undefined}
    >
      <HiddenField name="_csrf" value={csrfToken} />
      <HiddenField name="passkey" value="" />
      {children}
      <p class="hint" data-instead>
        {instead}
      </p>
      <button class="button primary" type="button" hidden>
        {submit}
      </button>
      <p class="field-error" role="status" data-failed hidden>
        {texts.passkeys.failed}
      </p>
    </form>
  );
}
