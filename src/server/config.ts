import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { EncryptionKey } from '../core/encryption.ts';
import { destinationOf } from '../db/destination.ts';
import type { PolicyForm } from '../db/engine.ts';
import { EVENT_DAYS } from '../db/event-retention.ts';
import { type IssuersConfig, readIssuersFile } from './issuers.ts';
import { parseOrigin } from '../http/origin.ts';
import type { TrustedProxies } from '../http/source.ts';
import type { TenantHosts } from '../http/tenant-host.ts';
import {
  readRangesUrl,
  readTenantHeader,
  readTenantHosts,
  readTrustedProxies,
  refuseAmbiguousOrigins,
} from './config-networks.ts';
import { readKey, readPreviousKeys } from './encryption-keys.ts';
import { readMail } from './config-mail.ts';
import { nearest } from './nearest.ts';
import { type ProvidersConfig, readProvidersFile } from './providers.ts';

/** Everything that a deployment decides, checked once at start. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly origin: string;
  readonly trustedOrigins: readonly string[];
  readonly trustedProxies: TrustedProxies;
  /** In which header a trusted proxy names the tenant, by its slug; null where none does. */
  readonly tenantHeader: string | null;
  /** Under which hosts tenants are reached; null where all of them are at the main origin. */
  readonly tenantHosts: TenantHosts | null;
  readonly database:
    | { readonly kind: 'embedded' }
    | { readonly kind: 'managed'; readonly url: string }
    | { readonly kind: 'logins'; readonly appUrl: string; readonly identityUrl: string };
  /** What the policies compare with. */
  readonly policyForm: PolicyForm;
  /** Tables of an application that have no tenant and may be used all the same. */
  readonly sharedTables: readonly string[];
  /** How long security events are kept. */
  readonly eventDays: number;
  readonly dataFolder: string;
  /** Where ranges of compromised passwords are asked for; null where they are not. */
  readonly compromisedPasswordsUrl: string | null;
  readonly encryptionKey: EncryptionKey | null;
  /** Keys that were in force before, of which something may still be encrypted. */
  readonly previousEncryptionKeys: readonly EncryptionKey[];
  readonly mail: { readonly smtpUrl: string; readonly from: string } | null;
  /** Whose tokens are taken; null where nobody's are. */
  readonly issuers: IssuersConfig | null;
  /** With whom one can sign in beside us; null where with nobody. */
  readonly providers: ProvidersConfig | null;
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Each setting with its meaning and default, as `sallyport serve --help` prints them. */
export const SETTINGS: Readonly<Record<string, string>> = {
  DATABASE_URL:
    'PostgreSQL or CockroachDB; its login creates the roles and the schema (default: the embedded database)',
  SALLYPORT_APP_DATABASE_URL:
    'with the next: sign in as sallyport_app, and leave migrations to `sallyport migrate`',
  SALLYPORT_IDENTITY_DATABASE_URL: 'sign in as sallyport_identity',
  SALLYPORT_INSECURE_SETTING_POLICIES:
    'true: row-level security compares with settings, which injected SQL can change (default: false)',
  SALLYPORT_SHARED_TABLES:
    'tables of an application, separated by commas, all of whose rows all tenants may see (default: none)',
  SALLYPORT_EVENT_DAYS: `days that security events are kept, 30 to 3650 (default: ${EVENT_DAYS})`,
  SALLYPORT_DATA: 'folder of the embedded database and of a generated key (default: .sallyport)',
  SALLYPORT_HOST: 'address to listen on (default: 127.0.0.1)',
  SALLYPORT_PORT: 'port to listen on; 0 takes a free one (default: 4000)',
  SALLYPORT_ORIGIN: 'the origin that browsers see (default: http://localhost:PORT)',
  SALLYPORT_TRUSTED_ORIGINS:
    'other origins, separated by commas, whose scripts may call (default: none)',
  SALLYPORT_TENANT_ORIGINS:
    'hosts on which a tenant is reached by its slug, such as https://*.example.com (default: none)',
  SALLYPORT_TENANT_HEADER:
    'header in which a trusted proxy names the tenant by its slug, such as X-Tenant (default: none)',
  SALLYPORT_TRUSTED_PROXIES:
    'addresses or networks, separated by commas, whose X-Forwarded-For is believed (default: none)',
  SALLYPORT_COMPROMISED_PASSWORDS_URL:
    'where ranges of SHA-1 digests of compromised passwords are asked for, such as https://api.pwnedpasswords.com/range/ (default: nowhere)',
  SALLYPORT_ENCRYPTION_KEY:
    '32 random bytes in base64url, the same for every process (default on loopback: generated in SALLYPORT_DATA)',
  SALLYPORT_PREVIOUS_ENCRYPTION_KEYS:
    'keys that were in force before, separated by commas: what they encrypted still opens, and is encrypted anew (default: none)',
  SALLYPORT_SMTP_URL:
    'smtps://user:password@host; without it mails wait in the development mailbox',
  SALLYPORT_MAIL_FROM: 'the sender of mails; needed with SALLYPORT_SMTP_URL',
  SALLYPORT_ISSUERS_FILE:
    "a JSON file that says which issuers' tokens are taken, and for whom they stand (default: nobody's)",
  SALLYPORT_PROVIDERS_FILE:
    'a JSON file that says with which OpenID Connect providers one can sign in (default: none)',
  SALLYPORT_LOG_LEVEL: `${LOG_LEVELS.join(', ')} (default: warn)`,
};

/**
 * Reads the settings. Every problem is one line that says what to do; unknown SALLYPORT_ names are
 * refused, for a misspelt setting would silently not apply (ASVS 13.1.1).
 */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>>,
): { readonly config: Config } | { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const value = (name: string) => environment[name]?.trim() || undefined;
  for (const name of Object.keys(environment)) {
    if (name.startsWith('SALLYPORT_') && !(name in SETTINGS)) {
      const close = nearest(name, Object.keys(SETTINGS));
      const meant = close ? `; did you mean ${close}?` : '';
      problems.push(`${name} is not a setting${meant}. See sallyport serve --help.`);
    }
  }
  const host = value('SALLYPORT_HOST') ?? '127.0.0.1';
  const port = readPort(value('SALLYPORT_PORT'), problems);
  const origin = readOrigin(value('SALLYPORT_ORIGIN') ?? `http://localhost:${port}`, problems);
  const config: Config = {
    host,
    port,
    origin,
    trustedOrigins: readTrustedOrigins(value('SALLYPORT_TRUSTED_ORIGINS'), problems),
    trustedProxies: readTrustedProxies(value('SALLYPORT_TRUSTED_PROXIES'), problems),
    tenantHeader: readTenantHeader(value, problems),
    tenantHosts: readTenantHosts(value('SALLYPORT_TENANT_ORIGINS'), problems),
    database: readDatabase(value, problems),
    policyForm: readPolicyForm(value('SALLYPORT_INSECURE_SETTING_POLICIES'), problems),
    sharedTables:
      value('SALLYPORT_SHARED_TABLES')
        ?.split(',')
        .map((name) => name.trim()) ?? [],
    eventDays: readEventDays(value('SALLYPORT_EVENT_DAYS'), problems),
    dataFolder: resolve(value('SALLYPORT_DATA') ?? '.sallyport'),
    compromisedPasswordsUrl: readRangesUrl(value('SALLYPORT_COMPROMISED_PASSWORDS_URL'), problems),
    encryptionKey: readKey(value('SALLYPORT_ENCRYPTION_KEY'), problems),
    previousEncryptionKeys: readPreviousKeys(value, problems),
    mail: readMail(value('SALLYPORT_SMTP_URL'), value('SALLYPORT_MAIL_FROM'), problems),
    issuers: readIssuersFile(value('SALLYPORT_ISSUERS_FILE'), problems),
    providers: readProvidersFile(value('SALLYPORT_PROVIDERS_FILE'), problems),
    logLevel: readLogLevel(value('SALLYPORT_LOG_LEVEL'), problems),
  };
  refuseAmbiguousOrigins(config, problems);
  if (!isDevelopment(config)) refuseDevelopmentDefaults(config, problems);
  return problems.length > 0 ? { problems } : { config };
}

/** Development is what nobody else can reach: it listens on loopback, and browsers see it there. */
export function isDevelopment(config: Pick<Config, 'host' | 'origin'>): boolean {
  return isLoopback(config.host) && isLoopback(new URL(config.origin).hostname);
}

/** What is convenient on one's own machine and a hole anywhere else (ASVS 13.4.2, 12.3.1). */
function refuseDevelopmentDefaults(config: Config, problems: string[]): void {
  if (!config.origin.startsWith('https://')) {
    problems.push(
      'SALLYPORT_ORIGIN must be the public https origin, such as https://accounts.example.com, because this process can be reached from outside.',
    );
  }
  if (config.database.kind === 'embedded') {
    problems.push(
      'DATABASE_URL must be set: the embedded database is for development on loopback.',
    );
  }
  for (const [name, url] of databaseUrls(config)) {
    if (!destinationOf(url).verifiesTls) {
      problems.push(`${name} must use TLS: add ?sslmode=verify-full to it.`);
    }
  }
  if (!config.mail) {
    problems.push(
      'SALLYPORT_SMTP_URL must be set: without it nobody gets the mail that proves an address.',
    );
  }
  if (!config.encryptionKey) {
    problems.push(
      'SALLYPORT_ENCRYPTION_KEY must be set, the same for every process: make one with `openssl rand -base64 32 | tr +/ -_ | tr -d =`.',
    );
  }
}

/** The settings that hold database URLs, by name. */
export function databaseUrls(config: Config): ReadonlyArray<readonly [string, string]> {
  const { database } = config;
  if (database.kind === 'embedded') return [];
  if (database.kind === 'managed') return [['DATABASE_URL', database.url]];
  return [
    ['SALLYPORT_APP_DATABASE_URL', database.appUrl],
    ['SALLYPORT_IDENTITY_DATABASE_URL', database.identityUrl],
  ];
}

export function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (isIP(name) === 4) return name.startsWith('127.');
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1';
}

function readPort(text: string | undefined, problems: string[]): number {
  if (text === undefined) return 4000;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= 65_535) return port;
  problems.push('SALLYPORT_PORT must be a whole number from 0 to 65535.');
  return 4000;
}

function readOrigin(text: string, problems: string[]): string {
  const parsed = parseOrigin(text);
  if ('origin' in parsed) return parsed.origin;
  problems.push(`SALLYPORT_ORIGIN: ${parsed.problem}`);
  return 'http://localhost';
}

function readTrustedOrigins(text: string | undefined, problems: string[]): readonly string[] {
  return (text?.split(',') ?? []).flatMap((each) => {
    const parsed = parseOrigin(each.trim());
    if ('origin' in parsed) return [parsed.origin];
    problems.push(`SALLYPORT_TRUSTED_ORIGINS: ${parsed.problem}`);
    return [];
  });
}

function readDatabase(
  value: (name: string) => string | undefined,
  problems: string[],
): Config['database'] {
  const url = value('DATABASE_URL');
  const appUrl = value('SALLYPORT_APP_DATABASE_URL');
  const identityUrl = value('SALLYPORT_IDENTITY_DATABASE_URL');
  for (const [name, text] of Object.entries({
    DATABASE_URL: url,
    SALLYPORT_APP_DATABASE_URL: appUrl,
    SALLYPORT_IDENTITY_DATABASE_URL: identityUrl,
  })) {
    if (text === undefined) continue;
    if (!isPostgresUrl(text)) {
      problems.push(`${name} must look like postgresql://user:password@host:5432/database.`);
    } else if (!isUnderstood(text)) {
      problems.push(
        `${name} has a parameter that the driver refuses, or names a certificate or key that cannot be read.`,
      );
    }
  }
  if ((appUrl === undefined) !== (identityUrl === undefined)) {
    problems.push(
      'SALLYPORT_APP_DATABASE_URL and SALLYPORT_IDENTITY_DATABASE_URL go together: set both or neither.',
    );
  }
  if (url !== undefined && appUrl !== undefined) {
    problems.push(
      'DATABASE_URL contradicts SALLYPORT_APP_DATABASE_URL: with the two separate logins, give DATABASE_URL to `sallyport migrate` alone.',
    );
  }
  if (problems.length > 0) return { kind: 'embedded' };
  if (appUrl !== undefined && identityUrl !== undefined) {
    return { kind: 'logins', appUrl, identityUrl };
  }
  return url === undefined ? { kind: 'embedded' } : { kind: 'managed', url };
}

function readPolicyForm(text: string | undefined, problems: string[]): PolicyForm {
  if (text === 'true') return 'settings';
  if (text !== undefined && text !== 'false') {
    problems.push('SALLYPORT_INSECURE_SETTING_POLICIES must be true or false.');
  }
  return 'functions';
}

function readEventDays(text: string | undefined, problems: string[]): number {
  if (text === undefined) return EVENT_DAYS;
  const days = /^\d{1,4}$/.test(text) ? Number(text) : NaN;
  if (days >= 30 && days <= 3650) return days;
  problems.push('SALLYPORT_EVENT_DAYS must be a whole number from 30 to 3650.');
  return EVENT_DAYS;
}

function isPostgresUrl(text: string): boolean {
  const scheme = URL.canParse(text) ? new URL(text).protocol : '';
  return scheme === 'postgres:' || scheme === 'postgresql:';
}

function isUnderstood(databaseUrl: string): boolean {
  try {
    destinationOf(databaseUrl);
    return true;
  } catch {
    return false;
  }
}

function readLogLevel(text: string | undefined, problems: string[]): Config['logLevel'] {
  const level = LOG_LEVELS.find((each) => each === (text ?? 'warn'));
  if (!level) problems.push(`SALLYPORT_LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}.`);
  return level ?? 'warn';
}
