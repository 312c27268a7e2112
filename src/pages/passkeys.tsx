import { passkeysScript } from './assets.ts';
import { renderDocument } from './document.tsx';
import { ErrorSummary, type FieldError, HiddenField, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import { SentenceWithMoment } from './moment.tsx';
import { Failure, Panel } from './panel.tsx';
import { PasskeyCeremony } from './passkey-ceremony.tsx';
import type { Texts } from './texts.ts';

const HOME = '/account/authenticators';

/** A passkey as its owner sees it. */
export interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly backedUp: boolean;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
}

interface PasskeysCardProps {
  readonly texts: Texts;
  readonly passkeys: readonly Passkey[];
}

/** The passkeys of an account, with the means to name and remove each, and to add one. */
export function PasskeysCard({ texts, passkeys }: PasskeysCardProps) {
  const words = texts.passkeys;
  return (
    <section class="card" aria-labelledby="passkeys">
      <h2 id="passkeys">{words.title}</h2>
      <p class="hint">{words.lead}</p>
      {passkeys.length > 0 && (
        <ul class="passkeys">
          {passkeys.map((passkey, index) => (
            <PasskeyItem
              key={passkey.id}
              texts={texts}
              passkey={passkey}
              name={`passkey-${index + 1}`}
            />
          ))}
        </ul>
      )}
      <a class="button" href={pathOf(texts, `${HOME}/passkeys/new`)}>
        {words.add}
      </a>
    </section>
  );
}

interface PasskeyItemProps {
  readonly texts: Texts;
  readonly passkey: Passkey;
  /** The id of the element that names it, for the links that are about it. */
  readonly name: string;
}

function PasskeyItem({ texts, passkey, name }: PasskeyItemProps) {
  const { created, lastUsed, synced, bound, rename, remove } = texts.passkeys;
  const link = (what: string, path: string, text: string) => (
    <a
      class="button small"
      href={pathOf(texts, `${HOME}/passkeys/${path}?id=${encodeURIComponent(passkey.id)}`)}
      id={`${what}-${name}`}
      aria-labelledby={`${what}-${name} ${name}`}
    >
      {text}
    </a>
  );
  return (
    <li>
      <div>
        <h3 id={name}>
          <bdi>{passkey.name}</bdi>
        </h3>
        <p class="hint">
          {passkey.backedUp ? synced : bound}
          {' \u00b7 '}
          <SentenceWithMoment texts={texts} text={created} at={passkey.createdAt} />
          {passkey.lastUsedAt && (
            <>
              {' \u00b7 '}
              <SentenceWithMoment texts={texts} text={lastUsed} at={passkey.lastUsedAt} />
            </>
          )}
        </p>
      </div>
      <p class="actions">
        {link('rename', 'rename', rename)}
        {link('remove', 'remove', remove)}
      </p>
    </li>
  );
}

interface NewPasskeyValues {
  readonly csrfToken: string;
  readonly options: object;
  /** What the passkey may be called, unless its owner knows better. */
  readonly name: string;
  readonly failed: boolean;
}

/** Makes a passkey, under a name. Posts to /account/authenticators/passkeys. */
export function newPasskeyPage(texts: Texts, values: NewPasskeyValues): string {
  const { csrfToken, options, name, failed } = values;
  const { newTitle, newLead, create, instead, refused } = texts.passkeys;
  return renderDocument(
    <Panel
      texts={texts}
      title={newTitle}
      failed={failed}
      signOut={{ csrfToken }}
      scripts={[passkeysScript]}
    >
      {failed && <Failure>{refused}</Failure>}
      <p class="lead">{newLead}</p>
      <PasskeyCeremony
        texts={texts}
        csrfToken={csrfToken}
        kind="create"
        options={options}
        path={`${HOME}/passkeys`}
        submit={create}
        instead={instead.add}
      >
        <TextField texts={texts} name="passkeyName" type="text" autocomplete="off" value={name} />
      </PasskeyCeremony>
      <Cancel texts={texts} />
    </Panel>,
  );
}

interface OnePasskeyValues {
  readonly csrfToken: string;
  readonly passkey: Pick<Passkey, 'id' | 'name'>;
}

/** Asks once more before a passkey is gone. */
export function removePasskeyPage(texts: Texts, values: OnePasskeyValues): string {
  const { csrfToken, passkey } = values;
  const { removeTitle, removeLead, remove } = texts.passkeys;
  return renderDocument(
    <Panel texts={texts} title={removeTitle} signOut={{ csrfToken }}>
      <p class="name">
        <bdi>{passkey.name}</bdi>
      </p>
      <p class="lead">{removeLead}</p>
      <form method="post" action={pathOf(texts, `${HOME}/passkeys/remove`)}>
        <HiddenField name="_csrf" value={csrfToken} />
        <HiddenField name="id" value={passkey.id} />
        <button class="button primary" type="submit">
          {remove}
        </button>
        <Cancel texts={texts} />
      </form>
    </Panel>,
  );
}

interface RenamePasskeyValues extends OnePasskeyValues {
  readonly errors: readonly FieldError[];
}

/** The form to give a passkey another name. */
export function renamePasskeyPage(texts: Texts, values: RenamePasskeyValues): string {
  const { csrfToken, passkey, errors } = values;
  const { renameTitle } = texts.passkeys;
  const failed = errors.length > 0;
  return renderDocument(
    <Panel texts={texts} title={renameTitle} failed={failed} signOut={{ csrfToken }}>
      <ErrorSummary texts={texts} errors={errors} fields={['passkeyName']} />
      <form method="post" action={pathOf(texts, `${HOME}/passkeys/rename`)}>
        <HiddenField name="_csrf" value={csrfToken} />
        <HiddenField name="id" value={passkey.id} />
        <TextField
          texts={texts}
          name="passkeyName"
          type="text"
          autocomplete="off"
          value={passkey.name}
          errors={errors}
        />
        <button class="button primary" type="submit">
          {texts.profile.submit}
        </button>
        <Cancel texts={texts} />
      </form>
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
