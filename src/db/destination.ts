import pg from 'pg';

/** Where a connection would lead, and whether it would be sure of that. */
export interface Destination {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  /** Whether there is TLS, and the server's certificate and its name are verified (CWE-295). */
  readonly verifiesTls: boolean;
}

/**
 * Asks the driver itself, so that no URL is read in two ways: a parameter can say another host,
 * stand there twice, or take the verification away, as `uselibpqcompat` does (ASVS 12.3.2).
 * @throws where a parameter is wrong, or the file of a certificate cannot be read.
 */
export function destinationOf(url: string): Destination {
  const { host, ssl } = new pg.Client({ connectionString: url }) as unknown as DriverSettings;
  if (typeof ssl !== 'object') return { host, verifiesTls: ssl };
  const { rejectUnauthorized = true, checkServerIdentity } = ssl;
  return { host, verifiesTls: rejectUnauthorized && checkServerIdentity === undefined };
}

/** What the driver's published types leave out, or say otherwise. */
interface DriverSettings {
  readonly host: string;
  readonly ssl:
    | boolean
    | { readonly rejectUnauthorized?: boolean; readonly checkServerIdentity?: unknown };
}
