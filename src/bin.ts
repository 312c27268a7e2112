#!/usr/bin/env node
// The program is imported only after the version is known to do: an older Node.js would stop with
// a syntax error or a missing function somewhere inside, which says nothing to a person.
import { refuseNodeVersion } from './node-version.ts';

const refusal = refuseNodeVersion(process.version);
if (refusal === null) {
  const { run } = await import('./cli.ts');
  await run(process.argv.slice(2));
} else {
  process.stderr.write(`${refusal}\n`);
  process.exitCode = 1;
}
