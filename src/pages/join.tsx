import { revealPassword } from './assets.ts';
import { renderDocument } from './document.tsx';
import { ErrorSummary, HiddenField, NameForPasswordManagers } from './form.tsx';
import { passwordCharactersMin, TextField } from './form.tsx';
import type { FieldError } from './form.tsx';
import { pathOf } from './link.ts';
import { Panel, renderOutcome } from './panel.tsx';
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
      <form method="post" action={pathOf(texts, '/join')}>
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
