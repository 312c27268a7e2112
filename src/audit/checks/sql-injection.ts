import type { Actor } from '../actor.ts';
import { type Call, type Selector, withSelected } from '../call.ts';
import type { Check } from '../check.ts';
import { type Exchange, isGranted } from '../exchange.ts';
import { withValueAt } from '../json.ts';
import type { ProvenWrite } from '../knowledge.ts';
import { putBack } from '../put-back.ts';
import { type Run, send } from '../run.ts';
import { attemptSignIn, gaveSomething } from '../sign-in.ts';
import {
  conditionsFor,
  type QuoteSigns,
  signsOf,
  SLEEPS,
  tryCondition,
  trySleep,
} from '../sql-oracle.ts';
import { lostSession } from '../still-signed-in.ts';
import { type Finding, inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';

/** Identifiers and other values that become part of a statement. Only reads, as A, with A's ids. */
export const sqlInjection: Check = {
  id: 'sql-injection',
  title: 'Values that become part of an SQL statement',
  cwe: [89],
  owaspApi: ['API8:2023'],
  asvs: ['1.2.4'],
  phase: 'reads',
  needs: ['a', 'identity'],
  effect: 'writes',
  repair: {
    fastapi:
      'Pass every value as a parameter: `await pool.fetch("SELECT ... WHERE id = $1", id)`. A column or a direction of ORDER BY is taken from a list of your own.',
    fastify:
      'Pass every value as a parameter: `client.query("SELECT ... WHERE id = $1", [id])`. A column or a direction of ORDER BY is taken from a list of your own.',
    sallyport:
      '`request.db` is a query builder whose values are all bind parameters; and what is injected all the same can become nobody whose secret it does not hold, for the policies compare with the proof.',
  },
  async run(run) {
    const { a } = run.actors;
    if (a === null) return [notTested('reads', 'account A is not signed in')];
    const lost = await lostSession(run, a, 'reads');
    if (lost !== null) return [lost];
    const verdicts: Verdict[] = [];
    for (const place of placesOf(run)) verdicts.push(await attack(run, a, place));
    for (const write of run.knowledge.writes) {
      verdicts.push(await tryField(run, a, write));
      await putBack(run, a, write);
    }
    const signIn = await trySignIn(run);
    if (signIn !== null) verdicts.push(signIn);
    return verdicts.length > 0 ? verdicts : [notTested('reads', 'nothing takes a value')];
  },
};

interface Place {
  readonly call: Call;
  readonly selector: Selector;
  /** The value that the read was granted with; a made-up word where it takes any. */
  readonly value: string;
}

/** Each value of each read once, and the parameters that a read takes beside those that it had. */
function placesOf({ knowledge }: Run): readonly Place[] {
  // A word that is found, where A has planted one: a condition can then take it away.
  const [word = 'name'] = knowledge.planted;
  const places = new Map<string, Place>();
  for (const { call, actor } of knowledge.reads) {
    if (actor.role !== 'a') continue;
    const add = (place: 'path' | 'query', name: string, value: string) => {
      const key = `${call.operation.id} ${place} ${name}`;
      if (places.has(key)) return;
      places.set(key, { call, value, selector: { in: place, name, bodyPath: [] } });
    };
    for (const [name, value] of Object.entries(call.path)) add('path', name, value);
    for (const [name, value] of Object.entries(call.query)) add('query', name, value);
    for (const { name, in: place, schema } of call.operation.parameters) {
      if (place === 'query' && call.query[name] === undefined) {
        add('query', name, schema['type'] === 'integer' ? '1' : word);
      }
    }
  }
  return [...places.values()];
}

async function attack(run: Run, a: Actor, place: Place): Promise<Verdict> {
  const subject = `${place.call.operation.id}, ${place.selector.name}`;
  const ask = (value: string) => send(run, withSelected(place.call, place.selector, value), a);
  const base = await ask(place.value);
  if (base.answer === null || base.answer.status >= 500) {
    return inconclusive(subject, 'it breaks with a right value', step('A right value', base));
  }
  const quote = await ask(`${place.value}'`);
  const quotes = await ask(`${place.value}''`);
  const signs = signsOf(base, quote, quotes);
  for (const [yes, no] of conditionsFor(place.value)) {
    const proof = await tryCondition(ask, base, yes, no);
    if (proof !== null) return proved(subject, proof, base);
  }
  if (await isSo(signs, (end) => ask(`${place.value}${end}`))) {
    const slept = await trySleep(ask, place.value);
    if (slept.length > 0) return slow(subject, slept, base);
    return brokenBy(subject, { base, quote, quotes }, signs);
  }
  return sound(subject, 'a quote and a condition change nothing but the value');
}

/** A text field of a write: only quotes, for a condition could reach more than the own object. */
async function tryField(run: Run, a: Actor, { granted, field }: ProvenWrite): Promise<Verdict> {
  const { call } = granted;
  const subject = `${call.operation.id}, ${field.join('.')}`;
  const ask = (end: string) =>
    send(run, { ...call, body: withValueAt(call.body, field, `${run.canary()}${end}`) }, a);
  const base = await ask('');
  if (!isGranted(base))
    return inconclusive(subject, 'the write no longer works', step('As A', base));
  const quote = await ask("'");
  const quotes = await ask("''");
  const signs = signsOf(base, quote, quotes);
  if (await isSo(signs, ask)) return brokenBy(subject, { base, quote, quotes }, signs);
  return sound(subject, 'a quote changes nothing but the value');
}

/**
 * Whether the signs are there twice more: a target that breaks now and then breaks at a quote too.
 */
async function isSo(
  { breaks, saysSql }: QuoteSigns,
  ask: (end: string) => Promise<Exchange>,
): Promise<boolean> {
  if (!breaks && !saysSql) return false;
  for (let count = 0; count < 2; count += 1) {
    const again = signsOf(await ask(''), await ask("'"), await ask("''"));
    if ((breaks && !again.breaks) || (!breaks && !again.saysSql)) return false;
  }
  return true;
}

/** Names that end the text of a statement and make it hold for everybody, or for B. */
async function trySignIn(run: Run): Promise<Verdict | null> {
  const { signIn } = run.access;
  const account = (run.actors.b ?? run.actors.a)?.account;
  if (signIn === null || account?.kind !== 'password') return null;
  const subject = `${signIn.call.operation.id}, ${signIn.nameAt.name}`;
  const attempt = (name: string, password: string) =>
    attemptSignIn(run.probe, signIn, name, password, { as: 'anonymous' });
  const wrong = await attempt(`${run.canary()}'`, run.canary());
  if (gaveSomething(wrong)) return inconclusive(subject, 'it signs anybody in');
  const tries: readonly (readonly [name: string, password: string])[] = [
    [`${account.username}'-- `, run.canary()],
    ["' OR '1'='1'-- ", run.canary()],
    ["' OR 1=1-- ", run.canary()],
    [run.canary(), "' OR '1'='1"],
  ];
  for (const [name, password] of tries) {
    const tried = await attempt(name, password);
    const again = gaveSomething(tried) ? await attempt(name, password) : null;
    if (again === null || !gaveSomething(again)) continue;
    return {
      ...finding(subject),
      title: 'Anybody signs in without a password: the name is put into a statement',
      detail: `A sign-in with ${JSON.stringify(name)} and a password that nobody has gave a credential, twice; one with a made-up name gave none.`,
      evidence: [step('It ends the statement', tried.exchange), step('Again', again.exchange)],
      controls: [step('A made-up name and a quote', wrong.exchange)],
    };
  }
  const plain = await attempt(run.canary(), run.canary());
  const signs = signsOf(plain.exchange, wrong.exchange, plain.exchange);
  const ask = async (end: string) =>
    (await attempt(end === "'" ? `${run.canary()}'` : run.canary(), run.canary())).exchange;
  if (await isSo(signs, ask)) {
    const answers = { base: plain.exchange, quote: wrong.exchange, quotes: plain.exchange };
    return brokenBy(subject, answers, signs);
  }
  return sound(subject, 'a quote and a condition sign nobody in');
}

interface Answers {
  readonly base: Exchange;
  readonly quote: Exchange;
  readonly quotes: Exchange;
}

function brokenBy(subject: string, { base, quote, quotes }: Answers, signs: QuoteSigns): Verdict {
  return {
    ...finding(subject),
    severity: 'medium',
    confidence: 'probable',
    title: `A quote breaks a statement: ${subject}`,
    detail: signs.saysSql
      ? 'With a quote behind the value the answer is an error of the database; without it there is none.'
      : 'With one quote behind the value the server breaks, and with two, which in SQL are one character of the value, it does not.',
    evidence: [step('With a quote', quote), step('With two quotes', quotes)],
    controls: [step('With a right value', base)],
  };
}

function proved(
  subject: string,
  [holds, fails]: readonly [Exchange, Exchange],
  base: Exchange,
): Verdict {
  return {
    ...finding(subject),
    title: `A condition behind the value is evaluated: ${subject}`,
    detail:
      'With a condition behind the value that holds, the answer was that of the value alone; with one that does not hold, another. Both twice. The value is part of the statement.',
    evidence: [
      step('A condition that holds: as the value alone', holds),
      step('A condition that does not hold: another answer', fails),
    ],
    controls: [step('The value alone', base)],
  };
}

function slow(subject: string, slept: readonly Exchange[], base: Exchange): Verdict {
  return {
    ...finding(subject),
    title: `The database sleeps for as long as the value says: ${subject}`,
    detail: `Told to sleep for ${SLEEPS.join(' and ')} seconds, the answers took as long.`,
    evidence: slept.map((exchange, index) => step(`Told to sleep ${SLEEPS[index]} s`, exchange)),
    controls: [step('The value alone', base)],
  };
}

function finding(subject: string): Finding {
  return {
    verdict: 'finding',
    cause: `${subject} is put into a statement`,
    severity: 'critical',
    confidence: 'confirmed',
    title: '',
    detail: '',
    subjects: [subject.split(',')[0] ?? subject],
    evidence: [],
    controls: [],
  };
}
