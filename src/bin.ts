#!/usr/bin/env node
// The program is imported only after the version is known to do: an older Node.js would stop with
// a syntax error or a missing function somewhere inside, which says nothing to a person.
import { setFlagsFromString } from 'node:v8';
import { refuseNodeVersion } from './node-version.ts';

// Else V8 comes to put some objects of each request among the old ones at once, where they stay
// until the next full collection and keep whatever they refer to, which is the whole request. It
// changes when memory is freed, and nothing else: docs/performance.md, "What a request leaves".
setFlagsFromString('--no-allocation-site-pretenuring');

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
