import { Document, renderDocument } from './document.tsx';
import { checkLink, pathOf } from './link.ts';
import type { Texts } from './texts.ts';

interface MailboxMail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly links: readonly string[];
}

interface MailboxValues {
  /** The newest first. */
  readonly mails: readonly MailboxMail[];
}

/** Mail that a server without SMTP would have sent, for whoever develops with it. */
export function mailboxPage(texts: Texts, { mails }: MailboxValues): string {
  const { title, lead, json } = texts.mailbox;
  return renderDocument(
    <Document texts={texts} title={title} shape="wide">
      <div class="mailbox">
        <h1>{title}</h1>
        <p class="lead">
          {lead} <a href={pathOf(texts, '/development/mailbox.json')}>{json}</a>
        </p>
        {mails.length === 0 ? (
          <Empty texts={texts} />
        ) : (
          mails.map((mail, index) => <Message key={index} texts={texts} mail={mail} />)
        )}
      </div>
    </Document>,
  );
}

function Empty({ texts }: { readonly texts: Texts }) {
  const { title, text } = texts.mailbox.empty;
  return (
    <section class="card empty">
      <h2>{title}</h2>
      <p class="hint">{text}</p>
      <a class="button" href={pathOf(texts, '/sign-up')}>
        {texts.actions.signUp}
      </a>
    </section>
  );
}

interface MessageProps {
  readonly texts: Texts;
  readonly mail: MailboxMail;
}

function Message({ texts, mail }: MessageProps) {
  return (
    <article class="card message">
      <h2>
        <bdi>{mail.subject}</bdi>
      </h2>
      <p class="hint">
        {texts.mailbox.to} <bdi>{mail.to}</bdi>
      </p>
      <p class="message-text">{mail.text}</p>
      {mail.links.length > 0 && (
        <div class="message-links">
          <h3>{texts.mailbox.links}</h3>
          <ul>
            {mail.links.map((link) => (
              <li key={link}>
                <a href={checkLink(link)} rel="noreferrer">
                  {link}
                </a>
              </li>
            ))}
          </ul>
        </div>
      )}
    </article>
  );
}
