// Turns the ids in test titles and the last test report into docs/evidence.md. An id stands in
// square brackets, [CWE-384], [ASVS 7.2.4], [trap 5a]. What each asks is in
// docs/evidence-ids.json; an id that only titles name is in the table all the same. One that does
// not apply says there why, and has no test.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reportPath } from './test.mjs';

/**
 * @typedef {{ level?: number, asks: string, notApplicable?: string }} Requirement
 * @typedef {{ file: string, title: string, passed: boolean }} Proof
 */

const kinds = [
  { prefix: 'ASVS', title: 'OWASP ASVS 5.0.0' },
  { prefix: 'CWE', title: 'Weaknesses (CWE)' },
  { prefix: 'R', title: 'Regressions: what went wrong elsewhere' },
  { prefix: 'trap', title: 'Traps' },
];
const idPattern = /\[((ASVS|CWE|R|trap)[ -][\w.]+)\]/g;

/**
 * @param {import('./test.mjs').Report} report
 * @param {Record<string, Requirement>} requirements by id
 * @param {string} root what the report's file names are relative to
 */
export function renderEvidence(report, requirements, root) {
  const proofs = collectProofs(report, root);
  const ids = [...new Set([...Object.keys(requirements), ...proofs.keys()])].toSorted(compareIds);
  const proved = ids.filter((id) => proofs.has(id));
  const unproved = ids.filter((id) => !proofs.has(id));
  const open = unproved.filter((id) => requirements[id]?.notApplicable === undefined);
  const outside = unproved.filter((id) => !open.includes(id));
  const lines = [
    '# Evidence',
    '',
    'Made by `npm run evidence` from the last run of the tests; not edited by hand. A test proves an',
    'id that its title names. Skipped tests prove nothing.',
  ];
  for (const { prefix, title } of kinds) {
    const rows = proved.filter((id) => isOfKind(id, prefix));
    if (rows.length === 0) continue;
    lines.push('', `## ${title}`, '');
    lines.push('| id | level | what it asks | tests | result |', '|---|---|---|---|---|');
    for (const id of rows) lines.push(row(id, requirements[id], proofs.get(id) ?? []));
  }
  lines.push('', '## Without a test', '', '| id | level | what it asks |', '|---|---|---|');
  for (const id of open) {
    const { level = '', asks = '' } = requirements[id] ?? {};
    lines.push(`| ${id} | ${level} | ${escapeCell(asks)} |`);
  }
  lines.push('', '## Not applicable', '', '| id | level | what it asks | why not |');
  lines.push('|---|---|---|---|');
  for (const id of outside) {
    const { level = '', asks = '', notApplicable = '' } = requirements[id] ?? {};
    lines.push(`| ${id} | ${level} | ${escapeCell(asks)} | ${escapeCell(notApplicable)} |`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * @param {import('./test.mjs').Report} report
 * @param {string} root
 */
function collectProofs(report, root) {
  /** @type {Map<string, Proof[]>} */
  const proofs = new Map();
  for (const { name, assertionResults } of report.testResults) {
    const file = relative(root, name).replaceAll('\\', '/');
    for (const { fullName, status } of assertionResults) {
      if (status !== 'passed' && status !== 'failed') continue;
      const title = fullName.replaceAll(idPattern, '').replaceAll(/\s+/g, ' ').trim();
      const proof = { file, title, passed: status === 'passed' };
      const ids = [...fullName.matchAll(idPattern)].map(([, id = '']) => id);
      for (const id of new Set(ids)) proofs.set(id, [...(proofs.get(id) ?? []), proof]);
    }
  }
  return proofs;
}

/**
 * @param {string} id
 * @param {Requirement | undefined} requirement
 * @param {Proof[]} proofs
 */
function row(id, requirement, proofs) {
  const files = [...new Set(proofs.map(({ file }) => file))];
  const tests = files.map((file) => {
    return `\`${file}\`: ${listTitles(proofs.filter((proof) => proof.file === file))}`;
  });
  const result = proofs.every(({ passed }) => passed) ? 'pass' : '**fail**';
  const asks = requirement?.asks ?? '(not in docs/evidence-ids.json yet)';
  const cells = [id, requirement?.level ?? '', escapeCell(asks), tests.join('<br>'), result];
  return `| ${cells.join(' | ')} |`;
}

/**
 * Every test that fails, and of the others enough to find the place: tables of cases are long.
 * @param {Proof[]} proofs
 */
function listTitles(proofs) {
  const failed = proofs.filter(({ passed }) => !passed);
  const passed = proofs.filter((proof) => proof.passed);
  const shown = passed.slice(0, 3).map(({ title }) => escapeCell(title));
  const more = passed.length - shown.length;
  return [
    ...failed.map(({ title }) => `**fails:** ${escapeCell(title)}`),
    ...shown,
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join('; ');
}

/**
 * @param {string} id
 * @param {string} prefix
 */
function isOfKind(id, prefix) {
  return id.startsWith(`${prefix} `) || id.startsWith(`${prefix}-`);
}

/**
 * The order of the kinds, then by number: 7.2.4 before 7.10.1.
 * @param {string} a
 * @param {string} b
 */
function compareIds(a, b) {
  const kindOf = (/** @type {string} */ id) => kinds.findIndex((kind) => isOfKind(id, kind.prefix));
  return kindOf(a) - kindOf(b) || a.localeCompare(b, 'en', { numeric: true });
}

/** @param {string} text */
function escapeCell(text) {
  const visible = text.replaceAll(/\p{Cc}/gu, ' ');
  return visible.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

function main() {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const report = join(root, reportPath);
  if (!existsSync(report)) {
    console.error(`There is no test report (${reportPath}). Run npm test first.`);
    process.exitCode = 1;
    return;
  }
  const read = (/** @type {string} */ path) => JSON.parse(readFileSync(path, 'utf8'));
  const requirements = read(join(root, 'docs', 'evidence-ids.json'));
  const target = join(root, 'docs', 'evidence.md');
  writeFileSync(target, renderEvidence(read(report), requirements, root));
  console.log('Written: docs/evidence.md');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
