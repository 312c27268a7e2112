import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const globalSetup = 'test/support/global-setup.ts';
const captureSql = 'test/support/capture-sql.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    globalSetup: existsSync(globalSetup) ? [globalSetup] : [],
    setupFiles: existsSync(captureSql) ? [captureSql] : [],
    // Each file may bring up a server and databases of its own: more at once would only wait.
    maxWorkers: Math.min(availableParallelism(), 4),
    // A database that starts or migrates on a loaded machine is slow, not broken.
    testTimeout: 30_000,
    hookTimeout: 120_000,
    reporters: ['default', 'json'],
    outputFile: { json: 'test-results/vitest.json' },
  },
});
