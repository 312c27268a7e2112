import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { countRows, whoIs } from '../support/accounts.ts';
import type { Answer, Visitor } from '../support/client.ts';
import {
  confirm,
  confirmToken,
  forgetMailLimits,
  linkedTokens,
  ownerOf,
  requestChange,
  revert,
  revertToken,
} from '../support/email-changes.ts';
import { mailsTo, newcomer, newPerson } from '../support/people.ts';
import { startProxiedServer } from '../support/servers.ts';

const server = await startProxiedServer();
const { origin } = server;
afterAll(() => server.close());
beforeEach(() => forgetMailLimits(server));

const fresh = (name = 'New') => newPerson(name).email;

describe('what the request was allowed when it came, and is not any more', () => {
  /**
   * Sends the request, and runs the statement between its first authorization and its own
   * transaction, which requires the same once more.
   */
  async function overtaken(
    browser: Visitor,
    send: () => Promise<Answer>,
    statement: string,
  ): Promise<Answer> {
    const { identity, session } = await whoIs(browser);
    const { proxy } = server;
    let required = 0;
    let overtaking: Promise<unknown> = Promise.resolve();
    proxy.decide = ({ type, sql }) => {
      if (type === 'Execute' && sql.includes('require_for_write') && ++required === 2) {
        const id = statement.includes('identity') ? identity.id : session.id;
        overtaking = server.admin.query(statement, [id]);
        proxy.held = overtaking;
      }
      return 'forward';
    };
    try {
      const answer = await send();
      await overtaking;
      expect(required).toBeGreaterThanOrEqual(2);
      return answer;
    } finally {
      proxy.decide = () => 'forward';
      proxy.held = null;
    }
  }

  const CHANGES: Readonly<Record<string, string>> = {
    'a disabled identity':
      '/* identity */ UPDATE sallyport.identities SET disabled_at = now() WHERE id = $1',
    'an ended session': 'DELETE FROM sallyport.sessions WHERE id = $1',
    'a rotated secret': `UPDATE sallyport.sessions SET proof_digest = repeat('0', 64) WHERE id = $1`,
    'a rotated synchronizer token': `UPDATE sallyport.sessions SET synchronizer_digest = repeat('0', 64) WHERE id = $1`,
    'a proof that has grown old': `UPDATE sallyport.sessions SET authenticated_at = now() - INTERVAL '6 minutes' WHERE id = $1`,
  };
  const REFUSALS: Readonly<Record<string, readonly [number, string]>> = {
    'a rotated synchronizer token': [403, 'synchronizer-token-mismatch'],
    'a proof that has grown old': [401, 'step-up-required'],
  };

  test.each(Object.keys(CHANGES))(
    '%s: the change of address is refused by its own transaction [CWE-367] [ASVS 7.4.1]',
    async (what) => {
      const { browser } = await newcomer(origin);
      const email = fresh();
      const answer = await overtaken(
        browser,
        () => requestChange(browser, email),
        CHANGES[what] ?? '',
      );
      expect([answer.status, answer.json().code]).toEqual(REFUSALS[what] ?? [401, 'not-signed-in']);
      expect(await mailsTo(origin, email)).toEqual([]);
      expect(await countRows(server.admin, 'email_changes WHERE folded = $1', [email])).toBe(0);
    },
  );

  test('the control: nothing comes between, and the change is made', async () => {
    const { browser } = await newcomer(origin);
    const email = fresh();
    const answer = await overtaken(browser, () => requestChange(browser, email), 'SELECT $1::UUID');
    expect(answer.status).toBe(202);
    expect(await mailsTo(origin, email)).toHaveLength(1);
  });

  test('another password: a change of password with the old one is refused [CWE-367]', async () => {
    const { person, browser } = await newcomer(origin);
    const newPassword = 'copper lantern under 81 bridges';
    const send = () =>
      browser.send('POST', '/api/account/change-password', {
        currentPassword: person.password,
        newPassword,
      });
    const answer = await overtaken(
      browser,
      send,
      `UPDATE sallyport.passwords SET hash = '$argon2id$' || md5(hash) WHERE identity_id = $1`,
    );
    expect([answer.status, answer.json().errors]).toEqual([
      400,
      [{ field: 'currentPassword', reason: 'wrong-password' }],
    ]);
    expect(
      await countRows(
        server.admin,
        `passwords WHERE hash LIKE '$argon2id$________________________________'`,
      ),
    ).toBe(1);
  });

  // The request's principal still has the old address; the way back must be to the present one.
  test('another address: the notice goes to it, and the way back leads to it [R-38]', async () => {
    const { browser, person } = await newcomer(origin);
    const meanwhile = fresh('Meanwhile');
    const email = fresh();
    const answer = await overtaken(
      browser,
      () => requestChange(browser, email),
      `WITH session AS (
          UPDATE sallyport.sessions SET browser = 'elsewhere' WHERE identity_id = $1 RETURNING identity_id)
        UPDATE sallyport.email_addresses AS e SET folded = '${meanwhile}', address = '${meanwhile}'
          FROM session WHERE e.identity_id = session.identity_id`,
    );
    expect(answer.status).toBe(202);
    expect(await linkedTokens(origin, person.email, '/revert-email')).toEqual([]);
    expect((await confirm(origin, await confirmToken(origin, email))).status).toBe(200);
    expect((await revert(origin, await revertToken(origin, meanwhile))).status).toBe(200);
    expect(await ownerOf(server, meanwhile)).toBeDefined();
    expect(await countRows(server.admin, 'email_addresses WHERE folded <> address')).toBe(0);
  });
});
