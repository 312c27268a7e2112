import { createHash } from 'node:crypto';
import { render } from 'preact-render-to-string';
import { SEVERITIES, type CheckReport, type Report } from '../report.ts';
import type { Finding, Step } from '../verdict.ts';
import { curlOf, excerptOf } from './curl.ts';
import { fingerprintOf } from './fingerprint.ts';

const STYLE = `:root{color-scheme:light dark;font-family:system-ui,sans-serif;line-height:1.5}
body{max-width:72rem;margin:0 auto;padding:1rem}
h1{font-size:1.6rem}h2{font-size:1.25rem;margin-top:2rem}h3{font-size:1.05rem;margin:0}
article{border:1px solid light-dark(#ccc,#555);border-inline-start:.4rem solid;border-radius:.4rem;padding:1rem;margin:1rem 0}
.critical,.high{border-inline-start-color:light-dark(#b00020,#ff8a80)}
.medium{border-inline-start-color:light-dark(#9a6700,#ffd54f)}
.low,.informational{border-inline-start-color:light-dark(#0b57d0,#90caf9)}
pre{overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere;background:light-dark(#f3f3f3,#262626);padding:.6rem;border-radius:.3rem;margin:.3rem 0}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{text-align:start;padding:.3rem .6rem;border-bottom:1px solid light-dark(#ddd,#444);vertical-align:top}
.tag{font-weight:600}summary{cursor:pointer}`;

/** One file without scripts, to be kept or sent: nothing in it loads anything. */
export function htmlReport(report: Report): string {
  // The target's text is in this page. The policy holds even if a browser read it as markup.
  const digest = createHash('sha256').update(STYLE).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${digest}'`;
  const page = render(
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta http-equiv="Content-Security-Policy" content={policy} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{`Audit of ${report.title || report.url}`}</title>
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>
        <main>
          <Summary report={report} />
          <Findings report={report} />
          <Coverage report={report} />
        </main>
      </body>
    </html>,
  );
  return `<!doctype html>\n${report.mask(page)}\n`;
}

function Summary({ report }: { readonly report: Report }) {
  const count = report.checks.reduce((sum, { findings }) => sum + findings.length, 0);
  return (
    <>
      <h1>{`Audit of ${report.title || report.url}`}</h1>
      <p>
        {`${report.url}, ${report.startedAt.toISOString()}: ${count} ${count === 1 ? 'finding' : 'findings'}; ${report.reached} of ${report.operations} operations reached, ${report.requests} requests, ${report.seconds.toFixed(1)} s.`}
      </p>
      {report.stopped === null ? null : <p class="tag">{`Stopped early: ${report.stopped}`}</p>}
      {report.problems.length === 0 ? null : (
        <ul>
          {report.problems.map((problem) => (
            <li>{problem}</li>
          ))}
        </ul>
      )}
    </>
  );
}

function Findings({ report }: { readonly report: Report }) {
  const all = report.checks.flatMap((one) => one.findings.map((finding) => ({ one, finding })));
  const rank = ({ finding }: { finding: Finding }) => SEVERITIES.indexOf(finding.severity);
  return (
    <>
      <h2>Findings</h2>
      {all.length === 0 ? <p>None.</p> : null}
      {all
        .toSorted((one, other) => rank(one) - rank(other))
        .map(({ one, finding }) => (
          <FindingPart report={report} one={one} finding={finding} />
        ))}
    </>
  );
}

function FindingPart({
  report,
  one: { check },
  finding,
}: {
  readonly report: Report;
  readonly one: CheckReport;
  readonly finding: Finding;
}) {
  const ids = [
    ...check.cwe.map((number) => `CWE-${number}`),
    ...check.owaspApi,
    ...check.asvs.map((id) => `ASVS ${id}`),
  ];
  return (
    <article class={finding.severity} id={fingerprintOf(check, finding)}>
      <h3>{finding.title}</h3>
      <p>
        <span class="tag">{finding.severity}</span>
        {`, ${finding.confidence}. ${check.id}; ${ids.join(', ')}. ${finding.subjects.join(', ')}`}
      </p>
      <p>{finding.detail}</p>
      <Steps title="Evidence" steps={finding.evidence} report={report} />
      <Steps title="Controls" steps={finding.controls} report={report} />
      <details>
        <summary>How to repair it</summary>
        <p>{`FastAPI: ${check.repair.fastapi}`}</p>
        <p>{`Fastify: ${check.repair.fastify}`}</p>
        <p>{`Sallyport: ${check.repair.sallyport}`}</p>
      </details>
    </article>
  );
}

function Steps({
  title,
  steps,
  report,
}: {
  readonly title: string;
  readonly steps: readonly Step[];
  readonly report: Report;
}) {
  const { origin } = new URL(report.url);
  return (
    <>
      <h4>{title}</h4>
      {steps.map(({ says, exchange }) => (
        <>
          <p>{says}</p>
          <pre>{`${curlOf(exchange.request, origin, report.mask)}\n\n${excerptOf(exchange, report.mask)}`}</pre>
        </>
      ))}
    </>
  );
}

function Coverage({ report }: { readonly report: Report }) {
  return (
    <>
      <h2>Coverage</h2>
      <div class="wide" tabIndex={0} role="region" aria-label="Coverage">
        <table>
          <thead>
            <tr>
              {['Check', 'Found', 'Sound', 'Inconclusive', 'Not tested', 'Why'].map((head) => (
                <th scope="col">{head}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {report.checks.map(({ check, findings, sound, inconclusive, notTested }) => (
              <tr>
                <th scope="row">{check.title}</th>
                <td>{findings.length}</td>
                <td>{sound.length}</td>
                <td>{inconclusive.length}</td>
                <td>{notTested.length}</td>
                <td>
                  {[
                    ...new Set(
                      [...inconclusive, ...notTested].map(
                        ({ subject, reason }) => `${subject}: ${reason}`,
                      ),
                    ),
                  ]
                    .slice(0, 5)
                    .join('; ')}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <ul>
        {report.untried.map(({ operation, reason }) => (
          <li>{`${operation.id}: ${reason}`}</li>
        ))}
      </ul>
    </>
  );
}
