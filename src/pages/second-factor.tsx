import { renderDocument } from './document.tsx';
import { HiddenField, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import { Failure, Panel } from './panel.tsx';
import type { Texts } from './texts.ts';

interface SecondFactorValues {
  readonly csrfToken: string;
  readonly email: string;
  /** What this page asks for. */
  readonly method: 'totp' | 'recovery-code';
  /** All that the account can go on with. */
  readonly needed: readonly ('totp' | 'recovery-code')[];
  readonly failed: boolean;
}

/** Asks somebody whose password is proved for more. Posts to the page's own address. */
export function secondFactorPage(texts: Texts, values: SecondFactorValues): string {
  const { csrfToken, email, method, needed, failed } = values;
  const { secondFactor } = texts;
  const totp = method === 'totp';
  const other = totp ? 'recovery-code' : 'totp';
  return renderDocument(
    <Panel texts={texts} title={secondFactor.title} failed={failed}>
      <p class="lead">
        {secondFactor.signingInAs}{' '}
        <strong class="address">
          <bdi>{email}</bdi>
        </strong>
      </p>
      <form method="post" action={pathOf(texts, PATHS[method])}>
        {failed && <Failure>{secondFactor.failed}</Failure>}
        <HiddenField name="_csrf" value={csrfToken} />
        <TextField
          texts={texts}
          name="code"
          type="text"
          autocomplete={totp ? 'one-time-code' : 'off'}
          hint={totp ? secondFactor.totpLead : secondFactor.recoveryLead}
          invalidBecause={failed ? 'failed' : undefined}
          numeric={totp}
          autofocus
        />
        <button class="button primary" type="submit">
          {secondFactor.submit}
        </button>
        <a class="button" href={pathOf(texts, '/sign-in')}>
          {texts.actions.cancel}
        </a>
      </form>
      <p class="aside">
        {needed.includes(other) ? (
          <a href={pathOf(texts, PATHS[other])}>
            {totp ? secondFactor.useRecoveryCode : secondFactor.useTotp}
          </a>
        ) : (
          secondFactor.noneLeft
        )}
      </p>
    </Panel>,
  );
}

const PATHS = { totp: '/sign-in/second-factor', 'recovery-code': '/sign-in/recovery-code' };
