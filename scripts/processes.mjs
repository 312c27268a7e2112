// Child processes that stand in for this one: same terminal, same signals, same exit code.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} root
 * @returns {Promise<number>} the exit code
 */
export function runToEnd(command, args, root) {
  // Whatever the child starts by name finds the repository's tools and its Node.js first.
  const PATH = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`;
  const child = spawn(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH },
  });
  const stopForwarding = forwardSignals(child);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      stopForwarding();
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0));
    });
  });
}

/**
 * Each signal reaches the child once. A terminal sends Ctrl-C and its own closing to every process
 * in the foreground, so the child has them already; npm then sends Ctrl-C here a second time.
 * @param {import('node:child_process').ChildProcess} child
 */
function forwardSignals(child) {
  /** @type {NodeJS.Signals[]} */
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const forwarded = new Set();
  /** @param {NodeJS.Signals} signal */
  const forward = (signal) => {
    if (process.stdin.isTTY && signal !== 'SIGTERM') return;
    if (forwarded.has(signal)) return;
    forwarded.add(signal);
    child.kill(signal);
  };
  for (const signal of signals) process.on(signal, forward);
  // npm passes SIGTERM on to the shell between it and this process, which ends without passing it
  // on: a new parent is the only sign of that.
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.env['npm_lifecycle_event'] && process.ppid !== parent) forward('SIGTERM');
  }, 250);
  return () => {
    clearInterval(watch);
    for (const signal of signals) process.off(signal, forward);
  };
}
