import { sendAtOnce } from './assets.ts';
import { renderDocument } from './document.tsx';
import { HiddenField, TextField } from './form.tsx';
import { checkLink, pathOf } from './link.ts';
import { SentenceWithMoment } from './moment.tsx';
import { Panel } from './panel.tsx';
import type { Texts } from './texts.ts';

const HOME = '/account/authenticators';

/** A provider as people choose it. */
export interface OfferedProvider {
  readonly id: string;
  readonly name: string;
}

/** An account at a provider, as its owner sees it. */
export interface LinkedProvider {
  readonly id: string;
  readonly issuer: string;
  /** Null where it is not offered any more. */
  readonly name: string | null;
  readonly address: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
}

interface ProviderButtonsProps {
  readonly texts: Texts;
  readonly csrfToken: string;
  readonly providers: readonly OfferedProvider[];
  readonly path: string;
  readonly label: (name: string) => string;
  readonly returnTo?: string | undefined;
}

/**
 * A button for each provider; where there is none, nothing. A provider leads back to the main
 * origin, so on the host of a tenant there is none, either.
 */
export function ProviderButtons(props: ProviderButtonsProps) {
  const { texts, csrfToken, providers, path, label, returnTo } = props;
  if (texts.otherHosts) return null;
  return (
    <>
      {providers.map(({ id, name }) => (
        <form key={id} method="post" action={pathOf(texts, path)}>
          <HiddenField name="_csrf" value={csrfToken} />
          <HiddenField name="provider" value={id} />
          {returnTo !== undefined && <HiddenField name="return_to" value={returnTo} />}
          <button class="button" type="submit">
            {label(name)}
          </button>
        </form>
      ))}
    </>
  );
}

interface ProvidersCardProps {
  readonly texts: Texts;
  readonly csrfToken: string;
  readonly linked: readonly LinkedProvider[];
  /** Those that are not linked yet. */
  readonly offered: readonly OfferedProvider[];
}

/** The accounts elsewhere that somebody signs in with, and the means to link and unlink them. */
export function ProvidersCard({ texts, csrfToken, linked, offered }: ProvidersCardProps) {
  const words = texts.providers;
  if (linked.length === 0 && offered.length === 0) return null;
  return (
    <section class="card" aria-labelledby="providers">
      <h2 id="providers">{words.title}</h2>
      <p class="hint">{words.lead}</p>
      {linked.length > 0 && (
        <ul class="passkeys">
          {linked.map((link, index) => (
            <LinkedItem key={link.id} texts={texts} link={link} name={`provider-${index + 1}`} />
          ))}
        </ul>
      )}
      <ProviderButtons
        texts={texts}
        csrfToken={csrfToken}
        providers={offered}
        path={`${HOME}/providers`}
        label={words.link}
      />
    </section>
  );
}

interface LinkedItemProps {
  readonly texts: Texts;
  readonly link: LinkedProvider;
  /** The id of the element that names it, for the link that is about it. */
  readonly name: string;
}

function LinkedItem({ texts, link, name }: LinkedItemProps) {
  const { linked, linkedAs, lastUsed, unlink, notOffered } = texts.providers;
  return (
    <li>
      <div>
        <h3 id={name}>
          <bdi>{link.name ?? link.issuer}</bdi> {linkedAs} <bdi>{link.address}</bdi>
        </h3>
        <p class="hint">
          {link.name === null && (
            <>
              {notOffered} {'\u00b7'}{' '}
            </>
          )}
          <SentenceWithMoment texts={texts} text={linked} at={link.createdAt} />
          {link.lastUsedAt && (
            <>
              {' \u00b7 '}
              <SentenceWithMoment texts={texts} text={lastUsed} at={link.lastUsedAt} />
            </>
          )}
        </p>
      </div>
      <p class="actions">
        <a
          class="button small"
          href={pathOf(texts, `${HOME}/providers/unlink?id=${encodeURIComponent(link.id)}`)}
          id={`unlink-${name}`}
          aria-labelledby={`unlink-${name} ${name}`}
        >
          {unlink}
        </a>
      </p>
    </li>
  );
}

/**
 * Sends the browser on to a provider. It is a page and not the answer to the form, which the policy
 * of the pages lets go nowhere else (`form-action`), and a refresh, so that it works for everybody.
 */
export function leavingPage(
  texts: Texts,
  { name, url }: { readonly name: string; readonly url: string },
): string {
  const { title, lead, go } = texts.providers.leaving;
  const link = checkLink(url);
  return renderDocument(
    <Panel texts={texts} title={title(name)} refresh={link}>
      <p class="lead">{lead}</p>
      <p class="actions">
        <a class="button primary" href={link}>
          {go}
        </a>
      </p>
    </Panel>,
  );
}

interface BackValues {
  readonly csrfToken: string;
  /** Where the answer is judged. */
  readonly path: string;
  readonly answer: Readonly<Record<string, string | undefined>>;
  /** Whether a code of a second factor is judged with it. */
  readonly asksCode: boolean;
  readonly signedIn: boolean;
}

/**
 * What the provider has answered, in a form: opening an address changes nothing, sending the form
 * does. A script sends it at once, unless somebody has to fill something in.
 */
export function backPage(texts: Texts, values: BackValues): string {
  const { csrfToken, path, answer, asksCode, signedIn } = values;
  const { title, lead, codeLead, go } = texts.providers.back;
  return renderDocument(
    <Panel
      texts={texts}
      title={title}
      secretAddress
      scripts={asksCode ? [] : [sendAtOnce]}
      {...(signedIn ? { signOut: { csrfToken } } : {})}
    >
      <p class="lead">{asksCode ? codeLead : lead}</p>
      <form method="post" action={pathOf(texts, path)} data-at-once={asksCode ? undefined : ''}>
        <HiddenField name="_csrf" value={csrfToken} />
        {Object.entries(answer).map(
          ([name, value]) =>
            value !== undefined && <HiddenField key={name} name={name} value={value} />,
        )}
        {asksCode && (
          <TextField texts={texts} name="code" type="text" autocomplete="one-time-code" autofocus />
        )}
        <button class="button primary" type="submit">
          {go}
        </button>
      </form>
    </Panel>,
  );
}

/** Asks once more before nobody can sign in with the account any more. */
export function unlinkPage(
  texts: Texts,
  { csrfToken, link }: { readonly csrfToken: string; readonly link: LinkedProvider },
): string {
  const { unlinkTitle, unlinkLead, unlink, linkedAs } = texts.providers;
  return renderDocument(
    <Panel texts={texts} title={unlinkTitle} signOut={{ csrfToken }}>
      <p class="lead">
        <strong class="address">
          <bdi>{link.name ?? link.issuer}</bdi> {linkedAs} <bdi>{link.address}</bdi>
        </strong>
      </p>
      <p>{unlinkLead}</p>
      <form method="post" action={pathOf(texts, `${HOME}/providers/unlink`)}>
        <HiddenField name="_csrf" value={csrfToken} />
        <HiddenField name="id" value={link.id} />
        <button class="button primary" type="submit">
          {unlink}
        </button>
        <a class="button" href={pathOf(texts, HOME)}>
          {texts.actions.cancel}
        </a>
      </form>
    </Panel>,
  );
}
