// Compiles src into dist, and does nothing when nothing has changed since the last time.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/**
 * @param {string} root
 * @param {string} node
 */
export function buildWhenStale(root, node) {
  const stamp = join(root, 'dist', '.built-from');
  const digest = digestSources(root);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  build(root, node);
  writeFileSync(stamp, digest);
}

/**
 * A digest of everything that the compiler's output depends on in this repository. Contents, not
 * dates: a checkout sets dates as it likes.
 * @param {string} root
 */
export function digestSources(root) {
  const hash = createHash('sha256');
  const files = ['tsconfig.base.json', ...filesUnder(join(root, 'src')).map((f) => `src/${f}`)];
  for (const file of files) {
    const content = readFileSync(join(root, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/**
 * What lies in dist without a source any more, as paths inside dist.
 * @param {string[]} outputs
 * @param {string[]} sources
 */
export function orphansOf(outputs, sources) {
  const modules = new Set(sources.map((file) => file.replace(/\.tsx?$/, '')));
  return outputs.filter((file) => {
    const module = file.replace(/(\.d\.ts|\.js)$/, '');
    return module !== file && !modules.has(module) && !sources.includes(file);
  });
}

/**
 * @param {string} root
 * @param {string} node
 */
function build(root, node) {
  const dist = join(root, 'dist');
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const compiled = spawnSync(node, [compiler, '-b', 'src'], { cwd: root, stdio: 'inherit' });
  if (compiled.status !== 0) throw new Error('The build failed; the compiler says why above.');
  const sources = filesUnder(join(root, 'src'));
  for (const file of orphansOf(filesUnder(dist), sources)) rmSync(join(dist, file));
  const assets = join('pages', 'assets');
  rmSync(join(dist, assets), { recursive: true, force: true });
  if (existsSync(join(root, 'src', assets))) {
    cpSync(join(root, 'src', assets), join(dist, assets), { recursive: true });
  }
  chmodSync(join(dist, 'bin.js'), 0o755);
}

/**
 * The files under a folder, sorted, as paths inside it with forward slashes.
 * @param {string} folder
 * @returns {string[]}
 */
function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory()
        ? filesUnder(join(folder, entry.name)).map((file) => `${entry.name}/${file}`)
        : [entry.name],
    )
    .toSorted();
}
