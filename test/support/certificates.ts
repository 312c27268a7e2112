import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** A certificate for these DNS names that nobody but its own key vouches for; PEM files. */
export function makeCertificate(
  folder: string,
  names: readonly string[],
): { readonly certificate: string; readonly key: string } {
  const certificate = join(folder, 'cert.pem');
  const key = join(folder, 'key.pem');
  const kind = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1';
  const subject = ['-subj', `/CN=${names[0] ?? ''}`];
  const alternatives = `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`;
  execFileSync(
    'openssl',
    [...kind.split(' '), ...subject, '-addext', alternatives, '-keyout', key, '-out', certificate],
    { stdio: 'ignore' },
  );
  return { certificate, key };
}
