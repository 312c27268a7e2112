import { docsScript } from './assets.ts';
import { CHAPTERS, Introduction, type Problems } from './docs/introduction.tsx';
import { type Group, groupsOf, type OpenApiDocument } from './docs/openapi.ts';
import { MethodMark, OperationArticle } from './docs/operation.tsx';
import { Document, renderDocument } from './document.tsx';
import { pathOf } from './link.ts';
import { english } from './texts.ts';

export type { OpenApiDocument } from './docs/openapi.ts';

interface DocsValues {
  readonly document: OpenApiDocument;
  /** The configured origin, which examples call and which they name. */
  readonly origin: string;
  /** Where on that origin the API is mounted: '' or a path. */
  readonly mount?: string;
  readonly problems: Problems;
  /** Where given, operations can be tried; a visitor's requests carry this token. */
  readonly tryIt: { readonly csrfToken: string } | null;
}

/**
 * The documentation of the API, made from the document that the API gives of itself, so that it
 * says nothing else. In English like that document. Everything can be read without a script.
 */
export function docsPage(values: DocsValues): string {
  const { document, mount = '', problems, tryIt } = values;
  const origin = values.origin + mount;
  const texts = { ...english, mount };
  const groups = groupsOf(document);
  return renderDocument(
    <Document texts={texts} title="API" shape="wide" scripts={tryIt ? [docsScript] : []}>
      <div class="docs" data-csrf-token={tryIt?.csrfToken} data-mount={mount}>
        <Overview info={document.info} origin={origin} mount={mount} />
        <Contents groups={groups} />
        <div class="docs-body">
          <Introduction origin={origin} problems={problems} />
          {groups.map(({ id, title: heading, lead, operations }) => (
            <section class="group" id={id} key={id}>
              <h2>{heading}</h2>
              <p class="lead">{lead}</p>
              {operations.map((operation) => (
                <OperationArticle
                  key={operation.id}
                  operation={operation}
                  origin={origin}
                  problems={problems}
                  tryIt={tryIt !== null}
                />
              ))}
            </section>
          ))}
        </div>
      </div>
    </Document>,
  );
}

interface OverviewProps extends Pick<DocsValues, 'origin' | 'mount'> {
  readonly info: OpenApiDocument['info'];
}

function Overview({ info, origin, mount = '' }: OverviewProps) {
  const { title, version, description } = info;
  return (
    <div class="overview">
      <h1>{title} API</h1>
      {description !== undefined && <p class="lead">{description}</p>}
      <dl>
        <div>
          <dt>Base URL</dt>
          <dd>
            <code>{origin}</code>
          </dd>
        </div>
        <div>
          <dt>Version</dt>
          <dd>{version}</dd>
        </div>
        <div>
          <dt>Contract</dt>
          <dd>
            <a href={pathOf({ mount }, '/openapi.json')}>OpenAPI 3.1</a>
          </dd>
        </div>
      </dl>
    </div>
  );
}

function Contents({ groups }: { readonly groups: readonly Group[] }) {
  return (
    <nav class="contents" aria-label="On this page">
      <ul>
        {CHAPTERS.map(({ id, title }) => (
          <li key={id}>
            <a href={`#${id}`}>{title}</a>
          </li>
        ))}
        {groups.map(({ id, title, operations }) => (
          <li key={id}>
            <a href={`#${id}`}>{title}</a>
            <ul>
              {operations.map((operation) => (
                <li key={operation.id}>
                  <a href={`#${operation.id}`}>
                    <MethodMark method={operation.method} />{' '}
                    <span class="path">{operation.path}</span>
                  </a>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </nav>
  );
}
