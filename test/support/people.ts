import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { ask, Visitor } from './client.ts';

export interface Person {
  readonly email: string;
  readonly password: string;
  readonly displayName: string;
}

/** Somebody new, with a password that nobody guesses. */
export function newPerson(name = 'Ada'): Person {
  const tag = randomBytes(6).toString('hex');
  return {
    email: `${name.toLowerCase()}.${tag}@example.com`,
    password: `violet kettle ${tag} orbit`,
    displayName: `${name} ${tag}`,
  };
}

/** Signs up and proves the address; nobody is signed in after that. */
export async function register(origin: string, person: Person = newPerson()): Promise<Person> {
  const visitor = new Visitor(origin);
  expect((await visitor.send('POST', '/api/sign-up', person)).status).toBe(202);
  const token = await mailedToken(origin, person.email);
  expect((await visitor.send('POST', '/api/email-confirmations', { token })).status).toBe(200);
  return person;
}

/** A browser in which the person has signed in. */
export async function signedIn(origin: string, person: Person): Promise<Visitor> {
  const visitor = new Visitor(origin);
  const { email, password } = person;
  const answer = await visitor.send('POST', '/api/sign-in', { email, password });
  expect(answer.status).toBe(200);
  return visitor;
}

/** Registers somebody new and signs them in. */
export async function newcomer(origin: string, name?: string) {
  const person = await register(origin, newPerson(name));
  return { person, browser: await signedIn(origin, person) };
}

/** The token in the newest mail to this address. */
export async function mailedToken(origin: string, email: string): Promise<string> {
  const [mail] = await mailsTo(origin, email);
  const link = mail?.links[0];
  expect(link, `a mail to ${email}`).toBeDefined();
  return new URL(link ?? '').searchParams.get('token') ?? '';
}

export interface TestMail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly links: readonly string[];
}

/** The mails to this address, newest first. */
export async function mailsTo(origin: string, email: string): Promise<readonly TestMail[]> {
  const mails = (await ask(origin, '/development/mailbox.json')).json() as TestMail[];
  return mails.filter(({ to }) => to === email);
}
