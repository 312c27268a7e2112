import { renderDocument } from './document.tsx';
import { ErrorSummary, type FieldError, HiddenField, TextField } from './form.tsx';
import { pathOf } from './link.ts';
import { SentenceWithMoment } from './moment.tsx';
import { Panel } from './panel.tsx';
import { TenantDocument, type TenantPageValues } from './tenant-document.tsx';
import type { Texts } from './texts.ts';

/** A key, as those who may see the tenant's keys see it. */
export interface KeyItem {
  readonly id: string;
  readonly title: string;
  /** The first characters behind the prefix. */
  readonly hint: string;
  /** What it names, in words. */
  readonly permissions: readonly string[];
  readonly maker: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly lastUsedAt: Date | null;
}

/** What the reader may let a key do. */
export interface KeyPermission {
  readonly name: string;
  readonly text: string;
}

/** What was typed into the form for a new key. */
export interface TypedKey {
  readonly title: string;
  readonly permissions: readonly string[];
  readonly days: number;
}

interface KeysValues extends TenantPageValues {
  readonly keys: readonly KeyItem[];
  readonly mayWrite: boolean;
  readonly permissions: readonly KeyPermission[];
  readonly days: readonly number[];
  readonly made: TypedKey;
  readonly errors: readonly FieldError[];
}

/** The API keys of a tenant, and the form for another. */
export function keysPage(texts: Texts, values: KeysValues): string {
  const { keys, mayWrite, errors } = values;
  const words = texts.keys;
  return renderDocument(
    <TenantDocument texts={texts} section="keys" values={values} failed={errors.length > 0}>
      <ErrorSummary texts={texts} errors={errors} fields={['title']} />
      <p class="lead">{words.lead}</p>
      {keys.length === 0 && <p>{words.none}</p>}
      {keys.length > 0 && (
        <ul class="card sessions">
          {keys.map((key, index) => (
            <Key
              key={key.id}
              texts={texts}
              item={key}
              mayWrite={mayWrite}
              name={`key-${index + 1}`}
            />
          ))}
        </ul>
      )}
      {mayWrite && <MakeForm texts={texts} values={values} />}
    </TenantDocument>,
  );
}

interface KeyProps {
  readonly texts: Texts;
  readonly item: KeyItem;
  readonly mayWrite: boolean;
  /** The id of the element that names it, for the link that is about it. */
  readonly name: string;
}

function Key({ texts, item, mayWrite, name }: KeyProps) {
  const words = texts.keys;
  return (
    <li>
      <div class="session">
        <h2>
          <bdi id={name}>{item.title}</bdi> <code>{`sallyport_${item.hint}\u2026`}</code>
        </h2>
        <p class="hint">
          <bdi>{words.by(item.maker)}</bdi>{' '}
          <SentenceWithMoment texts={texts} text={words.created} at={item.createdAt} />
          {' \u00b7 '}
          <SentenceWithMoment texts={texts} text={words.expires} at={item.expiresAt} />
          {' \u00b7 '}
          {item.lastUsedAt ? (
            <SentenceWithMoment texts={texts} text={words.lastUsed} at={item.lastUsedAt} />
          ) : (
            words.neverUsed
          )}
        </p>
        {item.permissions.length === 0 ? (
          <p class="hint">{words.mayNothing}</p>
        ) : (
          <details>
            <summary>{words.may(item.permissions.length)}</summary>
            <ul>
              {item.permissions.map((permission) => (
                <li key={permission}>{permission}</li>
              ))}
            </ul>
          </details>
        )}
      </div>
      {mayWrite && (
        <a
          class="button small"
          href={pathOf(texts, `/tenant/keys/revoke?id=${encodeURIComponent(item.id)}`)}
          id={`revoke-${name}`}
          aria-labelledby={`revoke-${name} ${name}`}
        >
          {words.revoke}
        </a>
      )}
    </li>
  );
}

function MakeForm({ texts, values }: { readonly texts: Texts; readonly values: KeysValues }) {
  const { csrfToken, permissions, days, made, errors } = values;
  const words = texts.keys;
  return (
    <section class="card" aria-labelledby="make">
      <h2 id="make">{words.makeTitle}</h2>
      <p class="hint">{words.makeLead}</p>
      <form method="post" action={pathOf(texts, '/tenant/keys')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <TextField
          texts={texts}
          name="title"
          type="text"
          autocomplete="off"
          value={made.title}
          errors={errors}
        />
        <fieldset class="ticks">
          <legend>{words.permissions}</legend>
          <p class="hint">{words.permissionsHint}</p>
          {permissions.map(({ name, text }, index) => (
            <div key={name} class="check">
              <input
                id={`permit-${index + 1}`}
                type="checkbox"
                name="permit"
                value={name}
                checked={made.permissions.includes(name)}
                autocomplete="off"
              />
              <label for={`permit-${index + 1}`}>{text}</label>
            </div>
          ))}
        </fieldset>
        <div class="field">
          <label for="days">{words.lifetime}</label>
          <select id="days" name="days" autocomplete="off">
            {days.map((each) => (
              <option key={each} value={each} selected={each === made.days}>
                {words.days(each)}
              </option>
            ))}
          </select>
        </div>
        <button class="button primary" type="submit">
          {words.make}
        </button>
      </form>
    </section>
  );
}

/** The only time that a key is seen. */
export function keyMadePage(
  texts: Texts,
  { csrfToken, text }: { readonly csrfToken: string; readonly text: string },
): string {
  const { madeTitle, madeLead, madeUse, kept } = texts.keys;
  return renderDocument(
    <Panel texts={texts} title={madeTitle} signOut={{ csrfToken }}>
      <p class="lead">{madeLead}</p>
      <p class="code-text">
        <code>{text}</code>
      </p>
      <p>{madeUse}</p>
      <p class="code-text">
        <code>{'Authorization: Bearer sallyport_\u2026'}</code>
      </p>
      <p class="actions">
        <a class="button primary" href={pathOf(texts, '/tenant/keys')}>
          {kept}
        </a>
      </p>
    </Panel>,
  );
}

/** Asks once more before programs that use the key stop working. */
export function revokeKeyPage(
  texts: Texts,
  { csrfToken, key }: { readonly csrfToken: string; readonly key: Pick<KeyItem, 'id' | 'title'> },
): string {
  const { revokeTitle, revokeLead, revoke } = texts.keys;
  return renderDocument(
    <Panel texts={texts} title={revokeTitle} signOut={{ csrfToken }}>
      <p class="lead">
        <strong>
          <bdi>{key.title}</bdi>
        </strong>
      </p>
      <p>{revokeLead}</p>
      <form method="post" action={pathOf(texts, '/tenant/keys/revoke')}>
        <HiddenField name="_csrf" value={csrfToken} />
        <HiddenField name="id" value={key.id} />
        <button class="button primary" type="submit">
          {revoke}
        </button>
        <a class="button" href={pathOf(texts, '/tenant/keys')}>
          {texts.actions.cancel}
        </a>
      </form>
    </Panel>,
  );
}
