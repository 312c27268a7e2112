import type { Actor } from '../actor.ts';
import { type Call, type Selector, withSelected } from '../call.ts';
import type { Check } from '../check.ts';
import { type Exchange, isGranted } from '../exchange.ts';
import { type Run, send } from '../run.ts';
import { lostSession } from '../still-signed-in.ts';
import { type Finding, inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';

/** What databases and their drivers say of a statement that somebody broke. */
const SQL_ERROR =
  /syntax error at or near|unterminated quoted (string|identifier)|you have an error in your sql syntax|sqlite3?[._ ]?(operational)?error|near "[^"]*": syntax error|unrecognized token: "|sqlstate\[?42|pg::syntaxerror|postgressyntaxerror|errors\.syntaxerror|ora-01756|ora-00933|unclosed quotation mark|syntax error in query expression/i;

/** Seconds that a statement is told to sleep: twice, so that a slow answer is not taken for one. */
const SLEEPS = [2, 4] as const;

/** Identifiers and other values that become part of a statement. Only reads, as A, with A's ids. */
export const sqlInjection: Check = {
  id: 'sql-injection',
  title: 'Values that become part of an SQL statement',
  cwe: [89],
  owaspApi: ['API8:2023'],
  asvs: ['1.2.4'],
  phase: 'reads',
  needs: ['a', 'identity'],
  effect: 'reads',
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
    const places = placesOf(run);
    if (places.length === 0) return [notTested('reads', 'no read takes a value')];
    const lost = await lostSession(run, a, 'reads');
    if (lost !== null) return [lost];
    const verdicts: Verdict[] = [];
    for (const place of places) verdicts.push(await attack(run, a, place));
    return verdicts;
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
  const suspicious = isBrokenBy(quote) && !isBrokenBy(quotes);
  const saysSql = SQL_ERROR.test(quote.answer?.text ?? '') && !SQL_ERROR.test(base.answer.text);
  for (const [yes, no] of conditionsFor(place.value)) {
    const proof = await tryCondition(ask, base, yes, no);
    if (proof !== null) return proved(subject, proof, base);
  }
  if (suspicious || saysSql) {
    const slept = await trySleep(ask, place.value);
    if (slept.length > 0) return slow(subject, slept, base);
  }
  if (!saysSql && !suspicious)
    return sound(subject, 'a quote and a condition change nothing but the value');
  return {
    ...finding(subject),
    severity: 'medium',
    confidence: 'probable',
    title: `A quote in ${place.selector.name} breaks a statement`,
    detail: saysSql
      ? 'With a quote behind the value the answer is an error of the database; without it there is none.'
      : 'With one quote behind the value the server breaks, and with two, which in SQL are one character of the value, it does not.',
    evidence: [step('With a quote', quote), step('With two quotes', quotes)],
    controls: [step('With a right value', base)],
  };
}

/** A condition that holds behind the value, and one that does not: in a text, in a number. */
function conditionsFor(value: string): readonly (readonly [string, string])[] {
  const inText = [`${value}' AND '1'='1`, `${value}' AND '1'='2`] as const;
  const commented = [`${value}' AND 1=1-- `, `${value}' AND 1=2-- `] as const;
  const inNumber = [`${value} AND 1=1`, `${value} AND 1=2`] as const;
  const inPattern = [
    `${value}%' AND '1'='1' AND '%'='`,
    `${value}%' AND '1'='2' AND '%'='`,
  ] as const;
  return /^-?\d+$/.test(value) ? [inNumber, inText] : [inText, inPattern, commented];
}

/**
 * Whether the answer is that of the right value where the condition holds, and another where not,
 * twice. A target that ignores what stands behind the number answers both alike.
 */
async function tryCondition(
  ask: (value: string) => Promise<Exchange>,
  base: Exchange,
  yes: string,
  no: string,
): Promise<readonly [Exchange, Exchange] | null> {
  let pair: readonly [Exchange, Exchange] | null = null;
  for (let count = 0; count < 2; count += 1) {
    const holds = await ask(yes);
    if (!isGranted(base) || !sameAnswer(holds, base)) return null;
    const fails = await ask(no);
    if (sameAnswer(fails, base) || fails.answer === null || fails.answer.status >= 500) return null;
    pair = [holds, fails];
  }
  return pair;
}

const SLEEP_FORMS: readonly ((value: string, seconds: number) => string)[] = [
  (value, seconds) => `${value}' AND (SELECT 1 FROM pg_sleep(${seconds})) = 1-- `,
  (value, seconds) => `${value} AND (SELECT 1 FROM pg_sleep(${seconds})) = 1`,
  (value, seconds) => `${value}' AND SLEEP(${seconds})-- `,
  (value, seconds) => `${value}'; WAITFOR DELAY '0:0:${seconds}'-- `,
];

/** Answers that took as long as the statement was told to sleep, for both lengths. */
async function trySleep(
  ask: (value: string) => Promise<Exchange>,
  value: string,
): Promise<readonly Exchange[]> {
  for (const form of SLEEP_FORMS) {
    const slept: Exchange[] = [];
    for (const seconds of SLEEPS) {
      const exchange = await ask(form(value, seconds));
      const took = exchange.answer?.milliseconds ?? 0;
      if (took < seconds * 1000 - 100 || took > seconds * 1000 + 1500) break;
      slept.push(exchange);
    }
    if (slept.length === SLEEPS.length) return slept;
  }
  return [];
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

function isBrokenBy({ answer }: Exchange): boolean {
  return answer !== null && answer.status >= 500;
}

function sameAnswer(one: Exchange, other: Exchange): boolean {
  return one.answer?.status === other.answer?.status && one.answer?.text === other.answer?.text;
}
