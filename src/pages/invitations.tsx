import { renderDocument } from './document.tsx';
import { ErrorSummary, type FieldError, HiddenField, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import { SentenceWithMoment } from './moment.tsx';
import { NextPage } from './next-page.tsx';
import { roleText, TenantDocument, type TenantPageValues } from './tenant-document.tsx';
import type { Texts } from './texts.ts';

export interface InvitationItem {
  readonly id: string;
  readonly email: string;
  readonly role: string;
  readonly invitedBy: string;
  readonly expiresAt: Date;
}

interface RoleChoice {
  readonly name: string;
  readonly title: string;
}

interface InvitationsValues extends TenantPageValues {
  readonly invitations: readonly InvitationItem[];
  /** The path of the next page, null on the last. */
  readonly next: string | null;
  readonly mayWrite: boolean;
  /** Those that the reader may give. */
  readonly roles: readonly RoleChoice[];
  /** What was typed, where it was refused. */
  readonly made?: { readonly email: string; readonly role: string } | undefined;
  readonly errors: readonly FieldError[];
}

/** The invitations that wait to be accepted, and the form for another. */
export function invitationsPage(texts: Texts, values: InvitationsValues): string {
  const { invitations, next, mayWrite, errors } = values;
  const words = texts.invitations;
  return renderDocument(
    <TenantDocument texts={texts} section="invitations" values={values} failed={errors.length > 0}>
      <ErrorSummary texts={texts} errors={errors} fields={['email']} />
      <p class="lead">{words.lead}</p>
      {mayWrite && <InviteForm texts={texts} values={values} />}
      {invitations.length === 0 && <p>{words.none}</p>}
      {invitations.length > 0 && (
        <ul class="card sessions">
          {invitations.map((invitation, index) => (
            <Invitation
              key={invitation.id}
              texts={texts}
              values={values}
              invitation={invitation}
              name={`invitation-${index + 1}`}
            />
          ))}
        </ul>
      )}
      <NextPage texts={texts} next={next} label={words.next} />
    </TenantDocument>,
  );
}

function InviteForm({
  texts,
  values,
}: {
  readonly texts: Texts;
  readonly values: InvitationsValues;
}) {
  const { makeTitle, makeHint, role, make } = texts.invitations;
  const { csrfToken, roles, made, errors } = values;
  return (
    <section class="card">
      <h2>{makeTitle}</h2>
      <p class="hint">{makeHint}</p>
      <form method="post" action={pathOf(texts, '/tenant/invitations')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <TextField
          texts={texts}
          name="email"
          type="email"
          autocomplete="off"
          value={made?.email}
          errors={errors}
        />
        <div class="field">
          <label for="role">{role}</label>
          <select id="role" name="role" autocomplete="off">
            {roles.map((each) => (
              <option
                key={each.name}
                value={each.name}
                selected={each.name === (made?.role ?? 'member')}
              >
                {roleText(texts, each)}
              </option>
            ))}
          </select>
        </div>
        <button class="button primary" type="submit">
          {make}
        </button>
      </form>
    </section>
  );
}

interface InvitationProps {
  readonly texts: Texts;
  readonly values: InvitationsValues;
  readonly invitation: InvitationItem;
  /** The id of the element that names the address, for the controls beside. */
  readonly name: string;
}

function Invitation({ texts, values, invitation, name }: InvitationProps) {
  const { invitedBy, expires, resend, withdraw } = texts.invitations;
  const { email, role, expiresAt } = invitation;
  const choice = values.roles.find((each) => each.name === role) ?? { name: role, title: '' };
  const actions = [
    { path: '/tenant/invitations/resend', text: resend, id: `resend-${name}` },
    { path: '/tenant/invitations/withdraw', text: withdraw, id: `withdraw-${name}` },
  ];
  return (
    <li>
      <div class="session">
        <h2>
          <bdi id={name}>{email}</bdi>
          <span class="badge">{roleText(texts, choice)}</span>
        </h2>
        <p class="hint">
          <bdi>{invitedBy(invitation.invitedBy)}</bdi>{' '}
          <SentenceWithMoment texts={texts} text={expires} at={expiresAt} />
        </p>
      </div>
      {values.mayWrite && (
        <div class="controls">
          {actions.map((action) => (
            <form key={action.id} method="post" action={pathOf(texts, action.path)}>
              <HiddenField name="_csrf" value={values.csrfToken} />
              <HiddenField name="id" value={invitation.id} />
              <button
                class="button small"
                type="submit"
                id={action.id}
                aria-labelledby={`${action.id} ${name}`}
              >
                {action.text}
              </button>
            </form>
          ))}
        </div>
      )}
    </li>
  );
}
