import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** They put something else in the place of a module, which others may have loaded already. */
const REPLACING_MODULES = ['test/core/password-hashing.test.ts'];

/**
 * They take long for their size, by which a runner that has seen no earlier run orders the others:
 * begun last, one of them would run while the other workers have nothing left to do.
 */
const LONG_FOR_THEIR_SIZE = [
  'test/audit/fastapi.test.ts',
  'test/audit/own-targets.test.ts',
  'test/pages/browser.test.ts',
  'test/attacks/path-variants.test.ts',
  'test/attacks/safe-methods.test.ts',
  'test/attacks/sign-in-timing.test.ts',
  'test/browser/journey.test.ts',
  'test/browser/confirmation.test.ts',
  'test/audit/shapes.test.ts',
  'test/audit/browser-proof.test.ts',
  'test/audit/checks/authorization.test.ts',
  'test/audit/size.test.ts',
  'test/faults/revocation.test.ts',
  'test/faults/database-restart.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- a method of the sequencer, not of a list
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

/** A worker of one project cannot go on with the other, so each stays together. */
function rankOf({ moduleId, project }: TestSpecification): number {
  if (project.name === 'alone') return 0;
  return LONG_FOR_THEIR_SIZE.some((file) => moduleId.endsWith(`/${file}`)) ? 1 : 2;
}

const everyTest = {
  setupFiles: ['test/support/capture-sql.ts'],
  // A database that starts or migrates on a loaded machine is slow, not broken.
  testTimeout: 300_000,
  hookTimeout: 300_000,
  expect: { poll: { timeout: 30_000, interval: 20 } },
};

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    // Each file may bring up a server and databases of its own: more at once would only wait.
    maxWorkers: Math.min(availableParallelism(), 4),
    sequence: { sequencer: LongestFirst },
    reporters: ['default', 'json'],
    outputFile: { json: 'test-results/vitest.json' },
    projects: [
      {
        test: {
          ...everyTest,
          name: 'together',
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: REPLACING_MODULES,
          // Loading the program anew for each file took a fifth of the time.
          isolate: false,
        },
      },
      { test: { ...everyTest, name: 'alone', include: REPLACING_MODULES } },
    ],
  },
});
