// The guard on a network where everything answers: public addresses, private ones, cloud metadata,
// and CockroachDB's console. Linux, as root: the network is a namespace of its own.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeCertificate } from '../support/certificates.ts';

interface Report {
  readonly outcomes: Readonly<Record<string, string>>;
  readonly arrived: readonly string[];
}

test('public targets are reached, and nothing inside is, though all of it listens [R-95] [CWE-918]', ({
  skip,
}) => {
  if (spawnSync('unshare', ['--net', 'true']).status !== 0) {
    skip('this system lets nobody make a network namespace');
  }
  const { outcomes, arrived } = runInNamespace();
  const { 'https://public.example.com/': reached, ...others } = outcomes;
  expect(reached).toBe('reached with Bearer secret');
  // Judged and connected to once; asked again, the name has moved inside.
  expect(others['https://rebinding.example.com/']).toBe('reached with Bearer secret');
  expect(others['https://rebinding.example.com/again']).toBe('address-refused');
  const redirected = 'https://public.example.com/to/https%3A%2F%2Fother.example.com%2F';
  expect(others[redirected]).toBe('reached with no credential');
  const answered = Object.entries(others).filter(([, outcome]) => outcome.startsWith('reached'));
  expect(answered).toHaveLength(2);
  const refused = /^(address|scheme|port)-refused$/;
  const odd = Object.entries(others).filter(
    ([, outcome]) => !outcome.startsWith('reached') && !refused.test(outcome),
  );
  expect(odd).toEqual([]);
  expect(
    new Set(arrived.filter((at) => !/^(93\.184\.216\.34|2606:2800:).*:443$/.test(at))),
  ).toEqual(new Set());
  expect(arrived.length).toBeGreaterThanOrEqual(4);
});

function runInNamespace(): Report {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-network-'));
  try {
    const names = ['public', 'other', 'rebinding'].map((name) => `${name}.example.com`);
    const { certificate } = makeCertificate(folder, names);
    const script = join(import.meta.dirname, 'public-network.ts');
    const printed = execFileSync('unshare', ['--net', process.execPath, script, folder], {
      encoding: 'utf8',
      env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate },
      timeout: 240_000,
    });
    return JSON.parse(printed) as Report;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
