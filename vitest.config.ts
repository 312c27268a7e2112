import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    globalSetup: ['test/support/global-setup.ts'],
    isolate: false,
    setupFiles: ['test/support/capture-sql.ts'],
    // Each file may bring up a server and databases of its own: more at once would only wait.
    maxWorkers: Math.min(availableParallelism(), 4),
    // A database that starts or migrates on a loaded machine is slow, not broken.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 30_000, interval: 20 } },
    reporters: ['default', 'json'],
    outputFile: { json: 'test-results/vitest.json' },
  },
});
