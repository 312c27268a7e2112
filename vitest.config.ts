import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** They put something else in the place of a module, which others may have loaded already. */
const REPLACING_MODULES = ['test/core/password-hashing.test.ts'];

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
