import type { createLocalJWKSet } from 'jose';
import { Writable } from 'node:stream';
import { type AssertionClaims, ASSERTION_HEADER } from '../../src/assertion/claims.ts';
import { verifier, type Verify } from '../../src/assertion/verifier.ts';
import { parseGatewayFile } from '../../src/gateway/config.ts';
import { type RunningGateway, startGateway } from '../../src/gateway/gateway.ts';
import { ask } from './client.ts';
import { createDatabase, type TestDatabase } from './databases.ts';
import {
  type Recorded,
  type RecordingUpstream,
  startRecordingUpstream,
} from './recording-upstream.ts';
import { testConfig } from './servers.ts';

export interface TestGateway extends RunningGateway {
  readonly upstream: RecordingUpstream;
  readonly database: TestDatabase;
  readonly audience: string;
  log(): string;
  /** Verifies what the upstream got as an upstream of its own would. */
  verifier(): Promise<Verify>;
}

export const AUDIENCE = 'urn:test:notes';

/** The gateway before a recording upstream, with the routes of this YAML. */
export async function startTestGateway(
  file: string,
  settings: Readonly<Record<string, string>> = {},
  on: { readonly upstream?: RecordingUpstream; readonly database?: TestDatabase } = {},
): Promise<TestGateway> {
  const database = on.database ?? (await createDatabase());
  const upstream = on.upstream ?? (await startRecordingUpstream());
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const config = testConfig({
    DATABASE_URL: database.url,
    SALLYPORT_LOG_LEVEL: 'warn',
    ...settings,
  });
  const text = `upstream: ${upstream.url}\naudience: ${AUDIENCE}\nopenapi: false\noperatorPort: 0\n${file}`;
  const gateway = await startGateway(config, parseGatewayFile(text, 'test.yaml'), stream);
  return {
    ...gateway,
    upstream,
    database,
    audience: AUDIENCE,
    log: () => lines.join(''),
    async verifier() {
      const answer = await ask(gateway.origin, '/sallyport/.well-known/jwks.json');
      const keys = answer.json() as Parameters<typeof createLocalJWKSet>[0];
      return verifier({ issuer: gateway.origin, audience: AUDIENCE, keys: { keys: keys.keys } });
    },
    async close() {
      await gateway.close();
      if (!on.upstream) await upstream.close();
      if (!on.database) await database.drop();
    },
  };
}

/** What the gateway has asserted about a request; nothing is verified. */
export function claimsOf({ headers }: Recorded): AssertionClaims {
  const payload = String(headers[ASSERTION_HEADER]).split('.')[1] ?? '';
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as AssertionClaims;
}
