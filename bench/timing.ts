import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { median } from './load.ts';
import type { Figure } from './run.ts';
import { type Person, setStage, signIn as signInAs, type Stage } from './support.ts';

const PAIRS = 500;
const RESAMPLES = 1_000;

type Send = () => Promise<unknown>;

interface Comparison {
  readonly name: string;
  readonly one: Send;
  readonly other: Send;
  /** Uses the budgets up before. */
  readonly limited?: Send;
}

/**
 * Whether the time of an answer tells what it must not: who has an account, and how it stands. Each
 * figure is the ratio of two medians, of 500 pairs of requests that were sent in turn, with its
 * 95 % interval (bootstrap of the pairs). It should lie within 0.95 and 1.05 (CWE-208, R-57).
 */
export async function timingBench(): Promise<readonly Figure[]> {
  const stage = await setStage();
  const admin = new pg.Client(stage.databaseUrl);
  await admin.connect();
  const figures: Figure[] = [];
  for (const { name, one, other, limited } of await comparisons(stage, admin)) {
    // What is limited is answered without any work: only where that is measured it stays so.
    const empty = async () => {
      await admin.query('DELETE FROM sallyport.budgets');
      await admin.query('DELETE FROM sallyport.invitations');
    };
    await empty();
    await limited?.();
    const times = await compareTimes(one, other, limited ? async () => {} : empty);
    figures.push({ bench: 'timing', against: name, ...times });
  }
  await admin.end();
  await stage.strike();
  return figures;
}

async function comparisons(
  { server: { origin }, person, people }: Stage,
  admin: pg.Client,
): Promise<readonly Comparison[]> {
  const wrong = 'eleven otters juggle lanterns';
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(origin + path, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    await answer.arrayBuffer();
  };
  const invite = await inviter(origin, people[2]);
  const nobody = () => ({ email: `nobody.${randomBytes(6).toString('hex')}@example.com` });
  const signIn = (email: string, password = wrong) => post('/api/sign-in', { email, password });
  const [disabled, pending] = [people[1]?.email ?? '', nobody().email];
  await admin.query(
    `UPDATE sallyport.identities SET disabled_at = now()
      WHERE id = (SELECT identity_id FROM sallyport.email_addresses WHERE folded = $1)`,
    [disabled],
  );
  const without = people[3]?.email ?? '';
  await admin.query(
    `DELETE FROM sallyport.passwords
      WHERE identity_id = (SELECT identity_id FROM sallyport.email_addresses WHERE folded = $1)`,
    [without],
  );
  await post('/api/sign-up', { email: pending, password: wrong, displayName: 'Grace' });
  const known = () => signIn(person.email);
  const useUp = async () => {
    for (const email of [person.email, 'locked@example.com'])
      for (let guess = 0; guess < 10; guess++) await signIn(email);
  };
  const signUp = (email: string) =>
    post('/api/sign-up', { email, password: wrong, displayName: 'Grace' });
  return [
    { name: 'sign-in: unknown or known', one: () => signIn(nobody().email), other: known },
    { name: 'sign-in: disabled or known', one: () => signIn(disabled), other: known },
    { name: 'sign-in: without a password or known', one: () => signIn(without), other: known },
    { name: 'sign-in: unproved or known', one: () => signIn(pending), other: known },
    {
      name: 'sign-in: 1 or 128 characters',
      one: () => signIn(nobody().email, 'p'),
      other: () => signIn(person.email, 'p'.repeat(128)),
    },
    {
      name: 'sign-in, limited: unknown or known',
      one: () => signIn('locked@example.com'),
      other: known,
      limited: useUp,
    },
    {
      name: 'sign-up: unknown or known',
      one: () => signUp(nobody().email),
      other: () => signUp(person.email),
    },
    {
      name: 'sign-up with a passkey: unknown or known',
      one: () => post('/api/sign-up', { ...nobody(), displayName: 'Grace' }),
      other: () => post('/api/sign-up', { email: person.email, displayName: 'Grace' }),
    },
    {
      name: 'invitation: unknown or known',
      one: () => invite(nobody().email),
      other: () => invite(person.email),
    },
    {
      name: 'recovery: unknown or known',
      one: () => post('/api/recoveries', nobody()),
      other: () => post('/api/recoveries', { email: person.email }),
    },
    {
      name: 'confirmation again: unknown or pending',
      one: () => post('/api/confirmation-mails', nobody()),
      other: () => post('/api/confirmation-mails', { email: pending }),
    },
  ];
}

/** Invites people into a tenant of this person's. */
async function inviter(origin: string, person: Person | undefined) {
  if (!person) throw new Error('nobody owns a tenant');
  const signedIn = await signInAs(origin, person);
  const send = async (path: string, body: object, { cookie, csrfToken }: typeof signedIn) => {
    const headers = { 'content-type': 'application/json', cookie, 'x-csrf-token': csrfToken };
    const answer = await fetch(origin + path, {
      method: 'POST',
      headers: { ...headers, origin },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return answer;
  };
  const made = await send('/api/tenants', { name: 'Acme' }, signedIn);
  const cookies = made.headers.getSetCookie().map((line) => line.split(';')[0] ?? '');
  const { csrfToken } = (await made.json()) as { csrfToken: string };
  const owner = { cookie: cookies.filter((pair) => !pair.endsWith('=')).join('; '), csrfToken };
  return async (email: string) => {
    const invitations = [{ email, role: 'member' }];
    await (await send('/api/invitations', { invitations }, owner)).arrayBuffer();
  };
}

async function compareTimes(
  one: Send,
  other: Send,
  between: () => Promise<void>,
): Promise<{ readonly ratio: number; readonly spread: readonly [number, number] }> {
  const pairs: Array<readonly [number, number]> = [];
  for (let pair = -5; pair < PAIRS; pair++) {
    await between();
    const first = pair % 2 === 0;
    const earlier = await timeOf(first ? one : other);
    const later = await timeOf(first ? other : one);
    if (pair >= 0) pairs.push(first ? [earlier, later] : [later, earlier]);
  }
  const ratioOf = (chosen: typeof pairs) =>
    median(chosen.map(([a]) => a)) / median(chosen.map(([, b]) => b));
  const resampled = Array.from({ length: RESAMPLES }, () =>
    ratioOf(pairs.map(() => pairs[Math.floor(Math.random() * pairs.length)] ?? [0, 0])),
  ).toSorted((a, b) => a - b);
  const at = (share: number) => rounded(resampled[Math.floor(share * RESAMPLES)] ?? 0);
  return { ratio: rounded(ratioOf(pairs)), spread: [at(0.025), at(0.975)] };
}

const rounded = (value: number) => Math.round(value * 1_000) / 1_000;

async function timeOf(send: Send): Promise<number> {
  const started = performance.now();
  await send();
  return performance.now() - started;
}
