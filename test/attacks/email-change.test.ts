import { describe, expect, test } from 'vitest';
import { countRows, whoIs } from '../support/accounts.ts';
import { type Answer, Visitor } from '../support/client.ts';
import {
  changeAddress,
  confirm,
  confirmToken,
  linkedTokens,
  ownerOf,
  requestChange,
  revert,
  revertToken,
  startEmailChangeServer,
} from '../support/email-changes.ts';
import { mailsTo, newcomer, newPerson, type Person, register } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';

const server = await startEmailChangeServer();
const { origin } = server;

const fresh = () => newPerson('New').email;

const signIn = async ({ password }: Person, email: string) =>
  (await new Visitor(origin).send('POST', '/api/sign-in', { email, password })).status;

/** What the client gets, but for the ids and the time of this one answer. */
function visible({ status, text, headers, setCookies }: Answer) {
  const { date: _, ...others } = headers;
  return { status, text: text.replaceAll(/urn:uuid:[\w-]+/g, ''), headers: others, setCookies };
}

describe('a change of address', () => {
  test('waits for the link in the new mailbox, and the old address is told and keeps working [R-38] [R-39] [ASVS 6.3.7]', async () => {
    const { person, browser } = await newcomer(origin);
    const { identity } = await whoIs(browser);
    const email = fresh();
    const answer = await requestChange(browser, email);
    expect([answer.status, answer.json()]).toEqual([202, { status: 'check-mail' }]);

    expect(await mailsTo(origin, email)).toHaveLength(1);
    const [notice] = await mailsTo(origin, person.email);
    expect(notice?.links[0]).toMatch(new RegExp(`^${origin}/revert-email\\?token=`));
    expect(notice?.text).toContain('n\u2026@example.com');
    expect(notice?.text).not.toContain(email);

    expect(await ownerOf(server, email)).toBeUndefined();
    expect((await whoIs(browser)).identity.email).toBe(person.email);
    expect([await signIn(person, person.email), await signIn(person, email)]).toEqual([200, 401]);

    const token = await confirmToken(origin, email);
    expect((await confirm(browser, token)).status).toBe(200);
    expect(await ownerOf(server, email)).toBe(identity.id);
    expect((await whoIs(browser)).identity.email).toBe(email);
    expect([await signIn(person, person.email), await signIn(person, email)]).toEqual([401, 200]);

    const changed = await changedBy(server.admin, async () => {
      expect((await confirm(origin, token)).json().code).toBe('invalid-token');
    });
    expect(changed).toEqual([]);
  });

  test('refuses what is no address, and the own one, and changes nothing', async () => {
    const { person, browser } = await newcomer(origin);
    const changed = await changedBy(server.admin, async () => {
      for (const email of ['', 'x', 'a@b', `${fresh()}, ${fresh()}`, person.email.toUpperCase()]) {
        const answer = await requestChange(browser, email);
        expect([answer.status, answer.json().errors?.[0].field], email).toEqual([400, 'email']);
      }
    });
    expect(changed).toEqual([]);
  });

  test('is replaced by the next one: the link of the first is dead [R-38]', async () => {
    const { browser } = await newcomer(origin);
    const { identity } = await whoIs(browser);
    const [first, second] = [fresh(), fresh()];
    await requestChange(browser, first);
    const dead = await confirmToken(origin, first);
    await requestChange(browser, second);
    const changed = await changedBy(server.admin, async () => {
      expect((await confirm(origin, dead)).status).toBe(400);
    });
    expect(changed).toEqual([]);
    expect((await confirm(origin, await confirmToken(origin, second))).status).toBe(200);
    expect([await ownerOf(server, first), await ownerOf(server, second)]).toEqual([
      undefined,
      identity.id,
    ]);
  });

  test('expires', async () => {
    const { browser } = await newcomer(origin);
    const { identity } = await whoIs(browser);
    const email = fresh();
    await requestChange(browser, email);
    const token = await confirmToken(origin, email);
    const expire = (when: string) =>
      server.admin.query(
        `UPDATE sallyport.email_changes SET expires_at = ${when} WHERE identity_id = $1`,
        [identity.id],
      );
    await expire('now()');
    const changed = await changedBy(server.admin, async () => {
      expect((await confirm(origin, token)).status).toBe(400);
    });
    expect(changed).toEqual([]);
    await expire(`now() + INTERVAL '1 minute'`);
    expect((await confirm(origin, token)).status).toBe(200);
  });

  // The UPDATE names the address that is to be replaced: where it finds no row, nothing was
  // changed.
  test('is void when the identity has another address by then [R-38] [trap 5e]', async () => {
    const { browser } = await newcomer(origin);
    const { identity } = await whoIs(browser);
    const [email, meanwhile] = [fresh(), fresh()];
    await requestChange(browser, email);
    await server.admin.query(
      'UPDATE sallyport.email_addresses SET folded = $2, address = $2 WHERE identity_id = $1',
      [identity.id, meanwhile],
    );
    const answer = await confirm(origin, await confirmToken(origin, email));
    expect([answer.status, answer.json().code]).toEqual([400, 'invalid-token']);
    expect([await ownerOf(server, email), await ownerOf(server, meanwhile)]).toEqual([
      undefined,
      identity.id,
    ]);
  });

  test('ends a sign-up under way for the new address, whose link is dead with it [R-43]', async () => {
    const { browser } = await newcomer(origin);
    const { identity } = await whoIs(browser);
    const squatter = newPerson('Mallory');
    await new Visitor(origin).send('POST', '/api/sign-up', squatter);
    const planted = await confirmToken(origin, squatter.email);
    await changeAddress(browser, squatter.email);
    expect(await countRows(server.admin, 'sign_ups WHERE folded = $1', [squatter.email])).toBe(0);
    const changed = await changedBy(server.admin, async () => {
      expect(await signIn(squatter, squatter.email)).toBe(401);
    });
    expect(changed).toEqual(['security_events']);
    expect((await confirm(origin, planted)).status).toBe(400);
    expect(await ownerOf(server, squatter.email)).toBe(identity.id);
  });

  test('is no purpose for which a token of another kind serves [R-68]', async () => {
    const { person, browser } = await newcomer(origin);
    const email = fresh();
    await requestChange(browser, email);
    const changed = await changedBy(server.admin, async () => {
      expect((await confirm(origin, await revertToken(origin, person.email))).status).toBe(400);
      expect((await revert(origin, await confirmToken(origin, email))).status).toBe(400);
    });
    expect(changed).toEqual([]);
  });
});

describe('an address that somebody has', () => {
  test('is answered as a free one, to the byte; only its owner hears of it [R-48] [CWE-204]', async () => {
    const taken = await register(origin, newPerson('Grace'));
    const { person, browser } = await newcomer(origin);
    const mallory = await newcomer(origin, 'Mallory');
    const free = fresh();
    const answers = [
      await requestChange(browser, free),
      await requestChange(mallory.browser, taken.email),
    ] as const;
    expect(visible(answers[1])).toEqual(visible(answers[0]));

    // What the asker sees afterwards: the pending change on the page, the export, the own notice.
    const page = async (visitor: Visitor, own: Person, asked: string) =>
      (await visitor.get('/account/email')).text
        .replaceAll(asked, 'ASKED')
        .replaceAll(own.email, 'OWN')
        .replaceAll(own.displayName, 'NAME')
        .replaceAll(/value="[\w-]{86}"/g, '')
        .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z|\d{1,2}:\d\d/g, '');
    expect(await page(mallory.browser, mallory.person, taken.email)).toBe(
      await page(browser, person, free),
    );
    expect(await page(browser, person, free)).toContain('ASKED');
    const events = async (visitor: Visitor) =>
      (await visitor.get('/api/account/export'))
        .json()
        .securityEvents.map(({ kind, reason }: Record<string, unknown>) => [
          kind,
          reason,
        ]) as unknown;
    expect(await events(mallory.browser)).toEqual(await events(browser));
    const notices = [
      await mailsTo(origin, person.email),
      await mailsTo(origin, mallory.person.email),
    ] as const;
    expect(notices[1].map(({ subject }) => subject)).toEqual(
      notices[0].map(({ subject }) => subject),
    );

    // The owner: no link that gives the address away, and a hint that somebody tried.
    const [hint] = await mailsTo(origin, taken.email);
    expect(hint?.links).toEqual([`${origin}/sign-in`]);
    expect(await linkedTokens(origin, taken.email, '/confirm-email')).toHaveLength(1);
    expect(await signIn(taken, taken.email)).toBe(200);
  });

  test('is not taken over by its spelling either [R-47]', async () => {
    const taken = await register(origin, newPerson('Grace'));
    const { browser } = await newcomer(origin, 'Mallory');
    for (const spelling of [taken.email.toUpperCase(), taken.email.replace('g', '\uff47')]) {
      expect((await requestChange(browser, spelling)).status).toBe(202);
    }
    expect(await mailsTo(origin, taken.email)).toHaveLength(3);
    expect(await linkedTokens(origin, taken.email, '/confirm-email')).toHaveLength(1);
  });

  test('cannot be flooded with mail: five an hour, the answer is the same [CWE-799]', async () => {
    const { browser } = await newcomer(origin);
    const email = fresh();
    const answers: Answer[] = [];
    for (let count = 0; count < 8; count++) answers.push(await requestChange(browser, email));
    for (const answer of answers) expect(visible(answer)).toEqual(visible(answers[0] as Answer));
    expect(await mailsTo(origin, email)).toHaveLength(5);
    // The link of the last mail goes on working.
    expect((await confirm(origin, await confirmToken(origin, email))).status).toBe(200);
  });
});
