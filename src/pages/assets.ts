import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A file that pages refer to, read once; its path changes with its content. */
export interface Asset {
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer;
}

/** The one stylesheet. Inline styles do not exist: the policy of the pages refuses them. */
export const stylesheet: Asset = readAsset('sallyport', 'css', 'text/css; charset=utf-8');

/** The icon in the browser's tab. */
export const favicon: Asset = readAsset('favicon', 'svg', 'image/svg+xml');

/** Shows moments in the reader's time zone. */
export const localTime: Asset = readAsset('local-time', 'js', 'text/javascript; charset=utf-8');

/** Gives password fields a button that shows what was typed. */
export const revealPassword: Asset = readAsset(
  'reveal-password',
  'js',
  'text/javascript; charset=utf-8',
);

/** Asks the browser for a passkey, or to make one. */
export const passkeysScript: Asset = readAsset('passkeys', 'js', 'text/javascript; charset=utf-8');

/** Sends a form that needs nobody to fill it in. */
export const sendAtOnce: Asset = readAsset('send-at-once', 'js', 'text/javascript; charset=utf-8');

/** Shows how far an export is. */
export const exportProgress: Asset = readAsset(
  'export-progress',
  'js',
  'text/javascript; charset=utf-8',
);

/** Sends requests from the documentation of the API. */
export const docsScript: Asset = readAsset('docs', 'js', 'text/javascript; charset=utf-8');

/** Every file that must be served for the pages to be complete. */
export const assets: readonly Asset[] = [
  stylesheet,
  favicon,
  localTime,
  revealPassword,
  passkeysScript,
  sendAtOnce,
  exportProgress,
  docsScript,
];

/**
 * The digest in the path lets a browser keep the file for ever and never meet an old one: a changed
 * file is another path.
 */
function readAsset(name: string, extension: string, contentType: string): Asset {
  const body = readFileSync(new URL(`./assets/${name}.${extension}`, import.meta.url));
  const digest = createHash('sha256').update(body).digest('hex').slice(0, 16);
  return { path: `/assets/${name}-${digest}.${extension}`, contentType, body };
}
