import { z } from 'zod';
import {
  type ExternalIssuer,
  externalIssuers,
  type ExternalIssuers,
} from '../core/external-issuers.ts';
import { ISSUER_ALGORITHMS } from '../core/issuer-keys.ts';
import { openOutbound, type Outbound } from '../outbound/outbound.ts';
import { readJsonFile } from './json-file.ts';

const claim = z.string().regex(/^[\w:/.-]{1,100}$/);
const httpsUrl = z.url({ protocol: /^https$/ });
const developmentUrl = z.url({ protocol: /^https?$/ });

const issuer = z.strictObject({
  issuer: developmentUrl,
  audience: z.string().min(1).max(255),
  algorithms: z.array(z.enum(ISSUER_ALGORITHMS)).min(1),
  types: z
    .array(z.string().regex(/^[a-z\d+.-]+$/))
    .min(1)
    .default(['at+jwt']),
  keySetUrl: developmentUrl.optional(),
  identity: z.strictObject({ claim, by: z.enum(['id', 'email']) }),
  tenant: z.union([z.strictObject({ claim }), z.strictObject({ id: z.uuid().toLowerCase() })]),
  permissions: z.strictObject({ claim }).optional(),
  lifetimeSecondsMax: z.int().min(60).max(86_400).default(3_600),
});

const file = z.strictObject({
  issuers: z.array(issuer).min(1).max(50),
  insecureLoopbackHosts: z.array(z.string()).default([]),
});

/** What the file of issuers says. */
export interface IssuersConfig {
  readonly issuers: readonly ExternalIssuer[];
  readonly insecureLoopbackHosts: readonly string[];
}

/** Reads the file that SALLYPORT_ISSUERS_FILE names; each problem is a line for a person. */
export function readIssuersFile(
  path: string | undefined,
  problems: string[],
): IssuersConfig | null {
  if (path === undefined) return null;
  const problem = (text: string) => {
    problems.push(`SALLYPORT_ISSUERS_FILE: ${text}`);
    return null;
  };
  const read = readJsonFile(file, path, problem);
  if (read === null) return null;
  const { issuers, insecureLoopbackHosts } = read;
  const names = issuers.map((each) => each.issuer);
  if (new Set(names).size < names.length) return problem('an issuer stands there twice.');
  if (insecureLoopbackHosts.length === 0) {
    const urls = issuers.flatMap(({ issuer: url, keySetUrl }) => [url, keySetUrl ?? url]);
    if (!urls.every((url) => httpsUrl.safeParse(url).success)) {
      return problem('an issuer must have an https URL.');
    }
  }
  return {
    insecureLoopbackHosts,
    issuers: issuers.map((each) => ({
      ...each,
      keySetUrl: each.keySetUrl ?? null,
      permissions: each.permissions ?? null,
    })),
  };
}

/** The issuers, and the way out to them. @throws TypeError where a host cannot be meant. */
export function openIssuers(config: IssuersConfig): {
  readonly issuers: ExternalIssuers;
  readonly outbound: Outbound;
} {
  const { insecureLoopbackHosts } = config;
  const outbound = openOutbound({ insecureLoopbackHosts, timeoutMilliseconds: 5_000 });
  return { issuers: externalIssuers(config.issuers, outbound), outbound };
}
