import { type PermissionRegistry, registerPermissions } from '../core/permissions.ts';
import type { DeclaredPermissions } from '../fastify/register.ts';
import { type Config, readConfig } from './config.ts';
import { StartError } from './data-folder.ts';
import type { OpenedCore } from './opening.ts';

/** Under this key `sallyport/testing` hands over the database that it has opened. */
export const OPENED = Symbol('sallyport.opened');

/** The settings of `sallyport serve` for an app of one's own, under the names of a program. */
export interface SallyportOptions {
  /** The origin that browsers see, such as `https://app.example.com`. */
  readonly origin: string;
  /**
   * PostgreSQL or CockroachDB; its login creates the roles and the schema. Left out on loopback, an
   * embedded database in `dataFolder` stands in for it.
   */
  readonly databaseUrl?: string;
  /** With the next: sign in as sallyport_app, and leave migrations to `sallyport migrate`. */
  readonly appDatabaseUrl?: string;
  /** Sign in as sallyport_identity. */
  readonly identityDatabaseUrl?: string;
  /** Where the account's pages and API are: `/sallyport` unless said, `''` for the root. */
  readonly prefix?: string;
  /** Other origins whose scripts may call. */
  readonly trustedOrigins?: readonly string[];
  /** Addresses or networks whose X-Forwarded-For is believed; behind a proxy, that proxy's. */
  readonly trustedProxies?: readonly string[];
  /** In which header such a proxy names the tenant of a request, by its slug. */
  readonly tenantHeader?: string;
  /** On which hosts a tenant is reached by its slug, such as `https://*.example.com`. */
  readonly tenantOrigins?: string;
  /** The application's own permissions: what each lets somebody do, and who has it. */
  readonly permissions?: DeclaredPermissions;
  /** Tables without a tenant, all of whose rows all tenants may see, as far as grants allow. */
  readonly sharedTables?: readonly string[];
  /** Days that security events are kept, 30 to 3650; 400 unless said. */
  readonly eventDays?: number;
  /** Where ranges of compromised passwords are asked for; nobody is asked unless it is set. */
  readonly compromisedPasswordsUrl?: string;
  /** 32 random bytes in base64url, the same for every process; on loopback it may be left out. */
  readonly encryptionKey?: string;
  /** Keys that were in force before: what they encrypted still opens, and is encrypted anew. */
  readonly previousEncryptionKeys?: readonly string[];
  /** Without it mails wait in the development mailbox, which is there on loopback only. */
  readonly mail?: { readonly smtpUrl: string; readonly from: string };
  /** Row-level security compares with settings, which injected SQL can change. */
  readonly insecureSettingPolicies?: boolean;
  /** Folder of the embedded database and of a generated key; `.sallyport` unless said. */
  readonly dataFolder?: string;
  /** A JSON file that says which issuers' tokens are taken, and for whom they stand. */
  readonly issuersFile?: string;
  /** A JSON file that says with which OpenID Connect providers one can sign in. */
  readonly providersFile?: string;
  readonly [OPENED]?: (config: Config) => Promise<OpenedCore>;
}

export interface PluginConfig {
  readonly config: Config;
  readonly permissions: PermissionRegistry;
  readonly prefix: string;
}

/** Each setting of the environment and the option that it is here. */
const OPTION_OF: Readonly<Record<string, string>> = {
  DATABASE_URL: 'databaseUrl',
  SALLYPORT_APP_DATABASE_URL: 'appDatabaseUrl',
  SALLYPORT_IDENTITY_DATABASE_URL: 'identityDatabaseUrl',
  SALLYPORT_INSECURE_SETTING_POLICIES: 'insecureSettingPolicies',
  SALLYPORT_SHARED_TABLES: 'sharedTables',
  SALLYPORT_EVENT_DAYS: 'eventDays',
  SALLYPORT_DATA: 'dataFolder',
  SALLYPORT_ORIGIN: 'origin',
  SALLYPORT_TRUSTED_ORIGINS: 'trustedOrigins',
  SALLYPORT_TRUSTED_PROXIES: 'trustedProxies',
  SALLYPORT_COMPROMISED_PASSWORDS_URL: 'compromisedPasswordsUrl',
  SALLYPORT_TENANT_HEADER: 'tenantHeader',
  SALLYPORT_TENANT_ORIGINS: 'tenantOrigins',
  SALLYPORT_ENCRYPTION_KEY: 'encryptionKey',
  SALLYPORT_PREVIOUS_ENCRYPTION_KEYS: 'previousEncryptionKeys',
  SALLYPORT_SMTP_URL: 'mail.smtpUrl',
  SALLYPORT_MAIL_FROM: 'mail.from',
  SALLYPORT_ISSUERS_FILE: 'issuersFile',
  SALLYPORT_PROVIDERS_FILE: 'providersFile',
};

const OPTIONS = new Set([
  ...Object.values(OPTION_OF).map((name) => name.replace(/\..*/, '')),
  'permissions',
  'prefix',
]);

/**
 * A path of its own by default: the account's pages take no address that the app may want, and
 * routes of the app's do not stand in their way.
 */
const PREFIX = '/sallyport';

/**
 * Reads the options as `serve` reads its environment, with the same refusals: an option that is
 * misspelt would silently not apply (ASVS 13.1.1).
 * @throws StartError with a line for each thing that is wrong.
 */
export function readPluginOptions(options: SallyportOptions): PluginConfig {
  const problems = Object.keys(options)
    .filter((name) => !OPTIONS.has(name))
    .map((name) => `${name} is not an option of Sallyport: it has ${[...OPTIONS].join(', ')}.`);
  const { prefix = PREFIX } = options;
  if (prefix !== '' && !/^(\/[\w.~-]+)+$/.test(prefix)) {
    problems.push("prefix must be a path such as /accounts, without a slash at its end, or ''.");
  }
  if (typeof options.origin !== 'string') {
    problems.push('origin must be set to what browsers see, such as https://app.example.com.');
  }
  const registered = registerPermissions(options.permissions);
  if ('problems' in registered) problems.push(...registered.problems);
  const read = readConfig(settingsOf(options));
  if ('problems' in read) problems.push(...read.problems.map(inOptions));
  if (problems.length > 0 || 'problems' in read || 'problems' in registered) {
    throw new StartError(problems.join('\n'));
  }
  return { config: read.config, permissions: registered.registry, prefix };
}

/** What a start says about settings, said about options. */
export function inOptions(text: string): string {
  return text.replaceAll(
    /\b(?:SALLYPORT_[A-Z_]+|DATABASE_URL)\b/g,
    (name) => OPTION_OF[name] ?? name,
  );
}

function settingsOf(options: SallyportOptions): Readonly<Record<string, string | undefined>> {
  return {
    DATABASE_URL: options.databaseUrl,
    SALLYPORT_APP_DATABASE_URL: options.appDatabaseUrl,
    SALLYPORT_IDENTITY_DATABASE_URL: options.identityDatabaseUrl,
    SALLYPORT_INSECURE_SETTING_POLICIES: options.insecureSettingPolicies?.toString(),
    SALLYPORT_SHARED_TABLES: options.sharedTables?.join(',') || undefined,
    SALLYPORT_EVENT_DAYS: options.eventDays?.toString(),
    SALLYPORT_DATA: options.dataFolder,
    SALLYPORT_ORIGIN: options.origin,
    SALLYPORT_TRUSTED_ORIGINS: options.trustedOrigins?.join(',') || undefined,
    SALLYPORT_TRUSTED_PROXIES: options.trustedProxies?.join(',') || undefined,
    SALLYPORT_COMPROMISED_PASSWORDS_URL: options.compromisedPasswordsUrl,
    SALLYPORT_TENANT_HEADER: options.tenantHeader,
    SALLYPORT_TENANT_ORIGINS: options.tenantOrigins,
    SALLYPORT_ENCRYPTION_KEY: options.encryptionKey,
    SALLYPORT_PREVIOUS_ENCRYPTION_KEYS: options.previousEncryptionKeys?.join(',') || undefined,
    SALLYPORT_SMTP_URL: options.mail?.smtpUrl,
    SALLYPORT_MAIL_FROM: options.mail?.from,
    SALLYPORT_ISSUERS_FILE: options.issuersFile,
    SALLYPORT_PROVIDERS_FILE: options.providersFile,
  };
}
