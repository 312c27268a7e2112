import { passkeysScript, revealPassword } from './assets.ts';
import { renderDocument } from './document.tsx';
import { ErrorSummary, HiddenField, NameForPasswordManagers } from './form.tsx';
import { passwordCharactersMin, TextField } from './form.tsx';
import type { FieldError } from './form.tsx';
import { pathOf } from './link.ts';
import { Failure, Panel, renderOutcome } from './panel.tsx';
import { PasskeyCeremony } from './passkey-ceremony.tsx';
import type { Texts } from './texts.ts';

interface InvitedValues {
  readonly csrfToken: string;
  readonly token: string;
  readonly tenantName: string;
}

interface JoinValues extends InvitedValues {
  /** The address that the invitation was mailed to. */
  readonly address: string;
  readonly displayName?: string | undefined;
  readonly errors: readonly FieldError[];
}

/**
 * Where the link of an invitation leads somebody without an account: the address is proved by the
 * mail, so a name and a password are all that is missing. Posts to /join.
 */
export function joinPage(texts: Texts, values: JoinValues): string {
  const { csrfToken, token, tenantName, address, displayName, errors } = values;
  const { title, lead, submit, notYou } = texts.join;
  return renderDocument(
    <Panel
      texts={texts}
      title={title}
      failed={errors.length > 0}
      secretAddress
      scripts={[revealPassword]}
    >
      <ErrorSummary texts={texts} errors={errors} fields={['displayName', 'password']} />
      <p class="lead">{lead}</p>
      <Invitation texts={texts} tenantName={tenantName} address={address} />
      <p class="actions">
        <a
          class="button primary"
          href={pathOf(texts, `/join/with-passkey?token=${encodeURIComponent(token)}`)}
        >
          {texts.firstPasskey.join}
        </a>
      </p>
      <form method="post" action={pathOf(texts, '/join')}>
        <p class="lead">{texts.firstPasskey.orPassword}</p>
        <HiddenField name="_csrf" value={csrfToken} />
        <HiddenField name="token" value={token} />
        <TextField
          texts={texts}
          name="displayName"
          type="text"
          autocomplete="name"
          value={displayName}
          errors={errors}
        />
        <NameForPasswordManagers email={address} />
        <TextField
          texts={texts}
          name="password"
          type="password"
          autocomplete="new-password"
          minlength={passwordCharactersMin}
          errors={errors}
        />
        <button class="button primary" type="submit">
          {submit}
        </button>
      </form>
      <p class="aside">{notYou}</p>
    </Panel>,
  );
}

interface JoinWithPasskeyValues extends InvitedValues {
  readonly address: string;
  readonly displayName?: string | undefined;
  readonly options: object;
  readonly errors: readonly FieldError[];
  /** Whether the browser's passkey was refused. */
  readonly refused: boolean;
}

/** The same with a passkey, which is made here, and no password. Posts to /join/with-passkey. */
export function joinWithPasskeyPage(texts: Texts, values: JoinWithPasskeyValues): string {
  const { csrfToken, token, tenantName, address, displayName, options, errors, refused } = values;
  const { title, notYou } = texts.join;
  const failed = refused || errors.length > 0;
  const back = pathOf(texts, `/join?token=${encodeURIComponent(token)}`);
  return renderDocument(
    <Panel texts={texts} title={title} failed={failed} secretAddress scripts={[passkeysScript]}>
      <ErrorSummary texts={texts} errors={errors} fields={['displayName']} />
      {refused && <Failure>{texts.firstPasskey.choose.refused}</Failure>}
      <Invitation texts={texts} tenantName={tenantName} address={address} />
      <PasskeyCeremony
        texts={texts}
        csrfToken={csrfToken}
        kind="create"
        options={options}
        path="/join/with-passkey"
        submit={texts.firstPasskey.join}
        instead={texts.passkeys.instead.signUp}
      >
        <HiddenField name="token" value={token} />
        <TextField
          texts={texts}
          name="displayName"
          type="text"
          autocomplete="name"
          value={displayName}
          errors={errors}
        />
      </PasskeyCeremony>
      <p class="aside">
        <a href={back}>{texts.firstPasskey.orPassword}</a>
      </p>
      <p class="aside">{notYou}</p>
    </Panel>,
  );
}

/** The same for somebody who has an account, and first proves that it is theirs. */
export function joinAsOwnerPage(
  texts: Texts,
  values: { readonly token: string; readonly tenantName: string; readonly address: string },
): string {
  const { title, signInLead, notYou } = texts.join;
  const { token, tenantName, address } = values;
  const href = pathOf(texts, `/join/accept?token=${encodeURIComponent(token)}`);
  return renderDocument(
    <Panel texts={texts} title={title} secretAddress>
      <p class="lead">{signInLead}</p>
      <Invitation texts={texts} tenantName={tenantName} address={address} />
      <p class="actions">
        <a class="button primary" href={href}>
          {texts.actions.signIn}
        </a>
      </p>
      <p class="aside">{notYou}</p>
    </Panel>,
  );
}

/** Asks whoever is signed in whether they want to join. Posts to /join/accept. */
export function acceptInvitationPage(
  texts: Texts,
  values: InvitedValues & { readonly address: string },
): string {
  const { csrfToken, token, tenantName, address } = values;
  const { title, acceptLead, accept, notYou } = texts.join;
  return renderDocument(
    <Panel texts={texts} title={title} secretAddress signOut={{ csrfToken }}>
      <p class="lead">{acceptLead}</p>
      <Invitation texts={texts} tenantName={tenantName} address={address} />
      <form method="post" action={pathOf(texts, '/join/accept')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <HiddenField name="token" value={token} />
        <button class="button primary" type="submit">
          {accept}
        </button>
      </form>
      <p class="aside">{notYou}</p>
    </Panel>,
  );
}

/** For a link that is expired, used, withdrawn, unknown or another person's: one page. */
export function deadInvitationPage(texts: Texts): string {
  const { title, text } = texts.join.dead;
  const actions = [{ href: pathOf(texts, '/account'), text: texts.actions.account }];
  return renderOutcome(texts, { title, text, actions });
}

interface InvitationProps {
  readonly texts: Texts;
  readonly tenantName: string;
  readonly address: string;
}

function Invitation({ texts, tenantName, address }: InvitationProps) {
  return (
    <dl class="card facts">
      <div>
        <dt>{texts.join.tenant}</dt>
        <dd>
          <bdi>{tenantName}</bdi>
        </dd>
      </div>
      <div>
        <dt>{texts.join.invited}</dt>
        <dd>
          <bdi>{address}</bdi>
        </dd>
      </div>
    </dl>
  );
}
