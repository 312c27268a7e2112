import { renderToString } from 'preact-render-to-string';
import { checkLink } from '../link.ts';
import type { Texts } from '../texts.ts';

/** One message, ready to be sent. Both versions say the same. */
export interface Mail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

interface MailContent {
  readonly subject: string;
  readonly before: readonly string[];
  readonly action: string;
  readonly link: string;
  readonly after: readonly string[];
}

/**
 * Both versions of a message from one content. Throws a TypeError if the link is not an http or
 * https address, or if the subject could start another header line (ASVS 1.3.11).
 */
export function renderMail(texts: Texts, content: MailContent): Mail {
  if (/\p{Cc}/u.test(content.subject)) {
    throw new TypeError('The subject of a mail must be one line without control characters.');
  }
  const safe = { ...content, link: checkLink(content.link) };
  return {
    subject: safe.subject,
    text: mailText(texts, safe),
    html: `<!doctype html>${renderToString(<MailDocument texts={texts} content={safe} />)}`,
  };
}

function mailText(texts: Texts, content: MailContent): string {
  const action = `${content.action}:\n${content.link}`;
  const signature = `-- \n${texts.productName}\n${texts.footer}`;
  return `${[...content.before, action, ...content.after, signature].join('\n\n')}\n`;
}

/** For the clients that know dark mode; the inline styles below are the light one. */
const darkStyles = `
@media (prefers-color-scheme: dark) {
  .ground { background: #111314 !important }
  .sheet { background: #1a1d1f !important; border-color: #2e3336 !important }
  .ink { color: #eceeef !important }
  .quiet { color: #a8aeb3 !important }
  .link { color: #7cd0d8 !important }
  .button { background: #7cd0d8 !important; color: #06272b !important }
}`;

const font = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const styles = {
  ground: `margin:0;padding:32px 16px;background:#f6f5f2;${font}`,
  brand: 'max-width:512px;margin:0 auto 16px;font-size:15px;font-weight:600;color:#1b1d1f',
  sheet:
    'max-width:448px;margin:0 auto;padding:32px;background:#ffffff;' +
    'border:1px solid #e0ded8;border-radius:14px',
  paragraph: 'margin:0 0 16px;font-size:16px;line-height:1.55;color:#1b1d1f',
  quiet: 'margin:0 0 16px;font-size:14px;line-height:1.55;color:#5a5e62',
  action: 'margin:24px 0',
  button:
    'display:inline-block;padding:13px 22px;background:#0b5f68;color:#ffffff;' +
    'border-radius:10px;font-size:16px;font-weight:600;text-decoration:none',
  link: 'color:#0b5f68;word-break:break-all',
  footer: 'max-width:512px;margin:16px auto 0;font-size:13px;line-height:1.5;color:#5a5e62',
} as const;

interface MailDocumentProps {
  readonly texts: Texts;
  readonly content: MailContent;
}

function MailDocument({ texts, content }: MailDocumentProps) {
  return (
    <html lang={texts.language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="supported-color-schemes" content="light dark" />
        <title>{content.subject}</title>
        <style>{darkStyles}</style>
      </head>
      <body class="ground" style={styles.ground}>
        <header class="ink" style={styles.brand}>
          {texts.productName}
        </header>
        <main class="sheet" style={styles.sheet}>
          {content.before.map((paragraph) => (
            <p key={paragraph} class="ink" style={styles.paragraph}>
              {paragraph}
            </p>
          ))}
          <p style={styles.action}>
            <a class="button" href={content.link} style={styles.button}>
              {content.action}
            </a>
          </p>
          <p class="quiet" style={styles.quiet}>
            <a class="link" href={content.link} style={styles.link}>
              {content.link}
            </a>
          </p>
          {content.after.map((paragraph) => (
            <p key={paragraph} class="quiet" style={styles.quiet}>
              {paragraph}
            </p>
          ))}
        </main>
        <footer class="quiet" style={styles.footer}>
          {texts.footer}
        </footer>
      </body>
    </html>
  );
}
