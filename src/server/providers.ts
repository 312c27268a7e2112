import { z } from 'zod';
import { openProviders, type Provider, type Providers } from '../core/providers.ts';
import { openOutbound, type Outbound } from '../outbound/outbound.ts';
import { readJsonFile } from './json-file.ts';

const httpsUrl = z.url({ protocol: /^https$/ });

const provider = z.strictObject({
  id: z.string().regex(/^[a-z\d](?:[a-z\d-]{0,38}[a-z\d])?$/),
  name: z.string().trim().min(1).max(60),
  issuer: z.url({ protocol: /^https?$/ }),
  clientId: z.string().min(1).max(255),
  clientSecret: z.string().min(1).max(1_000).optional(),
  scopes: z
    .array(z.string().regex(/^[!#-[\]-~]{1,200}$/))
    .min(1)
    .max(20)
    .default(['openid', 'email', 'profile'])
    .refine((scopes) => scopes.includes('openid'), 'openid must be among the scopes'),
});

const file = z.strictObject({
  providers: z.array(provider).min(1).max(20),
  insecureLoopbackHosts: z.array(z.string()).default([]),
});

/** What the file of providers says. */
export interface ProvidersConfig {
  readonly providers: readonly Provider[];
  readonly insecureLoopbackHosts: readonly string[];
}

/** Reads the file that SALLYPORT_PROVIDERS_FILE names; each problem is a line for a person. */
export function readProvidersFile(
  path: string | undefined,
  problems: string[],
): ProvidersConfig | null {
  if (path === undefined) return null;
  const problem = (text: string) => {
    problems.push(`SALLYPORT_PROVIDERS_FILE: ${text}`);
    return null;
  };
  const read = readJsonFile(file, path, problem);
  if (read === null) return null;
  const { providers, insecureLoopbackHosts } = read;
  for (const name of ['id', 'issuer'] as const) {
    const values = providers.map((each) => each[name]);
    if (new Set(values).size < values.length) return problem(`an ${name} stands there twice.`);
  }
  if (insecureLoopbackHosts.length === 0) {
    const all = providers.every(({ issuer }) => httpsUrl.safeParse(issuer).success);
    if (!all) return problem('an issuer must have an https URL.');
  }
  return {
    insecureLoopbackHosts,
    providers: providers.map((each) => ({ ...each, clientSecret: each.clientSecret ?? null })),
  };
}

/** The providers, and the way out to them. @throws TypeError where a host cannot be meant. */
export function openConfiguredProviders(config: ProvidersConfig): {
  readonly providers: Providers;
  readonly outbound: Outbound;
} {
  const { insecureLoopbackHosts } = config;
  const outbound = openOutbound({ insecureLoopbackHosts, timeoutMilliseconds: 8_000 });
  return { providers: openProviders(config.providers, outbound), outbound };
}
