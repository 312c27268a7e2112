// An upstream that is killed, hangs, is slow or lies: what the client gets, and what is left.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Pool } from 'undici';
import { ask } from '../support/client.ts';
import { type TestDatabase, createDatabase } from '../support/databases.ts';
import { startTestGateway, type TestGateway } from '../support/gateways.ts';
import { freePort } from '../support/ports.ts';
import type { RecordingUpstream } from '../support/recording-upstream.ts';
import { type FaultyUpstream, KINDS, startFaultyUpstream } from './faulty-upstream.ts';

const FILE = `
connections: 8
routes:
  - { method: GET, path: '/fault/{kind}', access: public }
  - { method: POST, path: '/fault/{kind}', access: public, body: json }
  - { method: GET, path: '/fault/{kind}/stream', access: public, stream: true }
  - { method: GET, path: '/hasty/{kind}', access: public, timeoutSeconds: 0.4 }
  - { method: POST, path: '/hasty/{kind}', access: public, body: json, timeoutSeconds: 0.4 }
  - { method: GET, path: '/hasty/{kind}/stream', access: public, stream: true, timeoutSeconds: 0.4 }
`;

/** So long a route waits unless it says otherwise; most of it, for a machine that is busy. */
const IN_TIME_MILLISECONDS = 25_000;

/** Only what keeps one waiting is asked for where little time is given. */
const pathOf = (kind: string) => `/${/hangs|drips/.test(kind) ? 'hasty' : 'fault'}/${kind}`;

let upstream: FaultyUpstream;
let database: TestDatabase;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFaultyUpstream();
  database = await createDatabase();
  const on = { upstream: upstream as unknown as RecordingUpstream, database };
  gateway = await startTestGateway(FILE, {}, on);
});
beforeEach(() => upstream.asked.clear());
afterAll(async () => {
  await gateway.close();
  await upstream.close();
  await database.drop();
});

const get = (kind: string) => ask(gateway.origin, pathOf(kind));
const post = (kind: string) =>
  ask(gateway.origin, pathOf(kind), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
const metric = async (name: string) => {
  const text = await (await fetch(`http://127.0.0.1:${gateway.operatorPort}/metrics`)).text();
  return new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
};

describe('an upstream at fault', () => {
  test.each([
    ['closes', 502, 'upstream-failed'],
    ['is-no-http', 502, 'upstream-failed'],
    ['has-two-lengths', 502, 'upstream-failed'],
    ['has-a-bad-length', 502, 'upstream-failed'],
    ['has-a-huge-head', 502, 'upstream-failed'],
    ['switches', 502, 'upstream-failed'],
    ['hangs', 504, 'upstream-timeout'],
    ['hangs-in-the-head', 504, 'upstream-timeout'],
    ['drips-a-head', 504, 'upstream-timeout'],
  ])('that %s is a %i as problem+json, in time', async (kind, status, code) => {
    const began = performance.now();
    for (const answer of await Promise.all([get(kind), post(kind)])) {
      expect(answer.status).toBe(status);
      expect(answer.headers['content-type']).toContain('application/problem+json');
      expect(answer.json()).toMatchObject({ code });
    }
    expect(performance.now() - began).toBeLessThan(IN_TIME_MILLISECONDS);
  });

  test.each(['hangs-in-the-body', 'says-too-much', 'breaks-off-a-chunk'])(
    'that %s breaks the answer off: nobody takes a part for the whole',
    async (kind) => {
      await expect(get(kind)).rejects.toThrow(/aborted|hang up|ECONNRESET/);
      await expect(ask(gateway.origin, `${pathOf(kind)}/stream`)).rejects.toThrow(
        /aborted|hang up|ECONNRESET/,
      );
    },
  );

  test.each(['says-too-little', 'answers-twice'])(
    'that %s has its surplus thrown away, and no other request gets it [CWE-444]',
    async (kind) => {
      for (let round = 0; round < 20; round += 1) {
        const answers = await Promise.all([get(kind), get('ok'), post(kind), get('ok')]);
        for (const { text } of answers) expect(text).not.toContain('poison');
        for (const { status, text } of [answers[1], answers[3]].filter(
          (each) => each !== undefined,
        )) {
          expect([status, text]).toEqual([200, 'ok']);
        }
      }
    },
  );

  test('that hints early is answered with its answer', async () => {
    expect((await get('hints-early')).text).toBe('ok');
  });

  test('what changes nothing is sent again, and nothing else is', async () => {
    expect((await get('closes-once')).status).toBe(200);
    expect(upstream.asked.get('closes-once')).toBe(2);
    upstream.asked.clear();
    expect((await post('closes-once')).status).toBe(502);
    expect(upstream.asked.get('closes-once')).toBe(1);
    await get('closes');
    expect(upstream.asked.get('closes')).toBe(3);
    await get('hangs');
    expect(upstream.asked.get('hangs')).toBe(1);
  });
});

test('an upstream that is not there is a 502', async () => {
  const nowhere = { url: `http://127.0.0.1:${await freePort()}` } as unknown as RecordingUpstream;
  const alone = await startTestGateway(FILE, {}, { upstream: nowhere, database });
  const answer = await ask(alone.origin, '/fault/ok');
  expect(answer.json()).toMatchObject({ code: 'upstream-failed' });
  await alone.close();
});

test('10,000 requests leave no connection, and no place taken, behind', async () => {
  const client = new Pool(gateway.origin, { connections: 24 });
  const quick = KINDS.filter((kind) => !/hangs|drips/.test(kind));
  let sent = 0;
  let answered = 0;
  const worker = async () => {
    while (sent < 10_000) {
      const index = sent;
      sent += 1;
      const kind = index % 5 === 0 ? (quick[(index / 5) % quick.length] ?? 'ok') : 'ok';
      const path = pathOf(index % 2_500 === 7 ? 'hangs' : kind);
      try {
        const answer = await client.request({ method: 'GET', path });
        await answer.body.dump();
        answered += 1;
      } catch {
        // Broken off, as it should be.
      }
    }
  };
  await Promise.all(Array.from({ length: 24 }, worker));
  expect(answered).toBeGreaterThan(8_000);
  await expect.poll(() => metric('sallyport_gateway_under_way')).toBe('0');
  await expect.poll(() => upstream.open()).toBeLessThanOrEqual(8);
  // All eight places are free: so many that hang, and the one behind them, are over in two rounds.
  const answers = await Promise.all(Array.from({ length: 8 }, () => get('hangs')));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 504));
  expect((await get('ok')).status).toBe(200);
  await expect.poll(() => upstream.open()).toBeLessThanOrEqual(8);
  await client.destroy();
});
