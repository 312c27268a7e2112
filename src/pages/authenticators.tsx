import { AccountDocument } from './account-document.tsx';
import type { AccountPageValues } from './account-document.tsx';
import { renderDocument } from './document.tsx';
import { ErrorSummary, type FieldError, HiddenField, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import { SentenceWithMoment } from './moment.tsx';
import { Panel } from './panel.tsx';
import { type Passkey, PasskeysCard } from './passkeys.tsx';
import { type LinkedProvider, type OfferedProvider, ProvidersCard } from './providers.tsx';
import { QrCode } from './qr-code.tsx';
import type { Texts } from './texts.ts';

const HOME = '/account/authenticators';

interface AuthenticatorsValues extends AccountPageValues {
  readonly totp: { readonly createdAt: Date; readonly lastUsedAt: Date } | null;
  readonly passkeys: readonly Passkey[];
  readonly recoveryCodesLeft: number;
  readonly linked?: readonly LinkedProvider[];
  /** The providers that are not linked yet. */
  readonly offered?: readonly OfferedProvider[];
}

/** How a person proves who they are beside the password, and the means to change that. */
export function authenticatorsPage(texts: Texts, values: AuthenticatorsValues): string {
  return renderDocument(
    <AccountDocument texts={texts} section="authenticators" values={values}>
      <p class="lead">{texts.authenticators.lead}</p>
      <PasskeysCard texts={texts} passkeys={values.passkeys} />
      <TotpCard texts={texts} values={values} />
      <RecoveryCodesCard
        texts={texts}
        left={values.recoveryCodesLeft}
        active={values.totp !== null || values.passkeys.length > 0}
      />
      <ProvidersCard
        texts={texts}
        csrfToken={values.csrfToken}
        linked={values.linked ?? []}
        offered={values.offered ?? []}
      />
    </AccountDocument>,
  );
}

interface CardProps {
  readonly texts: Texts;
  readonly values: AuthenticatorsValues;
}

function TotpCard({ texts, values: { csrfToken, totp } }: CardProps) {
  const { title, absent, created, lastUsed, add, remove } = texts.authenticators.totp;
  return (
    <section class="card row" aria-labelledby="totp">
      <div>
        <h2 id="totp">{title}</h2>
        {totp ? (
          <p class="hint">
            <SentenceWithMoment texts={texts} text={created} at={totp.createdAt} />
            {' \u00b7 '}
            <SentenceWithMoment texts={texts} text={lastUsed} at={totp.lastUsedAt} />
          </p>
        ) : (
          <p class="hint">{absent}</p>
        )}
      </div>
      {totp ? (
        <a
          class="button small"
          href={pathOf(texts, `${HOME}/totp/remove`)}
          id="remove-totp"
          aria-labelledby="remove-totp totp"
        >
          {remove}
        </a>
      ) : (
        <form method="post" action={pathOf(texts, `${HOME}/totp`)}>
          <HiddenField name="_csrf" value={csrfToken} />
          <button class="button small" type="submit" id="add-totp" aria-labelledby="add-totp totp">
            {add}
          </button>
        </form>
      )}
    </section>
  );
}

interface RecoveryCodesProps {
  readonly texts: Texts;
  readonly left: number;
  /** Whether there is a second factor that they stand in for. */
  readonly active: boolean;
}

function RecoveryCodesCard({ texts, left, active }: RecoveryCodesProps) {
  const words = texts.authenticators.recoveryCodes;
  return (
    <section class="card row" aria-labelledby="recovery-codes">
      <div>
        <h2 id="recovery-codes">{words.title}</h2>
        <p class="hint">{active ? words.left(left) : words.absent}</p>
      </div>
      {active && (
        <a
          class="button small"
          href={pathOf(texts, `${HOME}/recovery-codes`)}
          id="renew-codes"
          aria-labelledby="renew-codes recovery-codes"
        >
          {words.renew}
        </a>
      )}
    </section>
  );
}

interface TotpValues {
  readonly csrfToken: string;
  readonly secret: string;
  readonly uri: string;
  readonly errors: readonly FieldError[];
}

/** The secret of an authenticator app, once as a picture and once as text, and the first code. */
export function totpPage(texts: Texts, values: TotpValues): string {
  const { csrfToken, secret, uri, errors } = values;
  const { title, steps, qrCode, secret: label, submit } = texts.authenticators.setup;
  const failed = errors.length > 0;
  return renderDocument(
    <Panel texts={texts} title={title} failed={failed} signOut={{ csrfToken }}>
      <ErrorSummary texts={texts} errors={errors} fields={['code']} />
      <ol>
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <QrCode text={uri} label={qrCode} />
      <p class="hint">{label}</p>
      <p class="code-text">
        <code>{secret.match(/.{1,4}/g)?.join(' ')}</code>
      </p>
      <form method="post" action={pathOf(texts, `${HOME}/totp/confirm`)}>
        <HiddenField name="_csrf" value={csrfToken} />
        <TextField
          texts={texts}
          name="code"
          type="text"
          autocomplete="one-time-code"
          errors={errors}
          numeric
        />
        <button class="button primary" type="submit">
          {submit}
        </button>
        <Cancel texts={texts} />
      </form>
    </Panel>,
  );
}

interface OnlyToken {
  readonly csrfToken: string;
}

/** Asks once more before the authenticator app is gone. */
export function removeTotpPage(texts: Texts, values: OnlyToken): string {
  const { title, lead, submit } = texts.authenticators.removal;
  return renderQuestion(texts, { ...values, title, lead, submit, path: `${HOME}/totp/remove` });
}

/** Asks once more before the recovery codes that somebody may have kept become worthless. */
export function renewCodesPage(texts: Texts, values: OnlyToken): string {
  const { renewTitle: title, renewLead: lead, renew: submit } = texts.authenticators.recoveryCodes;
  return renderQuestion(texts, { ...values, title, lead, submit, path: `${HOME}/recovery-codes` });
}

interface Question extends OnlyToken {
  readonly title: string;
  readonly lead: string;
  readonly submit: string;
  readonly path: string;
}

function renderQuestion(texts: Texts, { csrfToken, title, lead, submit, path }: Question): string {
  return renderDocument(
    <Panel texts={texts} title={title} signOut={{ csrfToken }}>
      <p class="lead">{lead}</p>
      <form method="post" action={pathOf(texts, path)}>
        <HiddenField name="_csrf" value={csrfToken} />
        <button class="button primary" type="submit">
          {submit}
        </button>
        <Cancel texts={texts} />
      </form>
    </Panel>,
  );
}

interface RecoveryCodesValues extends OnlyToken {
  /** Null where the person has kept some before. */
  readonly codes: readonly string[] | null;
  /** What has just been added, if anything. */
  readonly added: 'totp' | 'passkey' | null;
}

/** The only time that the codes are seen. */
export function recoveryCodesPage(texts: Texts, values: RecoveryCodesValues): string {
  const { csrfToken, codes, added } = values;
  const words = texts.authenticators.recoveryCodes;
  const title = codes ? words.shownTitle : words.title;
  return renderDocument(
    <Panel texts={texts} title={title} signOut={{ csrfToken }}>
      {added && <p class="lead">{words.addedLead[added]}</p>}
      <p>{codes ? words.shownLead : words.kept}</p>
      {codes && (
        <ol class="codes">
          {codes.map((code) => (
            <li key={code}>
              <code>{code}</code>
            </li>
          ))}
        </ol>
      )}
      <p class="actions">
        <a class="button primary" href={pathOf(texts, HOME)}>
          {codes ? words.done : texts.actions.account}
        </a>
        {added && (
          <a class="button" href={pathOf(texts, '/account/sessions/end-others')}>
            {words.endOthers}
          </a>
        )}
      </p>
    </Panel>,
  );
}

function Cancel({ texts }: { readonly texts: Texts }) {
  return (
    <a class="button" href={pathOf(texts, HOME)}>
      {texts.actions.cancel}
    </a>
  );
}
