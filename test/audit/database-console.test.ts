// A CockroachDB console behind something that fetches: a server with its paths and bodies.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { findConsole } from '../../src/audit/database-console.ts';
import { answerOf, type Exchange } from '../../src/audit/exchange.ts';

const METRICS = '# TYPE sys_uptime gauge\nsys_uptime{node_id="1"} 4711\n';
const NODES =
  '{"nodes": [{"desc": {"nodeId": 1, "address": {"addressField": "127.0.0.1:26257"}}}]}';

test.each([
  ['its metrics, as they are', { '/_status/vars': METRICS }, (text: string) => text],
  ['its nodes, in base64', { '/_status/nodes': NODES }, (text: string) => btoa(text)],
])('[CWE-918] a console is known by %s', async (_, pages, encode) => {
  const origin = await serve(pages);
  const seen = await findConsole(fetchThrough(encode), [origin]);
  expect(seen?.url).toBe(`${origin}${Object.keys(pages)[0]}`);
});

test('a page that is no console is not taken for one', async () => {
  const origin = await serve({ '/': '<title>Notes</title>', '/health': '{"status": "ok"}' });
  expect(await findConsole(fetchThrough(String), [origin])).toBeNull();
});

async function serve(pages: Readonly<Record<string, string | undefined>>): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    const page = pages[url];
    response.writeHead(page === undefined ? 404 : 200).end(page ?? 'Not Found');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers with what it fetched, as a preview of a page would. */
function fetchThrough(encode: (text: string) => string): (url: string) => Promise<Exchange> {
  return async (url) => {
    const text = await (await fetch(url)).text();
    const answer = answerOf(200, {}, [], JSON.stringify({ page: encode(text) }), 1);
    const request = { method: 'POST', path: '/preview', headers: {}, body: null };
    return { number: 1, as: 'a', request, answer, failure: null };
  };
}
