#!/usr/bin/env node
// The program is imported only after the version is known to do: an older Node.js would stop with
// a syntax error or a missing function somewhere inside, which says nothing to a person.
import { refuseNodeVersion } from './node-version.ts';

const refusal = refuseNodeVersion(process.version);
const words = process.argv.slice(2);
if (refusal !== null) {
  process.stderr.write(`${refusal}\n`);
  process.exitCode = 1;
} else if (words[0] === 'audit') {
  // The auditor uses nothing of the server, whose code alone would be a third of its memory.
  const { run } = await import('./audit-cli.ts');
  await run(words);
} else {
  const { run } = await import('./cli.ts');
  await run(words);
}
