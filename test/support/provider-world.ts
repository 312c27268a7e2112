import { freePort } from './ports.ts';
import { providersFile, startProvider, type TestProvider } from './providers.ts';
import { startTestServer, type TestServer } from './servers.ts';

export interface ProviderWorld {
  readonly server: TestServer;
  readonly acme: TestProvider;
  readonly other: TestProvider;
  close(): Promise<void>;
}

/** The product, and two real providers with which one can sign in there. */
export async function startProviderWorld(): Promise<ProviderWorld> {
  const port = await freePort();
  const callback = { origin: `http://localhost:${port}` };
  const [acme, other] = await Promise.all([
    startProvider('acme', callback),
    startProvider('other', callback),
  ]);
  const file = providersFile([acme, other]);
  const server = await startTestServer({
    SALLYPORT_PORT: String(port),
    SALLYPORT_PROVIDERS_FILE: file.path,
  });
  file.remove();
  return {
    server,
    acme,
    other,
    async close() {
      await server.close();
      await Promise.all([acme.close(), other.close()]);
    },
  };
}
