// What an event may hold, and that its transaction is the one that it reports.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkEvent, type SecurityEventKind } from '../../src/db/security-event-kinds.ts';
import { insertSecurityEvent } from '../../src/db/security-events.ts';
import { caller } from '../support/callers.ts';
import { openTestCore, type TestCore } from '../support/cores.ts';

let t: TestCore;
beforeAll(async () => {
  t = await openTestCore();
});
afterAll(() => t.close());

const ID = '0b4de3c4-5a76-4f6b-8f0e-3f6f2c9b1d10';

async function eventsOf(identityId: string) {
  const { rows } = await t.admin.query<Record<string, unknown>>(
    'SELECT * FROM sallyport.security_events WHERE identity_id = $1',
    [identityId],
  );
  return rows;
}

describe('an event', () => {
  test('says who, from where, on which device and in which request [ASVS 16.2.1]', async () => {
    const sessionId = 'c6a37a0c-3a0f-4f9d-9d0e-5b4a1c1f7a01';
    await t.core.database.transaction((tx) =>
      insertSecurityEvent(tx, {
        kind: 'session-ended',
        identityId: ID,
        caller: { ...caller, identityId: ID, sessionId },
        details: { session: sessionId },
      }),
    );
    expect(await eventsOf(ID)).toEqual([
      {
        id: expect.any(String),
        at: expect.any(Date),
        kind: 'session-ended',
        outcome: 'success',
        reason: null,
        details: { session: sessionId },
        identity_id: ID,
        tenant_id: null,
        actor_id: ID,
        session_id: sessionId,
        request_id: caller.requestId,
        address: '203.0.113.7',
        browser: 'Firefox 145',
        system: 'Linux',
      },
    ]);
  });

  test('is undone with the transaction that it reports', async () => {
    const other = '7f1d8e2a-0c94-4b3e-a3f7-0d8c6f1e2b33';
    const undone = t.core.database.transaction(async (tx) => {
      await insertSecurityEvent(tx, { kind: 'signed-in', identityId: other, caller });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await eventsOf(other)).toEqual([]);
  });
});

describe('what a request brought along is not taken for a reason or a detail [CWE-117] [CWE-532]', () => {
  test.each<[string, SecurityEventKind, string | undefined, Record<string, unknown>]>([
    ['a sentence', 'sign-in-failed', 'Wrong password', {}],
    ['a line end', 'sign-in-failed', 'wrong\nsigned-in', {}],
    ['an address', 'sign-in-failed', 'ada@example.com', {}],
    ['no text', 'sign-in-failed', '', {}],
    ['a very long code', 'sign-in-failed', 'a'.repeat(101), {}],
    ['a detail that is not declared', 'signed-in', undefined, { password: 'x' }],
    ['the name of a method', 'signed-in', undefined, { toString: 'x' }],
    ['no detail where one is declared', 'session-ended', undefined, {}],
    ['another text than an id', 'session-ended', undefined, { session: 'the laptop' }],
    ['an object', 'session-ended', undefined, { session: { id: ID } }],
  ])('%s', (_what, kind, reason, details) => {
    expect(() => checkEvent(kind, reason, details)).toThrow(TypeError);
  });

  test('a code and an id are', () => {
    expect(() => checkEvent('sign-in-failed', 'wrong-credentials', {})).not.toThrow();
    expect(() => checkEvent('session-ended', undefined, { session: ID })).not.toThrow();
  });

  test.each([
    ['kind', `('Signed in', 'success', NULL, NULL, NULL)`],
    ['reason', `('signed-in', 'success', E'x\\nsigned-out', NULL, NULL)`],
    ['outcome', `('signed-in', 'perhaps', NULL, NULL, NULL)`],
    ['address', `('signed-in', 'success', NULL, 'evil.example', NULL)`],
    ['browser', `('signed-in', 'success', NULL, NULL, '=HYPERLINK("https://evil.example")')`],
  ])('the database holds the %s to its form by itself', async (column, values) => {
    const insert = `INSERT INTO sallyport.security_events (kind, outcome, reason, address, browser) VALUES ${values}`;
    await expect(t.admin.query(insert)).rejects.toThrow(`security_events_${column}_form`);
  });
});
