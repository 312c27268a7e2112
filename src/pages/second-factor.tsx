import { passkeysScript } from './assets.ts';
import { renderDocument } from './document.tsx';
import { HiddenField, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import { Failure, Panel } from './panel.tsx';
import { PasskeyCeremony } from './passkey-ceremony.tsx';
import type { Texts } from './texts.ts';

type Method = 'passkey' | 'totp' | 'recovery-code';

interface SecondFactorValues {
  readonly csrfToken: string;
  readonly email: string;
  /** What this page asks for. */
  readonly method: Method;
  /** All that the account can go on with. */
  readonly needed: readonly Method[];
  /** What the browser is asked for a passkey with; null on the pages that ask for a code. */
  readonly options: object | null;
  readonly failed: boolean;
}

/** Asks somebody whose password is proved for more. Posts to the page's own address. */
export function secondFactorPage(texts: Texts, values: SecondFactorValues): string {
  const { email, method, needed, failed } = values;
  const { secondFactor } = texts;
  const others = needed.filter((other) => other !== method);
  const links = {
    passkey: secondFactor.usePasskey,
    totp: secondFactor.useTotp,
    'recovery-code': secondFactor.useRecoveryCode,
  };
  return renderDocument(
    <Panel
      texts={texts}
      title={secondFactor.title}
      failed={failed}
      scripts={method === 'passkey' ? [passkeysScript] : []}
    >
      <p class="lead">
        {secondFactor.signingInAs}{' '}
        <strong class="address">
          <bdi>{email}</bdi>
        </strong>
      </p>
      {method === 'passkey' ? (
        <AskForPasskey texts={texts} values={values} />
      ) : (
        <AskForCode texts={texts} values={values} />
      )}
      {others.map((other) => (
        <p class="aside" key={other}>
          <a href={pathOf(texts, PATHS[other])}>{links[other]}</a>
        </p>
      ))}
      {others.length === 0 && <p class="aside">{secondFactor.noneLeft}</p>}
    </Panel>,
  );
}

const PATHS: Readonly<Record<Method, string>> = {
  passkey: '/sign-in/passkey',
  totp: '/sign-in/second-factor',
  'recovery-code': '/sign-in/recovery-code',
};

interface AskProps {
  readonly texts: Texts;
  readonly values: SecondFactorValues;
}

function AskForPasskey({ texts, values: { csrfToken, options, failed } }: AskProps) {
  const { passkeys, secondFactor } = texts;
  return (
    <>
      {failed && <Failure>{passkeys.failed}</Failure>}
      <p>{secondFactor.passkeyLead}</p>
      <PasskeyCeremony
        texts={texts}
        csrfToken={csrfToken}
        kind="get"
        options={options ?? {}}
        path={PATHS.passkey}
        submit={passkeys.prove}
        instead={passkeys.instead.secondFactor}
      />
      <Cancel texts={texts} />
    </>
  );
}

function AskForCode({ texts, values: { csrfToken, method, failed } }: AskProps) {
  const { secondFactor } = texts;
  const totp = method === 'totp';
  return (
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
      <Cancel texts={texts} />
    </form>
  );
}

function Cancel({ texts }: { readonly texts: Texts }) {
  return (
    <a class="button" href={pathOf(texts, '/sign-in')}>
      {texts.actions.cancel}
    </a>
  );
}
