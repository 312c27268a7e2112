import { type Check, type Need, PHASES } from './check.ts';
import { createCanaries } from './canary.ts';
import { restoreAccount } from './changes.ts';
import { CHECKS } from './checks.ts';
import { crawl } from './crawl.ts';
import { discover } from './discovery.ts';
import type { Exchange } from './exchange.ts';
import { findGraphQl } from './graphql.ts';
import { openProbe, type Probe, StopError } from './probe.ts';
import type { CheckReport, Report } from './report.ts';
import type { Run } from './run.ts';
import { createSecrets, type Secrets } from './secrets.ts';
import { renewed } from './sessions.ts';
import { AuditError, type AuditOptions } from './setup.ts';
import { understand } from './understanding.ts';
import { givenBy } from './transport.ts';
import { type Finding, inconclusive, notTested, type Verdict } from './verdict.ts';

/**
 * Attacks a running API with the accounts that it is given and says what it could prove.
 *
 * Throws `AuditError` and `DocumentError` where it cannot begin; whatever happens later is in the
 * report. Only the host of the address is sent anything. Nothing is written unless allowed.
 */
export async function audit(options: AuditOptions): Promise<Report> {
  const started = options.now();
  const clock = performance.now();
  const secrets = createSecrets();
  for (const [role, account] of Object.entries(options.accounts)) {
    if (account.kind === 'password')
      secrets.add(`${role.toUpperCase()}_PASSWORD`, account.password);
  }
  const url = targetOf(options.url);
  const lineOf = logger(secrets);
  const probe = openProbe(url.origin, options, (exchange) => options.log(lineOf(exchange)));
  probe.onDistress(async () => {
    const root = await probe.send(
      { method: 'GET', path: url.pathname, headers: {}, body: null },
      'anonymous',
    );
    return root.answer !== null && root.answer.status < 500;
  });
  try {
    const parts = await attack(options, url, probe, secrets).catch((error: unknown) => {
      if (error instanceof StopError) return nothingTested(options, error.message);
      throw error;
    });
    const seconds = (performance.now() - clock) / 1000;
    return {
      ...parts,
      url: url.href,
      startedAt: started,
      seconds,
      requests: probe.sent(),
      mask: (text) => secrets.mask(text),
    };
  } finally {
    await probe.close();
  }
}

const NO_DOCUMENT =
  'no OpenAPI document was found: only what links, forms and scripts of pages lead to is known';

type Parts = Omit<Report, 'url' | 'startedAt' | 'seconds' | 'requests' | 'mask'>;

async function attack(
  options: AuditOptions,
  url: URL,
  probe: Probe,
  secrets: Secrets,
): Promise<Parts> {
  const problems: string[] = [];
  const discovered = await discover(probe, url.pathname, options.document);
  const crawled = discovered === null ? await crawl(probe, url.pathname) : null;
  if (crawled !== null && crawled.operations.length === 0 && crawled.signIns.length === 0) {
    throw new AuditError(
      `Neither a document nor a page was found at ${url.href}. Give one with --document.`,
    );
  }
  const document = discovered?.document ?? {
    title: '',
    operations: crawled?.operations ?? [],
    schemes: [],
    problems: [NO_DOCUMENT],
  };
  problems.push(...document.problems);
  const graphQl = await findGraphQl(probe, url.pathname);
  if (graphQl !== null) problems.push(`${graphQl} answers GraphQL, which is not tested`);
  options.progress(`${document.operations.length} operations in ${discovered?.source ?? 'pages'}`);
  const blank = {
    origin: url.origin,
    settings: options.settings,
    operations: document.operations.filter(({ id }) => !options.exclude.includes(id)),
    expected: options.expected,
    pinned: options.operations,
    schemes: document.schemes,
    crawled,
    basePath: url.pathname,
    probe,
    secrets,
    canary: createCanaries(),
    now: options.now,
    progress: options.progress,
  };
  const understood = await understand(blank, options.accounts);
  problems.push(...understood.problems);
  let { run, stopped } = understood;
  const learned = run;
  probe.onDistress(() => isWell(learned));
  const checks: CheckReport[] = [];
  for (const check of inOrder(options.checks)) {
    if (stopped === null) options.progress(check.title);
    const before = probe.sent();
    const outcome: Outcome =
      stopped === null
        ? await runCheck(check, run)
        : { verdicts: [notTested(check.title, stopped)], stopped, run };
    ({ stopped, run } = outcome);
    checks.push(reportOf(check, outcome.verdicts, probe.sent() - before));
  }
  await putBack(run).catch((error: Error) => problems.push(error.message));
  return {
    title: document.title,
    source: discovered?.source ?? null,
    operations: run.operations.length,
    checks,
    chosen: run.knowledge.chosen,
    untried: run.knowledge.untried.filter(({ operation }) => !probe.reached.has(operation.id)),
    matrix: run.knowledge.matrix,
    suppressed: [],
    reached: run.operations.filter(({ id }) => probe.reached.has(id)).length,
    problems,
    stopped,
  };
}

/** The last act: account A has what it had, under a session that still works. */
async function putBack(run: Run): Promise<void> {
  if (run.knowledge.writes.every(({ original }) => original === null)) return;
  run.probe.reserve();
  await restoreAccount(await renewed(run));
}

/** Where the target was down before anything was known about it. */
function nothingTested(options: AuditOptions, stopped: string): Parts {
  return {
    title: '',
    source: null,
    operations: 0,
    checks: inOrder(options.checks).map((check) =>
      reportOf(check, [notTested(check.title, stopped)], 0),
    ),
    chosen: {},
    untried: [],
    matrix: new Map(),
    suppressed: [],
    reached: 0,
    problems: [],
    stopped,
  };
}

interface Outcome {
  readonly verdicts: readonly Verdict[];
  readonly stopped: string | null;
  /** With the sessions that it was signed in again with. */
  readonly run: Run;
}

async function runCheck(check: Check, run: Run): Promise<Outcome> {
  const missing = check.needs.find((need) => !has(run, need));
  if (missing !== undefined) {
    return { verdicts: [notTested(check.title, REASONS[missing])], stopped: null, run };
  }
  let current = run;
  try {
    current = await renewed(run);
    return { verdicts: await check.run(current), stopped: null, run: current };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const stopped = error instanceof StopError ? reason : null;
    return { verdicts: [inconclusive(check.title, reason)], stopped, run: current };
  }
}

function has(run: Run, need: Need): boolean {
  const { actors, knowledge, settings, access } = run;
  if (need === 'b-or-stranger') return actors.b !== null || actors.stranger !== null;
  if (need === 'identity') return knowledge.control !== null;
  if (need === 'sign-in') return access.signIn !== null && actors.a?.account?.kind === 'password';
  if (need === 'ambient') return actors.a !== null && actors.a.ambient !== null;
  if (need === 'writes') return settings.allowWrites;
  return actors[need] !== null;
}

const REASONS: Readonly<Record<Need, string>> = {
  a: 'account A is not signed in',
  b: 'it takes a second account of the same tenant (--b)',
  'b-or-stranger': 'it takes a second account (--b or --stranger)',
  stranger: 'it takes an account of another tenant (--stranger)',
  superior: 'it takes an account with a higher role (--superior)',
  identity: 'no read tells account A from nobody, so no control would hold',
  'sign-in': 'it takes a name and a password that the target signs in',
  ambient: 'the credential is none that browsers send by themselves',
  writes: 'writing is not allowed (--allow-writes)',
};

/** Findings with one cause become one. */
function reportOf(check: Check, verdicts: readonly Verdict[], requests: number): CheckReport {
  const findings = new Map<string, Finding>();
  for (const verdict of verdicts) {
    if (verdict.verdict !== 'finding') continue;
    const same = findings.get(verdict.cause);
    findings.set(verdict.cause, same === undefined ? verdict : merged(same, verdict));
  }
  return {
    check,
    requests,
    findings: [...findings.values()],
    inconclusive: verdicts.filter((one) => one.verdict === 'inconclusive'),
    sound: verdicts.filter((one) => one.verdict === 'sound'),
    notTested: verdicts.filter((one) => one.verdict === 'not-tested'),
  };
}

function merged(one: Finding, other: Finding): Finding {
  return {
    ...one,
    subjects: [...new Set([...one.subjects, ...other.subjects])],
    evidence: [...one.evidence, ...other.evidence],
    controls: [...one.controls, ...other.controls],
  };
}

function inOrder(ids: readonly string[] | null): readonly Check[] {
  return CHECKS.filter(({ id }) => ids === null || ids.includes(id)).toSorted(
    (one, other) => PHASES.indexOf(one.phase) - PHASES.indexOf(other.phase),
  );
}

/** Whether the control still holds: what looks like distress may be answers to one attack. */
async function isWell(run: Run): Promise<boolean> {
  const { control } = run.knowledge;
  const request = control?.exchange.request ?? {
    method: 'GET',
    path: '/',
    headers: {},
    body: null,
  };
  const { answer } = await run.probe.send(request, 'a');
  return answer !== null && answer.status < 500;
}

function targetOf(text: string): URL {
  try {
    const url = new URL(text);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  } catch {
    // Said below.
  }
  throw new AuditError(`${text} is no address of an API: it begins with http:// or https://.`);
}

/** Writes exchanges as lines; what a sign-in gives is masked from then on, named or not. */
function logger(secrets: Secrets): (exchange: Exchange) => string {
  const given = new Set<string>();
  return (exchange) => {
    const { number, as, request, answer, failure } = exchange;
    const { tokens, cookies } = givenBy(exchange);
    for (const value of [...tokens.map((token) => token.value), ...Object.values(cookies)]) {
      if (value.length >= 8) given.add(value);
    }
    const entry = {
      number,
      as,
      ...request,
      status: answer?.status ?? null,
      failure,
      milliseconds: answer === null ? null : Math.round(answer.milliseconds),
      answer: answer === null ? null : answer.text.slice(0, 2_000),
    };
    const masked = secrets.mask(JSON.stringify(entry));
    return [...given].reduce((text, value) => text.replaceAll(value, '[secret]'), masked);
  };
}
