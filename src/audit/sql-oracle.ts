import { type Exchange, isGranted } from './exchange.ts';

/** What databases and their drivers say of a statement that somebody broke. */
const SQL_ERROR =
  /syntax error at or near|unterminated quoted (string|identifier)|you have an error in your sql syntax|sqlite3?[._ ]?(operational)?error|near "[^"]*": syntax error|unrecognized token: "|sqlstate\[?42|pg::syntaxerror|postgressyntaxerror|errors\.syntaxerror|ora-01756|ora-00933|unclosed quotation mark|syntax error in query expression/i;

/** Seconds that a statement is told to sleep: twice, so that a slow answer is not taken for one. */
export const SLEEPS = [2, 4] as const;

/** A condition that holds behind the value, and one that does not: in a text, in a number. */
export function conditionsFor(value: string): readonly (readonly [string, string])[] {
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
export async function tryCondition(
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
export async function trySleep(
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

/** What two answers say of a value with a quote behind it, and with two. */
export interface QuoteSigns {
  /** The answer is an error of the database, in its words. */
  readonly saysSql: boolean;
  /** One quote breaks the server; two, which in SQL are one character of the value, do not. */
  readonly breaks: boolean;
}

export function signsOf(base: Exchange, quote: Exchange, quotes: Exchange): QuoteSigns {
  const isSql = ({ answer }: Exchange) => SQL_ERROR.test(answer?.text ?? '');
  return {
    saysSql: isSql(quote) && !isSql(base),
    breaks: isBrokenBy(quote) && !isBrokenBy(quotes) && !isBrokenBy(base),
  };
}

function isBrokenBy({ answer }: Exchange): boolean {
  return answer !== null && answer.status >= 500;
}

function sameAnswer(one: Exchange, other: Exchange): boolean {
  return one.answer?.status === other.answer?.status && one.answer?.text === other.answer?.text;
}
