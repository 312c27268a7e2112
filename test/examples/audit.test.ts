// The examples of an audit in a pipeline say what the command takes, and what is there. No engine
// builds the image here: what can be held to without one, is.
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { addAudit } from '../../src/audit-cli.ts';

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

const program = new Command();
addAudit(program);
const audit = program.commands[0]!;

interface Step {
  readonly uses?: string;
  readonly name?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, string | number>>;
}

const workflow = parse(readFileSync('examples/audit/github-actions.yml', 'utf8')) as {
  readonly jobs: { readonly audit: { readonly steps: readonly Step[] } };
};
const { steps } = workflow.jobs.audit;
const dockerfile = readFileSync('examples/audit/Dockerfile', 'utf8');

/** The words of an invocation, each with the option that it is, or null. */
function optionsIn(invocation: string): readonly (readonly [word: string, flag: string | null])[] {
  const words = invocation.split(/\s+/).filter((word) => word.startsWith('--'));
  return words.map((word) => [word, audit.options.find(({ long }) => long === word)?.long ?? null]);
}

/** Every place of a text where `sallyport audit` or its image is started, to the command's end. */
function invocationsIn(text: string): readonly string[] {
  const joined = text.replaceAll(/\\\n[#\s]*/g, ' ');
  const found = joined.matchAll(/(?:sallyport(?:@[\d.]+)? audit|sallyport-audit) (http[^`\n|]*)/g);
  return [...found].map(([, words = '']) => words);
}

test.each(['docs/audit.md', 'examples/audit/Dockerfile'])(
  'the options of each invocation in %s are the command’s',
  (file) => {
    const known = invocationsIn(readFileSync(file, 'utf8')).flatMap(optionsIn);
    expect(known.length).toBeGreaterThan(0);
    expect(known.filter(([, flag]) => flag === null)).toEqual([]);
  },
);

describe('the workflow', () => {
  const step = steps.find(({ name }) => name === 'Audit it');
  const [invocation = ''] = invocationsIn(step?.run ?? '');

  test('starts this version, with options that it has and accounts that are set', () => {
    expect(step?.run).toContain(` sallyport@${manifest.version} audit `);
    const options = optionsIn(invocation);
    expect(options.length).toBeGreaterThan(8);
    expect(options.filter(([, flag]) => flag === null)).toEqual([]);
    const variables = [...invocation.matchAll(/env:(\w+)/g)].map(([, name]) => name);
    expect(Object.keys(step?.env ?? {})).toEqual(variables);
  });

  test('uploads files that the command writes', () => {
    const given = [...invocation.matchAll(/--(?:sarif|junit|html|json) (\S+)/g)].map(
      ([, name]) => name,
    );
    const defaults = audit.options.map(({ defaultValue }) => String(defaultValue));
    const written = new Set([...given, ...defaults]);
    const uploads = steps.flatMap(({ with: inputs = {} }) =>
      [inputs['sarif_file'], inputs['path']].flatMap((value) =>
        String(value ?? '')
          .split('\n')
          .filter((line) => line !== ''),
      ),
    );
    expect(uploads.length).toBe(6);
    expect(uploads.filter((name) => !written.has(name))).toEqual([]);
  });
});

describe('the image', () => {
  test('has a Node.js that the package runs on, this version, and what --browser takes', () => {
    expect(dockerfile).toMatch(/^FROM node:24-bookworm-slim$/m);
    expect(steps.map(({ with: inputs }) => inputs?.['node-version'])).toContain(24);
    expect(dockerfile).toContain(`ARG PACKAGE_VERSION=${manifest.version}\n`);
    const { 'playwright-core': playwright } = manifest.devDependencies;
    expect(dockerfile).toContain(`ARG PLAYWRIGHT_VERSION=${playwright}\n`);
    expect(dockerfile).toMatch(/npm install .*"sallyport@\$\{\w+\}" "playwright-core@\$\{\w+\}"/);
    expect(dockerfile).toMatch(/apt-get install .*\bchromium\b/);
  });

  test('starts the command of the package, as nobody who may change it', () => {
    const [, words = ''] = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile) ?? [];
    const [command = '', name] = JSON.parse(words) as readonly string[];
    expect(manifest.bin).toHaveProperty([command]);
    expect(name).toBe(audit.name());
    expect(dockerfile.lastIndexOf('\nUSER 1000:1000\n')).toBeGreaterThan(
      dockerfile.lastIndexOf('\nRUN '),
    );
  });
});
