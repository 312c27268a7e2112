import { readFile } from 'node:fs/promises';
import { parse as parseYaml } from 'yaml';
import { type ReadDocument, readDocument } from './document.ts';
import type { Answer } from './exchange.ts';
import { type Json, parseJson } from './json.ts';
import { attributesOf } from './page.ts';
import type { Probe } from './probe.ts';

/** A document that was found, and where. */
export interface Discovered {
  readonly document: ReadDocument;
  readonly source: string;
}

/** Where frameworks put their document, the usual ones first. */
const PLACES = [
  '/openapi.json',
  '/swagger.json',
  '/api/openapi.json',
  '/api-docs',
  '/v3/api-docs',
  '/api-docs.json',
  '/swagger/v1/swagger.json',
  '/openapi.yaml',
  '/openapi.yml',
  '/swagger.yaml',
  '/v2/api-docs',
  '/docs/json',
  '/documentation/json',
  '/docs-json',
  '/api-json',
  '/api/docs.json',
  '/api/docs/openapi.json',
  '/api/swagger.json',
  '/api/schema/',
  '/api/schema/?format=json',
  '/schema/',
  '/docs/openapi.json',
  '/api/v1/openapi.json',
  '/v1/openapi.json',
  '/openapi/v1.json',
  '/openapi',
  '/apispec_1.json',
  '/apispec.json',
  '/static/swagger.json',
  '/static/openapi.json',
  '/swagger/doc.json',
  '/doc',
  '/.well-known/openapi.json',
];

/** Pages that show a document, and name it. */
const PAGES = [
  '/',
  '/docs',
  '/swagger',
  '/swagger-ui/',
  '/swagger-ui/index.html',
  '/swagger-ui.html',
  '/api-docs/',
  '/api/docs',
  '/redoc',
  '/swagger/index.html',
  '/documentation',
  '/apidocs/',
  '/ui/',
];

/** A document beyond this is cut off by the probe, and cannot be read. */
const FILE_BYTES_MAX = 50 * 1024 * 1024;

/**
 * Finds the target's OpenAPI document: the given file or address, else at usual places under the
 * base path and the root, else where a documentation page says. Null where there is none.
 *
 * Throws `DocumentError` where one was given and cannot be read: guessing another would mislead.
 */
export async function discover(
  probe: Probe,
  basePath: string,
  given: string | null,
): Promise<Discovered | null> {
  if (given !== null) return readGiven(probe, given);
  const bases = [...new Set([basePath.replace(/\/+$/, ''), ''])];
  const tried = new Set<string>();
  const attempt = async (path: string): Promise<Discovered | null> => {
    if (tried.has(path)) return null;
    tried.add(path);
    const { answer } = await get(probe, path);
    const document = answer === null ? null : documentOf(answer.text);
    return document === null ? null : { document, source: path };
  };
  for (const base of bases) {
    for (const place of PLACES) {
      const found = await attempt(`${base}${place}`);
      if (found !== null) return found;
    }
  }
  for (const base of bases) {
    for (const page of PAGES) {
      const { answer } = await get(probe, `${base}${page}`);
      if (answer === null || answer.status !== 200) continue;
      for (const path of await namedDocuments(probe, `${base}${page}`, answer)) {
        const found = await attempt(path);
        if (found !== null) return found;
      }
    }
  }
  return null;
}

/** The given document cannot be had. The message says why, for the person who gave it. */
export class DocumentError extends Error {}

async function readGiven(probe: Probe, given: string): Promise<Discovered> {
  if (!/^https?:\/\//.test(given)) {
    const text = await readFile(given, 'utf8').catch((error: Error) => {
      throw new DocumentError(`The document ${given} cannot be read: ${error.message}`);
    });
    const document = text.length > FILE_BYTES_MAX ? null : documentOf(text);
    if (document !== null) return { document, source: given };
    throw new DocumentError(`${given} is no OpenAPI or Swagger document.`);
  }
  const url = new URL(given);
  if (url.origin !== probe.origin) {
    throw new DocumentError(
      `${given} is on another host, which an audit sends nothing to. Download it and give the file.`,
    );
  }
  const { answer } = await get(probe, `${url.pathname}${url.search}`);
  const document = answer === null ? null : documentOf(answer.text);
  if (document !== null) return { document, source: url.pathname };
  throw new DocumentError(`${given} is no OpenAPI or Swagger document.`);
}

/** The document of a text, JSON or YAML, or null. */
function documentOf(text: string): ReadDocument | null {
  const json = parseJson(text);
  if (json !== undefined) return readDocument(json);
  // Only what looks like one: YAML takes nearly every text for a document.
  if (!/^['"]?(openapi|swagger)['"]?\s*:/m.test(text)) return null;
  try {
    return readDocument(parseYaml(text, { maxAliasCount: 100, logLevel: 'silent' }) as Json);
  } catch {
    return null;
  }
}

/** Addresses of documents on this host that a documentation page names, scripts of it included. */
async function namedDocuments(
  probe: Probe,
  pagePath: string,
  answer: Answer,
): Promise<readonly string[]> {
  const link = /<([^>]+)>\s*;[^,]*rel="?(?:service-desc|describedby)"?/.exec(
    answer.headers['link'] ?? '',
  );
  const texts = [answer.text];
  for (const script of attributesOf(answer.text, 'script', 'src')) {
    const path = onHost(probe, script, pagePath);
    if (path === null || !/swagger|init|redoc|docs/i.test(path)) continue;
    const { answer: found } = await get(probe, path);
    if (found !== null && found.text.length < 200_000) texts.push(found.text);
  }
  const named = texts.flatMap((text) => [
    ...[...text.matchAll(/\burl["']?\s*[:=]\s*["']([^"']+)["']/g)].map(([, url = '']) => url),
    ...[...text.matchAll(/(?:spec-url|data-url|apiDescriptionUrl)=["']([^"']+)["']/g)].map(
      ([, url = '']) => url,
    ),
    ...[
      ...text.matchAll(/["']([^"'\s]*(?:openapi|swagger|api-docs)[^"'\s]*\.(?:json|ya?ml))["']/g),
    ].map(([, url = '']) => url),
  ]);
  const paths = [...(link?.[1] === undefined ? [] : [link[1]]), ...named]
    .map((url) => onHost(probe, url, pagePath))
    .filter((path): path is string => path !== null && !/\.(js|css|png|map)$/.test(path));
  return [...new Set(paths)].slice(0, 10);
}

/** The path of an address as a page names it, or null where it is another host's. */
export function onHost(probe: Probe, url: string, pagePath: string): string | null {
  try {
    const absolute = new URL(url, `${probe.origin}${pagePath}`);
    return absolute.origin === probe.origin ? `${absolute.pathname}${absolute.search}` : null;
  } catch {
    return null;
  }
}

function get(probe: Probe, path: string) {
  const headers = { accept: 'application/json, application/yaml, text/html;q=0.9, */*;q=0.5' };
  return probe.send({ method: 'GET', path, headers, body: null }, 'anonymous');
}
